package parquet

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	brotli "github.com/molecule-man/go-brrr" // as fasthttp does; standin has it
	"github.com/pierrec/lz4/v4"
)

// unpack decompresses a page of a known size.
func unpack(codec int64, data []byte, size int64) ([]byte, error) {
	if codec != 0 && size == 0 {
		return nil, nil
	}
	switch codec {
	case 0:
		return data, nil
	case 1:
		if n, err := snappy.DecodedLen(data); err != nil || int64(n) != size || size > 32*int64(len(data)) { // no copy makes more of its bytes
			return nil, errDamaged
		}
		return snappy.Decode(nil, data)
	case 2:
		r, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		return cut(r, size)
	case 4:
		return cut(brotli.NewReader(bytes.NewReader(data)), size)
	case 5:
		return hadoopLZ4(data, size)
	case 6:
		r, err := zstd.NewReader(bytes.NewReader(data), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxPage))
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return cut(r, size)
	case 7:
		return rawLZ4(data, size)
	}
	return nil, fmt.Errorf("codec %d cannot be read; there are Snappy, gzip, Brotli, Zstandard and LZ4", codec)
}

// rawLZ4 unpacks a block. What it makes is at most 255 times as large.
func rawLZ4(data []byte, size int64) ([]byte, error) {
	if size > 255*int64(len(data)) {
		return nil, errDamaged
	}
	out := make([]byte, size)
	n, err := lz4.UncompressBlock(data, out)
	if err == nil && int64(n) != size {
		err = errDamaged
	}
	return out, err
}

// hadoopLZ4 unpacks the old LZ4 codec: blocks behind their two sizes, or one raw block.
func hadoopLZ4(data []byte, size int64) ([]byte, error) {
	var out []byte
	rest := data
	for len(rest) >= 8 {
		unpacked, packed := int64(binary.BigEndian.Uint32(rest)), int64(binary.BigEndian.Uint32(rest[4:]))
		if packed > int64(len(rest)-8) || unpacked > size-int64(len(out)) {
			break
		}
		block, err := rawLZ4(rest[8:8+packed], unpacked)
		if err != nil {
			break
		}
		out, rest = append(out, block...), rest[8+packed:]
	}
	if len(rest) == 0 && int64(len(out)) == size {
		return out, nil
	}
	return rawLZ4(data, size)
}
