package brrr

// block is a meta-block: data with the codes that it is in.
type block struct {
	left int // bytes that it still makes
	last bool

	literals, commands, distances category
	modes                         []byte // of contexts, by type of literals
	literalMap, distanceMap       []byte // which code, by type and context
	postfix, direct               int    // how distances are written
}

// category is literals, commands or distances: they change their type independently.
type category struct {
	codes       []*code
	types       int
	kind, older int // the type now, and that before
	left        int // until the type changes
	switches    *code
	lengths     *code
}

var runLengths = [26]span{
	{1, 2}, {5, 2}, {9, 2}, {13, 2}, {17, 3}, {25, 3}, {33, 3}, {41, 3}, {49, 4}, {65, 4}, {81, 4}, {97, 4}, {113, 5},
	{145, 5}, {177, 5}, {209, 5}, {241, 6}, {305, 6}, {369, 7}, {497, 8}, {753, 9}, {1265, 10}, {2289, 11}, {4337, 12}, {8433, 13}, {16625, 24},
}

// begin reads of how many types a category is, and how they change.
func (c *category) begin(in *bits) error {
	*c = category{types: in.number(), older: 1, left: 1 << 24}
	if c.types == 1 {
		return nil
	}
	var err error
	if c.switches, err = readCode(in, c.types+2); err != nil {
		return err
	}
	if c.lengths, err = readCode(in, len(runLengths)); err != nil {
		return err
	}
	c.left = in.length(runLengths[c.lengths.symbol(in)])
	return nil
}

// next counts one of a category, which may be of another type.
func (c *category) next(in *bits) {
	if c.left == 0 {
		kind := 0
		switch symbol := c.switches.symbol(in); symbol {
		case 0:
			kind = c.older
		case 1:
			kind = (c.kind + 1) % c.types
		default:
			kind = symbol - 2
		}
		c.kind, c.older = kind, c.kind
		c.left = in.length(runLengths[c.lengths.symbol(in)])
	}
	c.left--
}

// readCodes reads the codes of a category.
func (c *category) readCodes(in *bits, n, alphabet int) error {
	for range n {
		code, err := readCode(in, alphabet)
		if err != nil {
			return err
		}
		if in.err != nil {
			return in.err
		}
		c.codes = append(c.codes, code)
	}
	return nil
}

// nextBlock reads what is before the data of a meta-block, and the data if they are stored.
func (r *Reader) nextBlock() error {
	in := &r.in
	r.block = block{last: in.read(1) == 1}
	if r.block.last && in.read(1) == 1 {
		return nil
	}
	nibbles := 4 + in.read(2)
	if nibbles == 7 {
		return r.metadata()
	}
	length := in.read(4 * nibbles)
	if nibbles > 4 && length>>(4*nibbles-4) == 0 {
		return errDamaged
	}
	r.block.left = length + 1
	if !r.block.last && in.read(1) == 1 {
		return r.stored()
	}
	return r.block.begin(in)
}

// metadata are not for who reads.
func (r *Reader) metadata() error {
	in := &r.in
	if in.read(1) != 0 {
		return errDamaged
	}
	bytes := in.read(2)
	length := in.read(8 * bytes)
	if bytes > 1 && length>>(8*bytes-8) == 0 || in.drop() != 0 {
		return errDamaged
	}
	if bytes == 0 {
		return nil
	}
	for range length + 1 {
		in.read(8)
		if in.err != nil {
			break
		}
	}
	return nil
}

// stored copies data that are as they were.
func (r *Reader) stored() error {
	if r.in.drop() != 0 {
		return errDamaged
	}
	for r.block.left > 0 && r.in.err == nil {
		if b := byte(r.in.read(8)); r.in.err == nil {
			r.put(b)
		}
	}
	return nil
}

// begin reads the codes of a block.
func (b *block) begin(in *bits) error {
	for _, c := range []*category{&b.literals, &b.commands, &b.distances} {
		if err := c.begin(in); err != nil {
			return err
		}
	}
	b.postfix = in.read(2)
	b.direct = in.read(4) << b.postfix
	for range b.literals.types {
		b.modes = append(b.modes, byte(in.read(2)))
	}
	var err error
	literals := in.number()
	if b.literalMap, err = contextMap(in, 64*b.literals.types, literals); err != nil {
		return err
	}
	distances := in.number()
	if b.distanceMap, err = contextMap(in, 4*b.distances.types, distances); err != nil {
		return err
	}
	if err = b.literals.readCodes(in, literals, 256); err != nil {
		return err
	}
	if err = b.commands.readCodes(in, b.commands.types, 704); err != nil {
		return err
	}
	return b.distances.readCodes(in, distances, 16+b.direct+48<<b.postfix)
}
