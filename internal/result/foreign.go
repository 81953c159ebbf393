package result

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf16"

	"loadgen/internal/pyjson"
)

// ErrUnknown is the error of JSON that is no result of a known program.
var ErrUnknown = fmt.Errorf("%w of a known program", ErrFormat)

// ParseAll reads all results that a file holds: of the programs that Parse knows, one or
// several (JSON Lines, as vLLM's --append-result and SGLang's bench_serving write them);
// AIPerf's and genai-perf's export; GuideLLM's report, a result for each of its benchmarks.
// With an error are the results that come before it.
func ParseAll(text []byte) (files []*File, err error) {
	values, err := pyjson.ParseAll(utf8Of(text))
	if err == nil && len(values) == 0 {
		err = errors.New("it is empty")
	}
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrFormat, err)
	}
	for i, v := range values {
		some, bad := filesOf(v)
		files = append(files, some...)
		if bad != nil {
			if len(values) > 1 {
				bad = fmt.Errorf("value %d of %d: %w", i+1, len(values), bad)
			}
			return files, bad
		}
	}
	return files, err
}

// utf8Of is a text in UTF-8: one in UTF-16 has a byte order mark, as PowerShell writes it.
func utf8Of(text []byte) []byte {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(text, []byte("\xff\xfe")):
		order = binary.LittleEndian
	case bytes.HasPrefix(text, []byte("\xfe\xff")):
		order = binary.BigEndian
	default:
		return text
	}
	units := make([]uint16, (len(text)-2)/2)
	for i := range units {
		units[i] = order.Uint16(text[2+2*i:])
	}
	return []byte(string(utf16.Decode(units)))
}

// filesOf are the results in a JSON value: an object, or an array of them.
func filesOf(v any) (files []*File, err error) {
	switch v := v.(type) {
	case pyjson.Object:
		if all, ok := v.Get("benchmarks").([]any); ok {
			return fromGuideLLM(v, all)
		}
		if isAIPerf(v) {
			f, err := fromAIPerf(v)
			return some(f, err)
		}
		f, err := fileOf(v)
		return some(f, err)
	case []any:
		for _, one := range v {
			inner, err := filesOf(one)
			files = append(files, inner...)
			if err != nil {
				return files, err
			}
		}
		if len(files) > 0 {
			return files, nil
		}
	}
	return nil, fmt.Errorf("%w: it holds no JSON object", ErrUnknown)
}

func some(f *File, err error) ([]*File, error) {
	if err != nil {
		return nil, err
	}
	return []*File{f}, nil
}

// unknown is the error of an object that is no result. It names what was found.
func unknown(o pyjson.Object) error {
	const most = 6
	keys := make([]string, 0, most)
	for _, m := range o {
		if len(keys) == most {
			keys = append(keys, "...")
			break
		}
		keys = append(keys, strings.ToValidUTF8(fmt.Sprintf("%.40q", m.Key), ""))
	}
	found := "it is an empty object"
	if len(o) > 0 {
		found = "its keys are " + strings.Join(keys, ", ")
	}
	return fmt.Errorf("%w: it has no completed and duration; %s. Known are the results of loadgen, benchmark_serving, vLLM, SGLang, InferenceX, AIPerf (profile_export_aiperf.json) and GuideLLM (benchmarks.json)", ErrUnknown, found)
}

// fromSGLang takes what SGLang's bench_serving keeps elsewhere. It never says how many
// requests were asked for, but for the number of their values.
func (f *File) fromSGLang(o pyjson.Object) {
	info, isSGLang := o.Get("server_info").(pyjson.Object)
	if !isSGLang && !has(o, "sharegpt_output_len") {
		return
	}
	if model, ok := info.Get("model_path").(string); ok && f.ModelID == "" {
		f.ModelID = model
	}
	if n := len(f.Errors); n > 0 && f.NumPrompts == nil {
		f.NumPrompts = &n
	}
}

// at is the value under a path of keys, nil where there is none.
func at(v any, path ...string) any {
	for _, key := range path {
		o, ok := v.(pyjson.Object)
		if !ok {
			return nil
		}
		v = o.Get(key)
	}
	return v
}

// finite is a number as a pointer, nil for any other value.
func finite(v any) *float64 {
	x, ok := number(v)
	if !ok || math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return &x
}

// counted is a count as a pointer, nil for any other value.
func counted(v any) *int {
	x := finite(v)
	if x == nil || *x < 0 || *x > 1e15 {
		return nil
	}
	n := int(math.Round(*x))
	return &n
}

// positive is a count above 0 as a pointer, nil for any other value.
func positive(v any) *int {
	if n := counted(v); n != nil && *n > 0 {
		return n
	}
	return nil
}

// dateOf is an instant as results have it.
func dateOf(t time.Time) string { return t.Format("20060102-150405") }
