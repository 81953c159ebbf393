package expose

import (
	"math"
	"testing"

	"loadgen/internal/prom"
)

// TestAppend: what is written is read back.
func TestAppend(t *testing.T) {
	all := []Family{
		{Name: "a_total", Kind: "counter", Help: "one\nline", Samples: []prom.Sample{{Name: "a_total", Labels: []prom.Label{{Name: "x", Value: "q\"\\\n\xff"}, {Name: "y"}}, Value: 3}}},
		{Name: "b", Kind: "histogram", Samples: []prom.Sample{{Name: "b_bucket", Labels: []prom.Label{{Name: "le", Value: "+Inf"}}, Value: math.Inf(1)}, {Name: "b_sum", Value: 1.5e-9}, {Name: "b", Value: math.Inf(-1)}}},
	}
	text := string(Append(nil, all))
	const want = "# HELP a_total one\\nline\n# TYPE a_total counter\na_total{x=\"q\\\"\\\\\\n\uFFFD\",y=\"\"} 3\n# HELP b \n# TYPE b histogram\nb_bucket{le=\"+Inf\"} +Inf\nb_sum 1.5e-09\nb -Inf\n"
	if text != want {
		t.Errorf("%q\nwant %q", text, want)
	}
	read, err := prom.Parse([]byte(text))
	if err != nil || len(read) != 4 || read[0].Labels[0].Value != "q\"\\\n\uFFFD" || !math.IsInf(read[1].Value, 1) {
		t.Errorf("%+v %v", read, err)
	}
}
