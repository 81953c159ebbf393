package chattemplate

func (p *parser) call(of node) (node, error) {
	n := &callNode{of: of, line: p.tok().line}
	p.i++
	return n, p.arguments(n)
}

// arguments reads the arguments of a call up to its closing parenthesis.
func (p *parser) arguments(n *callNode) error {
	for first := true; !p.accept(tkOperator, ")"); first = false {
		if !first {
			if err := p.expect(tkOperator, ","); err != nil {
				return err
			}
			if p.accept(tkOperator, ")") {
				break
			}
		}
		var err error
		switch {
		case p.accept(tkOperator, "**"):
			n.stars, err = p.expression()
		case p.accept(tkOperator, "*"):
			n.star, err = p.expression()
		case p.is(tkName) && p.tokens[p.i+1].kind == tkOperator && p.tokens[p.i+1].text == "=":
			n.names = append(n.names, p.tok().text)
			p.i += 2
			var x node
			x, err = p.expression()
			n.kwargs = append(n.kwargs, x)
		default:
			var x node
			if x, err = p.expression(); err == nil && len(n.names) > 0 {
				err = fail(p.tok().line, "a positional argument follows a keyword argument")
			}
			n.args = append(n.args, x)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// filter reads the name and arguments of a filter of x.
func (p *parser) filter(x node) (*callNode, error) {
	t := p.tok()
	if !p.accept(tkName) {
		return nil, p.unexpected("expected the name of a filter")
	}
	n := &callNode{of: x, name: t.text, line: t.line}
	if _, ok := filters()[t.text]; !ok {
		return nil, fail(t.line, "unknown filter %q", t.text)
	}
	if p.accept(tkOperator, "(") {
		return n, p.arguments(n)
	}
	return n, nil
}

// testNode is x is name(args).
type testNode struct{ *callNode }

func (p *parser) test(x node) (node, error) {
	p.i++
	negate := p.accept(tkName, "not")
	t := p.tok()
	if !p.accept(tkName) {
		return nil, p.unexpected("expected the name of a test")
	}
	n := &callNode{of: x, name: t.text, negate: negate, line: t.line}
	if _, ok := tests()[t.text]; !ok {
		return nil, fail(t.line, "unknown test %q", t.text)
	}
	next := p.tok()
	switch {
	case p.accept(tkOperator, "("):
		if err := p.arguments(n); err != nil {
			return nil, err
		}
	case next.kind == tkString || next.kind == tkInt || next.kind == tkFloat || p.is(tkOperator, "[", "{"),
		next.kind == tkName && next.text != "else" && next.text != "or" && next.text != "and" && next.text != "is" && next.text != "if" && next.text != "in" && next.text != "not":
		arg, err := p.primary()
		if err == nil {
			arg, err = p.postfix(arg)
		}
		if err != nil {
			return nil, err
		}
		n.args = []node{arg}
	}
	return testNode{n}, nil
}
