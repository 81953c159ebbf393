package apitest

import (
	"go/ast"
	"go/token"
	"strings"
	"testing"
)

// TestNoTestPassesForNaN: a test that fails where a number is further off than it may be,
// math.Abs(got-want) > most, passes for NaN, which is no such number; !(... <= most) fails.
func TestNoTestPassesForNaN(t *testing.T) {
	found := 0
	for _, s := range sources(t) {
		if !strings.HasSuffix(s.path, "_test.go") {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			e, ok := n.(*ast.BinaryExpr)
			if !ok || !isAbs(e.X) {
				return true
			}
			switch e.Op {
			case token.GTR, token.GEQ:
				t.Errorf("%s: %v passes for NaN: write !(math.Abs(...) <= ...)", s.path, s.fset.Position(e.Pos()))
			case token.LSS, token.LEQ:
				found++
			}
			return true
		})
	}
	if found < 50 {
		t.Errorf("%d comparisons of math.Abs were found: the test looks for nothing", found)
	}
}

// isAbs reports whether an expression is a call of math.Abs.
func isAbs(e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return false
	}
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := f.X.(*ast.Ident)
	return ok && x.Name == "math" && f.Sel.Name == "Abs"
}
