package zstd

import "math/bits"

// fse is a table of Finite State Entropy: each state stands for a symbol, and says how many
// bits are to be read and added to base for the next state.
type fse struct {
	log     uint8
	entries []state
}

type state struct {
	base         uint16
	symbol, bits uint8
}

// kind is one of the three tables of sequences.
type kind struct {
	symbols int
	maxLog  int
	log     uint8 // of the predefined table
	normal  []int16
}

func (k *kind) predefined() *fse {
	t, err := newFSE(k.normal, k.log)
	if err != nil {
		panic(err)
	}
	return t
}

// kinds are the tables for literal lengths, offsets and match lengths (RFC 8878, 3.1.1.3.2.2).
var kinds = [3]kind{
	{36, 9, 6, []int16{4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1}},
	{32, 8, 5, []int16{1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1}},
	{53, 9, 6, []int16{1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1}},
}

// What a code of a length stands for: the base, and how many bits are added to it.
var (
	literalBase = [36]uint32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 22, 24, 28, 32, 40, 48, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536}
	literalBits = [36]uint8{16: 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	matchBase   = [53]uint32{3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34,
		35, 37, 39, 41, 43, 47, 51, 59, 67, 83, 99, 131, 259, 515, 1027, 2051, 4099, 8195, 16387, 32771, 65539}
	matchBits = [53]uint8{32: 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
)

// readFrequencies reads how often each symbol occurs, in parts of 1<<log; -1 is less than
// one. It returns how many bytes that took.
func readFrequencies(in []byte, symbols, maxLog int) (frequencies []int16, log uint8, n int, err error) {
	b := forward{in: in}
	log = uint8(b.read(4) + 5)
	if int(log) > maxLog {
		return nil, 0, 0, errCorrupt
	}
	left := 1 << log
	for left > 0 && !b.over() {
		// There are left+2 possible values, -1 to left; the small ones take a bit less.
		width := bits.Len(uint(left + 1))
		few := 1<<width - 1 - (left + 1)
		v := b.read(width - 1)
		if v >= few {
			if v |= b.read(1) << (width - 1); v >= 1<<(width-1) {
				v -= few
			}
		}
		frequency := v - 1
		frequencies = append(frequencies, int16(frequency))
		left -= max(frequency, -frequency)
		for again := 3; frequency == 0 && again == 3 && !b.over(); {
			again = b.read(2)
			frequencies = append(frequencies, make([]int16, again)...)
		}
		if len(frequencies) > symbols {
			return nil, 0, 0, errCorrupt
		}
	}
	if left != 0 || b.over() {
		return nil, 0, 0, errCorrupt
	}
	return frequencies, log, (b.at + 7) / 8, nil
}

// newFSE makes the table of these frequencies.
func newFSE(frequencies []int16, log uint8) (*fse, error) {
	size := 1 << log
	t := &fse{log: log, entries: make([]state, size)}
	next := make([]int, len(frequencies))
	high := size
	for s, f := range frequencies {
		next[s] = int(f)
		if f == -1 {
			next[s] = 1
			high--
			t.entries[high].symbol = uint8(s)
		}
	}
	at, step := 0, size>>1+size>>3+3
	for s, f := range frequencies {
		for ; f > 0; f-- {
			t.entries[at].symbol = uint8(s)
			for at = (at + step) % size; at >= high && high > 0; {
				at = (at + step) % size
			}
		}
	}
	if at != 0 {
		return nil, errCorrupt
	}
	for i := range t.entries {
		e := &t.entries[i]
		k := next[e.symbol]
		next[e.symbol]++
		e.bits = log - uint8(bits.Len(uint(k))-1)
		e.base = uint16(k<<e.bits - size)
	}
	return t, nil
}
