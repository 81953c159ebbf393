// Package resulttest checks result files against the schema, for tests. It takes the
// bytes of a file and fails the test that gave them; it changes nothing.
package resulttest

import (
	"bytes"
	"math"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"loadgen/internal/pyjson"
	"loadgen/internal/result"
)

// compiled is the schema, ready for use.
var compiled = sync.OnceValues(func() (*jsonschema.Schema, error) {
	text, err := jsonschema.UnmarshalJSON(bytes.NewReader(result.Schema()))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("result.schema.json", text); err != nil {
		return nil, err
	}
	return c.Compile("result.schema.json")
})

// Check returns what makes the text of a file differ from the schema, nil for nothing.
func Check(text []byte) error {
	schema, err := compiled()
	if err != nil {
		return err
	}
	v, err := pyjson.Parse(text)
	if err != nil {
		return err
	}
	plain, err := jsonschema.UnmarshalJSON(bytes.NewReader(pyjson.Append(nil, finite(v))))
	if err != nil {
		return err
	}
	return schema.Validate(plain)
}

// Validate fails the test where the text of a file is not what the schema allows.
func Validate(t testing.TB, text []byte) {
	t.Helper()
	if err := Check(text); err != nil {
		t.Errorf("the result file is not valid: %v", err)
	}
}

// finite replaces NaN and infinities, which the schema's numbers stand for too, with 0.
func finite(v any) any {
	switch v := v.(type) {
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return 0.0
		}
	case []float64:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = finite(x)
		}
		return out
	case [][]float64:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = finite(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = finite(x)
		}
		return out
	case pyjson.Object:
		out := make(pyjson.Object, len(v))
		for i, m := range v {
			out[i] = pyjson.Member{Key: m.Key, Value: finite(m.Value)}
		}
		return out
	}
	return v
}
