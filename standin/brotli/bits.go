package brrr

import "io"

// bits reads bits, the lowest of a byte first. Behind the end are zeros, and err is set.
type bits struct {
	src    io.Reader
	buffer [4096]byte
	at, n  int // the bytes of the buffer that are not read yet
	held   uint64
	count  int // of bits that are held
	err    error
}

// fill holds as many bits as are at hand, and at least so many, for which it asks the source.
func (b *bits) fill(least int) {
	for {
		for b.count <= 56 && b.at < b.n {
			b.held |= uint64(b.buffer[b.at]) << b.count
			b.at++
			b.count += 8
		}
		if b.count >= least || b.err != nil {
			return
		}
		b.ask()
	}
}

func (b *bits) ask() {
	for range 100 {
		n, err := b.src.Read(b.buffer[:])
		b.at, b.n = 0, n
		if n > 0 {
			return
		}
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if b.err = err; err != nil {
			return
		}
	}
	b.err = io.ErrNoProgress
}

// read reads a number of up to 24 bits.
func (b *bits) read(n int) int {
	if b.count < n {
		b.fill(n)
	}
	v := int(b.held & (1<<n - 1))
	b.skip(n)
	return v
}

func (b *bits) skip(n int) {
	b.held >>= n
	b.count = max(0, b.count-n)
}

// drop reads the bits before the next byte.
func (b *bits) drop() int { return b.read(b.count % 8) }

// number reads a number from 1 to 256.
func (b *bits) number() int {
	if b.read(1) == 0 {
		return 1
	}
	n := b.read(3)
	return 1 + 1<<n + b.read(n)
}

// span is a range of lengths: the first, and how many bits say which.
type span struct{ base, extra int }

func (b *bits) length(s span) int { return s.base + b.read(s.extra) }
