package result

import (
	"fmt"
	"math"
	"strings"

	"loadgen/internal/pyjson"
)

// PyTorchEnv is the environment variable that asks for PyTorch's benchmark format.
const PyTorchEnv = "SAVE_TO_PYTORCH_BENCHMARK_FORMAT"

// WantPyTorch reads the variable's value as the original does: in any case, with space
// around it or not.
func WantPyTorch(value string) (bool, error) {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "1", "true", "yes", "y", "on":
		return true, nil
	case "", "0", "false", "no", "n", "off":
		return false, nil
	}
	return false, fmt.Errorf("Failed to parse value '%s' for env var '%s' as bool.", value, PyTorchEnv)
}

// PyTorch makes PyTorch's records of a result: one for each mean, median,
// deviation and p99 of TTFT, TPOT and ITL; none where none of these was selected. args
// are the parsed arguments.
func (f *File) PyTorch(args pyjson.Object) []pyjson.Object {
	measured := map[string]bool{}
	var order []string
	for _, m := range []string{"ttft", "tpot", "itl"} {
		first, second := "median_", "mean_"
		if m == "tpot" {
			first, second = second, first
		}
		for _, prefix := range []string{first, second, "std_", "p99_"} {
			measured[prefix+m+"_ms"] = true
			order = append(order, prefix+m+"_ms")
		}
	}
	var extra pyjson.Object
	values := map[string]any{}
	for _, m := range f.Object() {
		values[m.Key] = m.Value
		switch m.Key {
		case "ttfts", "itls", "e2els", "generated_texts", "errors", loadgenKey:
			continue
		case "tensor_parallel_size":
			args = append(args[:len(args):len(args)], m)
		}
		if !measured[m.Key] {
			extra = append(extra, pyjson.Member{Key: m.Key, Value: infinite(m.Value)})
		}
	}
	var records []pyjson.Object
	for _, name := range order {
		v, ok := values[name]
		if !ok {
			continue
		}
		records = append(records, pyjson.Object{
			{Key: "benchmark", Value: pyjson.Object{{Key: "name", Value: "benchmark"},
				{Key: "extra_info", Value: pyjson.Object{{Key: "args", Value: args}}}}},
			{Key: "model", Value: pyjson.Object{{Key: "name", Value: args.Get("model")}}},
			{Key: "metric", Value: pyjson.Object{{Key: "name", Value: name},
				{Key: "benchmark_values", Value: []any{infinite(v)}}, {Key: "extra_info", Value: extra}}},
		})
	}
	return records
}

// infinite writes infinities as "inf", at any depth.
func infinite(v any) any {
	switch v := v.(type) {
	case float64:
		if math.IsInf(v, 1) {
			return "inf"
		}
	case pyjson.Object:
		out := make(pyjson.Object, len(v))
		for i, m := range v {
			out[i] = pyjson.Member{Key: m.Key, Value: infinite(m.Value)}
		}
		return out
	}
	return v
}
