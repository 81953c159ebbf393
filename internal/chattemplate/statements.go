package chattemplate

// closedBody reads the rest of a tag, a body and its closing tag.
func (p *parser) closedBody(end string) ([]node, error) {
	if err := p.closeTag(); err != nil {
		return nil, err
	}
	body, err := p.body(end)
	if err != nil {
		return nil, err
	}
	return body, p.end(end)
}

func (p *parser) ifStatement() (node, error) {
	n := &ifNode{}
	for {
		test, err := p.tupleNoCond(false)
		if err != nil {
			return nil, err
		}
		if err := p.closeTag(); err != nil {
			return nil, err
		}
		body, err := p.body("elif", "else", "endif")
		if err != nil {
			return nil, err
		}
		n.tests, n.bodies = append(n.tests, test), append(n.bodies, body)
		p.i++
		switch name := p.tok().text; name {
		case "elif":
			p.i++
		case "else":
			p.i++
			n.other, err = p.closedBody("endif")
			return n, err
		default:
			p.i++
			return n, p.closeTag()
		}
	}
}

func (p *parser) names() ([]string, error) {
	parens := p.accept(tkOperator, "(")
	var out []string
	for {
		t := p.tok()
		if t.kind != tkName {
			return nil, p.unexpected("expected a name")
		}
		p.i++
		out = append(out, t.text)
		if !p.accept(tkOperator, ",") {
			break
		}
	}
	if parens {
		return out, p.expect(tkOperator, ")")
	}
	return out, nil
}

func (p *parser) forStatement(line int) (node, error) {
	n := &forNode{line: line}
	var err error
	if n.targets, err = p.names(); err != nil {
		return nil, err
	}
	if err := p.expect(tkName, "in"); err != nil {
		return nil, err
	}
	if n.iter, err = p.tupleNoCond(false); err != nil {
		return nil, err
	}
	if p.accept(tkName, "if") {
		if n.test, err = p.expression(); err != nil {
			return nil, err
		}
	}
	n.recursive = p.accept(tkName, "recursive")
	if err := p.closeTag(); err != nil {
		return nil, err
	}
	p.loops++
	n.body, err = p.body("else", "endfor")
	p.loops--
	if err != nil {
		return nil, err
	}
	p.i++
	if p.accept(tkName, "else") {
		n.other, err = p.closedBody("endfor")
		return n, err
	}
	p.i++
	return n, p.closeTag()
}

func (p *parser) setStatement(line int) (node, error) {
	n := &setNode{line: line}
	for {
		t := p.tok()
		if t.kind != tkName {
			return nil, p.unexpected("expected a name")
		}
		p.i++
		if p.accept(tkOperator, ".") {
			attr := p.tok()
			if attr.kind != tkName {
				return nil, p.unexpected("expected a name")
			}
			p.i++
			n.targets = append(n.targets, &attrNode{&nameNode{t.text, t.line}, attr.text, t.line})
		} else {
			n.targets = append(n.targets, &nameNode{t.text, t.line})
		}
		if !p.accept(tkOperator, ",") {
			break
		}
	}
	var err error
	if p.accept(tkOperator, "=") {
		if n.value, err = p.tuple(); err != nil {
			return nil, err
		}
		return n, p.closeTag()
	}
	if p.accept(tkOperator, "|") {
		if n.filters, err = p.filterChain(); err != nil {
			return nil, err
		}
	}
	n.body, err = p.closedBody("endset")
	return n, err
}

// filterChain reads name(args) | name ...
func (p *parser) filterChain() ([]*callNode, error) {
	var out []*callNode
	for {
		f, err := p.filter(nil)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
		if !p.accept(tkOperator, "|") {
			return out, nil
		}
	}
}

func (p *parser) params() (names []string, defaults []node, err error) {
	for !p.accept(tkOperator, ")") {
		if len(names) > 0 {
			if err := p.expect(tkOperator, ","); err != nil {
				return nil, nil, err
			}
			if p.accept(tkOperator, ")") {
				break
			}
		}
		t := p.tok()
		if t.kind != tkName {
			return nil, nil, p.unexpected("expected a parameter")
		}
		p.i++
		names = append(names, t.text)
		if p.accept(tkOperator, "=") {
			x, err := p.expression()
			if err != nil {
				return nil, nil, err
			}
			defaults = append(defaults, x)
		} else if len(defaults) > 0 {
			return nil, nil, fail(t.line, "a parameter without a default follows one with a default")
		}
	}
	return names, defaults, nil
}

func (p *parser) macroStatement(line int) (node, error) {
	n := &macroNode{line: line, name: p.tok().text}
	if !p.accept(tkName) {
		return nil, p.unexpected("expected the name of the macro")
	}
	err := p.expect(tkOperator, "(")
	if err != nil {
		return nil, err
	}
	if n.params, n.defaults, err = p.params(); err != nil {
		return nil, err
	}
	loops := p.loops
	p.loops = 0
	n.body, err = p.closedBody("endmacro")
	p.loops = loops
	return n, err
}

func (p *parser) callStatement(line int) (node, error) {
	n := &callBlockNode{caller: &macroNode{name: "caller", line: line}}
	var err error
	if p.accept(tkOperator, "(") {
		if n.caller.params, n.caller.defaults, err = p.params(); err != nil {
			return nil, err
		}
	}
	if n.call, err = p.expression(); err != nil {
		return nil, err
	}
	if call, ok := n.call.(*callNode); !ok || call.of == nil || call.name != "" {
		return nil, fail(line, "call needs the call of a macro")
	}
	n.caller.body, err = p.closedBody("endcall")
	return n, err
}

func (p *parser) withStatement() (node, error) {
	n := &withNode{}
	for !p.is(tkEnd) {
		if len(n.names) > 0 {
			if err := p.expect(tkOperator, ","); err != nil {
				return nil, err
			}
		}
		name := p.tok()
		if name.kind != tkName {
			return nil, p.unexpected("expected a name")
		}
		p.i++
		if err := p.expect(tkOperator, "="); err != nil {
			return nil, err
		}
		x, err := p.expression()
		if err != nil {
			return nil, err
		}
		n.names, n.values = append(n.names, name.text), append(n.values, x)
	}
	var err error
	n.body, err = p.closedBody("endwith")
	return n, err
}
