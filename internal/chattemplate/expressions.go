package chattemplate

import "strconv"

// tuple reads an expression, or several with commas between them.
func (p *parser) tuple() (node, error) { return p.tupleNoCond(true) }

func (p *parser) tupleNoCond(conditional bool) (node, error) {
	read := p.or
	if conditional {
		read = p.expression
	}
	x, err := read()
	if err != nil || !p.is(tkOperator, ",") {
		return x, err
	}
	list := &listNode{items: []node{x}, tuple: true}
	for p.accept(tkOperator, ",") {
		if p.is(tkEnd) || p.is(tkClose) || p.is(tkOperator, ")", "=") {
			break
		}
		if x, err = read(); err != nil {
			return nil, err
		}
		list.items = append(list.items, x)
	}
	return list, nil
}

// expression reads "x if test else y" and all that binds tighter.
func (p *parser) expression() (node, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	x, err := p.or()
	for err == nil && p.accept(tkName, "if") {
		n := &condNode{yes: x}
		if n.test, err = p.or(); err != nil {
			return nil, err
		}
		if p.accept(tkName, "else") {
			if n.no, err = p.expression(); err != nil {
				return nil, err
			}
		}
		x = n
	}
	return x, err
}

func (p *parser) or() (node, error) {
	return p.left(func() (node, error) { return p.left(p.not, tkName, "and") }, tkName, "or")
}

// left reads operands of the same level, joined from the left.
func (p *parser) left(operand func() (node, error), k kind, ops ...string) (node, error) {
	x, err := operand()
	for err == nil && p.is(k, ops...) {
		t := p.tok()
		p.i++
		var y node
		if y, err = operand(); err == nil {
			x = &binaryNode{t.text, x, y, t.line}
		}
	}
	return x, err
}

func (p *parser) not() (node, error) {
	if t := p.tok(); p.accept(tkName, "not") {
		if err := p.enter(); err != nil {
			return nil, err
		}
		defer func() { p.depth-- }()
		x, err := p.not()
		return &unaryNode{"not", x, t.line}, err
	}
	return p.compare()
}

func (p *parser) compare() (node, error) {
	line := p.tok().line
	x, err := p.sum()
	if err != nil {
		return nil, err
	}
	n := &compareNode{x: x, line: line}
	for {
		op := p.tok().text
		switch {
		case p.accept(tkOperator, "==", "!=", "<", "<=", ">", ">="), p.accept(tkName, "in"):
		case p.is(tkName, "not") && p.tokens[p.i+1].kind == tkName && p.tokens[p.i+1].text == "in":
			p.i += 2
			op = "not in"
		default:
			if len(n.ops) == 0 {
				return x, nil
			}
			return n, nil
		}
		y, err := p.sum()
		if err != nil {
			return nil, err
		}
		n.ops, n.ys = append(n.ops, op), append(n.ys, y)
	}
}

func (p *parser) sum() (node, error) {
	return p.left(func() (node, error) {
		return p.left(func() (node, error) {
			return p.left(p.power, tkOperator, "*", "/", "//", "%")
		}, tkOperator, "~")
	}, tkOperator, "+", "-")
}

func (p *parser) power() (node, error) {
	return p.left(func() (node, error) { return p.unary(true) }, tkOperator, "**")
}

func (p *parser) unary(filters bool) (node, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	t := p.tok()
	var x node
	var err error
	if p.accept(tkOperator, "-", "+") {
		if x, err = p.unary(false); err == nil {
			x = &unaryNode{t.text, x, t.line}
		}
	} else if x, err = p.primary(); err == nil {
		x, err = p.postfix(x)
	}
	if err != nil || !filters {
		return x, err
	}
	for {
		switch {
		case p.accept(tkOperator, "|"):
			x, err = p.filter(x)
		case p.is(tkName, "is"):
			x, err = p.test(x)
		case p.is(tkOperator, "("):
			x, err = p.call(x)
		default:
			return x, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

func (p *parser) primary() (node, error) {
	t := p.tok()
	switch t.kind {
	case tkName:
		p.i++
		switch t.text {
		case "true", "True":
			return &constNode{true}, nil
		case "false", "False":
			return &constNode{false}, nil
		case "none", "None":
			return &constNode{nil}, nil
		}
		return &nameNode{t.text, t.line}, nil
	case tkString:
		text := ""
		for p.is(tkString) {
			text += p.tok().text
			p.i++
		}
		return &constNode{text}, nil
	case tkInt:
		p.i++
		n, err := strconv.ParseInt(t.text, 10, 64)
		if err != nil {
			return nil, fail(t.line, "the number %s is too large", t.text)
		}
		return &constNode{n}, nil
	case tkFloat:
		p.i++
		x, err := strconv.ParseFloat(t.text, 64)
		if err != nil {
			return nil, fail(t.line, "bad number %s", t.text)
		}
		return &constNode{x}, nil
	case tkOperator:
		p.i++
		switch t.text {
		case "(":
			if p.accept(tkOperator, ")") {
				return &listNode{tuple: true}, nil
			}
			x, err := p.tuple()
			if err != nil {
				return nil, err
			}
			return x, p.expect(tkOperator, ")")
		case "[":
			items, err := p.items("]")
			return &listNode{items: items}, err
		case "{":
			return p.dict()
		}
		p.i--
	}
	return nil, p.unexpected("expected an expression")
}

func (p *parser) items(end string) (out []node, err error) {
	for !p.accept(tkOperator, end) {
		if len(out) > 0 {
			if err := p.expect(tkOperator, ","); err != nil {
				return nil, err
			}
			if p.accept(tkOperator, end) {
				break
			}
		}
		x, err := p.expression()
		if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, nil
}

func (p *parser) dict() (node, error) {
	n := &dictNode{}
	for !p.accept(tkOperator, "}") {
		if len(n.keys) > 0 {
			if err := p.expect(tkOperator, ","); err != nil {
				return nil, err
			}
			if p.accept(tkOperator, "}") {
				break
			}
		}
		key, err := p.expression()
		if err != nil {
			return nil, err
		}
		if err := p.expect(tkOperator, ":"); err != nil {
			return nil, err
		}
		value, err := p.expression()
		if err != nil {
			return nil, err
		}
		n.keys, n.values = append(n.keys, key), append(n.values, value)
	}
	return n, nil
}

func (p *parser) postfix(x node) (node, error) {
	for {
		t := p.tok()
		var err error
		switch {
		case p.accept(tkOperator, "."):
			name := p.tok()
			switch {
			case p.accept(tkName):
				x = &attrNode{x, name.text, t.line}
			case p.accept(tkInt):
				n, _ := strconv.ParseInt(name.text, 10, 64)
				x = &indexNode{x, &constNode{n}, t.line}
			default:
				return nil, p.unexpected("expected a name")
			}
		case p.accept(tkOperator, "["):
			var index node
			if index, err = p.subscript(); err != nil {
				return nil, err
			}
			x = &indexNode{x, index, t.line}
			err = p.expect(tkOperator, "]")
		case p.is(tkOperator, "("):
			x, err = p.call(x)
		default:
			return x, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

func (p *parser) subscript() (node, error) {
	var parts [3]node
	sliced := false
	for k := 0; k < 3; k++ {
		if !p.is(tkOperator, ":", "]") {
			x, err := p.expression()
			if err != nil {
				return nil, err
			}
			parts[k] = x
		}
		if !p.accept(tkOperator, ":") {
			break
		}
		sliced = true
	}
	if !sliced {
		if parts[0] == nil {
			return nil, p.unexpected("expected an index")
		}
		return parts[0], nil
	}
	return &sliceNode{parts[0], parts[1], parts[2]}, nil
}
