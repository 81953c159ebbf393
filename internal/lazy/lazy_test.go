package lazy

import "testing"

func TestMadeOnce(t *testing.T) {
	made := 0
	var v Value[int]
	for range 2 {
		if got := v.Get(func() int { made++; return 7 }); got != 7 || made != 1 {
			t.Errorf("%d, made %d times", got, made)
		}
	}
	const digits = Regexp("^[0-9]+$")
	first := digits.Get()
	if first != digits.Get() || !digits.Get().MatchString("12") || digits.Get().MatchString("x") {
		t.Error("the expression is compiled twice, or another one")
	}
}
