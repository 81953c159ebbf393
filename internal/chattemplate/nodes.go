package chattemplate

// node is a statement or an expression.
type node interface{}

type (
	textNode   struct{ text string }
	outputNode struct{ expr node }
	ifNode     struct {
		tests  []node
		bodies [][]node
		other  []node
	}
	forNode struct {
		targets     []string
		iter, test  node
		body, other []node
		recursive   bool
		line        int
	}
	setNode struct {
		targets []node // nameNode or attrNode of a namespace
		value   node
		body    []node
		filters []*callNode
		line    int
	}
	macroNode struct {
		name     string
		params   []string
		defaults []node // of the last params
		body     []node
		line     int
	}
	callBlockNode struct {
		call   node
		caller *macroNode
	}
	filterNode struct {
		filters []*callNode
		body    []node
	}
	withNode struct {
		names  []string
		values []node
		body   []node
	}
	loopControl struct{ isBreak bool }
	blockNode   struct{ body []node }

	constNode struct{ value any }
	nameNode  struct {
		name string
		line int
	}
	listNode struct {
		items []node
		tuple bool
	}
	dictNode struct{ keys, values []node }
	attrNode struct {
		of   node
		name string
		line int
	}
	indexNode struct {
		of, index node
		line      int
	}
	sliceNode struct{ low, high, step node }
	unaryNode struct {
		op   string
		x    node
		line int
	}
	binaryNode struct {
		op   string
		x, y node
		line int
	}
	compareNode struct {
		x    node
		ops  []string
		ys   []node
		line int
	}
	condNode struct{ test, yes, no node }
	callNode struct { // a call, or a filter or a test by name
		of     node
		name   string
		args   []node
		names  []string // of keyword arguments
		kwargs []node
		star   node // *args
		stars  node // **kwargs
		negate bool
		line   int
	}
)
