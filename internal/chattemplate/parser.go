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
