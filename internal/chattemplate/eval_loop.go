package chattemplate

// iterate returns the items of a value.
func (e *evaluator) iterate(v any) ([]any, error) {
	switch v := v.(type) {
	case *List:
		return v.Items, nil
	case *Dict:
		return v.keys, nil
	case string:
		if err := e.short(runeCount(v)); err != nil {
			return nil, err
		}
		out := make([]any, 0, len(v))
		for _, r := range v {
			out = append(out, string(r))
		}
		return out, nil
	case undefined:
		return nil, nil
	}
	return nil, fail(e.line, "%q object is not iterable", typeName(v))
}

func (e *evaluator) bind(names []string, v any, to map[string]any) error {
	if len(names) == 1 {
		to[names[0]] = v
		return nil
	}
	items, err := e.unpack(v, len(names))
	if err != nil {
		return err
	}
	for i, name := range names {
		to[name] = items[i]
	}
	return nil
}

func (e *evaluator) loop(n *forNode, v any, depth int) error {
	e.line = n.line
	if depth > maxCalls {
		return fail(n.line, "a loop is nested too deep")
	}
	all, err := e.iterate(v)
	if err != nil {
		return err
	}
	items := all
	if n.test != nil {
		items = nil
		for _, x := range all {
			values := map[string]any{}
			if err := e.bind(n.targets, x, values); err != nil {
				return err
			}
			keep := false
			err := e.within(e.scope, values, func() error {
				v, err := e.eval(n.test)
				keep = truth(v)
				return err
			})
			if err != nil {
				return err
			}
			if keep {
				items = append(items, x)
			}
		}
	}
	if len(items) == 0 {
		return e.within(e.scope, nil, func() error { return e.body(n.other) })
	}
	state := &loopState{n: n, items: items, depth: depth}
	for i, x := range items {
		if err := e.step(); err != nil {
			return err
		}
		state.i = i
		values := map[string]any{"loop": state}
		if err := e.bind(n.targets, x, values); err != nil {
			return err
		}
		err := e.within(e.scope, values, func() error { return e.body(n.body) })
		if err == errBreak {
			break
		}
		if err != nil && err != errContinue {
			return err
		}
	}
	return nil
}

// loopState is the variable loop.
type loopState struct {
	n       *forNode
	items   []any
	i       int
	depth   int
	changed any
	seen    bool
}

func (s *loopState) attr(name string) (any, bool) {
	n := len(s.items)
	switch name {
	case "index":
		return int64(s.i + 1), true
	case "index0":
		return int64(s.i), true
	case "revindex":
		return int64(n - s.i), true
	case "revindex0":
		return int64(n - s.i - 1), true
	case "first":
		return s.i == 0, true
	case "last":
		return s.i == n-1, true
	case "length":
		return int64(n), true
	case "depth":
		return int64(s.depth), true
	case "depth0":
		return int64(s.depth - 1), true
	case "previtem":
		if s.i > 0 {
			return s.items[s.i-1], true
		}
		return undefined{"there is no previous item"}, true
	case "nextitem":
		if s.i < n-1 {
			return s.items[s.i+1], true
		}
		return undefined{"there is no next item"}, true
	case "cycle":
		return &function{"cycle", func(e *evaluator, args []any, _ *Dict) (any, error) {
			if len(args) == 0 {
				return nil, fail(e.line, "no items for cycling given")
			}
			return args[s.i%len(args)], nil
		}}, true
	case "changed":
		return &function{"changed", func(_ *evaluator, args []any, _ *Dict) (any, error) {
			now := &List{Items: args, tuple: true}
			if s.seen && equal(s.changed, now) {
				return false, nil
			}
			s.changed, s.seen = now, true
			return true, nil
		}}, true
	}
	return nil, false
}
