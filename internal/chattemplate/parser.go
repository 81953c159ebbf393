package chattemplate

import (
	"slices"
	"strconv"
)

const maxNesting = 150

type parser struct {
	tokens []token
	i      int
	depth  int
	loops  int
}

func (p *parser) tok() token { return p.tokens[p.i] }

func (p *parser) is(k kind, text ...string) bool {
	t := p.tok()
	return t.kind == k && (len(text) == 0 || slices.Contains(text, t.text))
}

func (p *parser) accept(k kind, text ...string) bool {
	if p.is(k, text...) {
		p.i++
		return true
	}
	return false
}

func (p *parser) expect(k kind, text string) error {
	if !p.accept(k, text) {
		return p.unexpected("expected " + text)
	}
	return nil
}

func (p *parser) unexpected(why string) error {
	t := p.tok()
	what := map[kind]string{tkEOF: "the end of the template", tkEnd: "%}", tkClose: "}}", tkData: "text"}[t.kind]
	if what == "" {
		what = strconv.Quote(t.text)
	}
	return fail(t.line, "unexpected %s: %s", what, why)
}

func (p *parser) enter() error {
	if p.depth++; p.depth > maxNesting {
		return fail(p.tok().line, "it is nested too deep")
	}
	return nil
}

// body reads statements up to a tag with one of the names, which it leaves.
func (p *parser) body(ends ...string) ([]node, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	var out []node
	for {
		t := p.tok()
		switch t.kind {
		case tkEOF:
			if len(ends) > 0 {
				return nil, p.unexpected("expected " + ends[0])
			}
			return out, nil
		case tkData:
			p.i++
			out = append(out, &textNode{t.text})
		case tkOpen:
			p.i++
			x, err := p.tuple()
			if err != nil {
				return nil, err
			}
			if err := p.expect(tkClose, ""); err != nil {
				return nil, p.unexpected("expected }}")
			}
			out = append(out, &outputNode{x})
		case tkBegin:
			if next := p.tokens[p.i+1]; next.kind == tkName && slices.Contains(ends, next.text) {
				return out, nil
			}
			p.i++
			n, err := p.statement()
			if err != nil {
				return nil, err
			}
			out = append(out, n)
		default:
			return nil, p.unexpected("expected text or a tag")
		}
	}
}

// end reads the closing tag of a statement.
func (p *parser) end(name string) error {
	if err := p.expect(tkBegin, ""); err != nil {
		return err
	}
	if err := p.expect(tkName, name); err != nil {
		return err
	}
	return p.closeTag()
}

func (p *parser) closeTag() error {
	if !p.accept(tkEnd) {
		return p.unexpected("expected %}")
	}
	return nil
}

func (p *parser) statement() (node, error) {
	t := p.tok()
	if t.kind != tkName {
		return nil, p.unexpected("expected the name of a statement")
	}
	p.i++
	switch t.text {
	case "if":
		return p.ifStatement()
	case "for":
		return p.forStatement(t.line)
	case "set":
		return p.setStatement(t.line)
	case "macro":
		return p.macroStatement(t.line)
	case "call":
		return p.callStatement(t.line)
	case "filter":
		filters, err := p.filterChain()
		if err != nil {
			return nil, err
		}
		body, err := p.closedBody("endfilter")
		return &filterNode{filters, body}, err
	case "with":
		return p.withStatement()
	case "generation":
		body, err := p.closedBody("endgeneration")
		return &blockNode{body}, err
	case "autoescape":
		if _, err := p.expression(); err != nil {
			return nil, err
		}
		body, err := p.closedBody("endautoescape")
		return &blockNode{body}, err
	case "break", "continue":
		if p.loops == 0 {
			return nil, fail(t.line, "%s outside of a loop", t.text)
		}
		return &loopControl{t.text == "break"}, p.closeTag()
	}
	return nil, fail(t.line, "unknown statement %q", t.text)
}

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
