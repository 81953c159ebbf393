package tokenizer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
)

var errProto = errors.New("it is not a SentencePiece model")

// fields calls field for every field of a protobuf message: number is its
// number, value that of a varint or the bits of a fixed one, data its bytes.
func fields(data []byte, field func(number uint64, value uint64, data []byte) error) error {
	for len(data) > 0 {
		tag, n := binary.Uvarint(data)
		if n <= 0 {
			return errProto
		}
		data = data[n:]
		var value uint64
		var body []byte
		switch tag & 7 {
		case 0:
			if value, n = binary.Uvarint(data); n <= 0 {
				return errProto
			}
		case 1:
			n = 8
		case 5:
			if n = 4; len(data) >= 4 {
				value = uint64(binary.LittleEndian.Uint32(data))
			}
		case 2:
			size, m := binary.Uvarint(data)
			if m <= 0 || size > uint64(len(data)-m) {
				return errProto
			}
			n = m + int(size)
			body = data[m:n]
		default:
			return errProto
		}
		if n > len(data) {
			return errProto
		}
		data = data[n:]
		if err := field(tag>>3, value, body); err != nil {
			return err
		}
	}
	return nil
}

func parseSentencePiece(data []byte) (*sentencePiece, error) {
	m := &sentencePiece{kind: 1, surface: " ⁇ ", dummyPrefix: true, trimBlanks: true, marks: true, bos: -1, unknown: -1}
	bos := uint64(1)
	err := fields(data, func(number, _ uint64, body []byte) error {
		switch number {
		case 1:
			p := piece{kind: pieceNormal}
			err := fields(body, func(number, value uint64, body []byte) error {
				switch number {
				case 1:
					p.text = string(body)
				case 2:
					p.score = math.Float32frombits(uint32(value))
				case 3:
					p.kind = value
				}
				return nil
			})
			m.pieces = append(m.pieces, p)
			return err
		case 2:
			return fields(body, func(number, value uint64, body []byte) error {
				switch number {
				case 3:
					m.kind = value
				case 24:
					m.suffix = value != 0
				case 35:
					m.fallback = value != 0
				case 41:
					bos = value
				case 44:
					m.surface = string(body)
				}
				return nil
			})
		case 3:
			return fields(body, func(number, value uint64, body []byte) error {
				switch number {
				case 2:
					m.charmap = body
				case 3:
					m.dummyPrefix = value != 0
				case 4:
					m.trimBlanks = value != 0
				case 5:
					m.marks = value != 0
				}
				return nil
			})
		}
		return nil
	})
	if err != nil || len(m.pieces) == 0 {
		return nil, errProto
	}
	if bos < uint64(len(m.pieces)) && m.pieces[bos].kind == pieceControl {
		m.bos = int(bos)
	}
	return m, m.prepare()
}

// isText reports whether a tokenizer.model is tiktoken's: lines of base64.
func isText(data []byte) bool {
	head := data[:min(len(data), 200)]
	return !slices.ContainsFunc(head, func(b byte) bool { return b < ' ' && b != '\n' && b != '\r' || b > '~' })
}

func readModel(path string, c *config) (*Tokenizer, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the tokenizer: %w", err)
	}
	if isText(data) {
		return loadTiktoken(path, data, c)
	}
	return loadSentencePiece(path, data, c)
}
