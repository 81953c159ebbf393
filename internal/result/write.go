package result

import (
	"io"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"

	"loadgen/internal/pyjson"
)

// Append appends the file's bytes, as json.dump writes them.
func (f *File) Append(dst []byte) []byte { return pyjson.Append(dst, f.Object()) }

// Write writes the file.
func (f *File) Write(w io.Writer) error {
	_, err := w.Write(f.Append(nil))
	return err
}

// Object is the file as an object, its keys in the order of the layout, or of
// the file that was read.
func (f *File) Object() pyjson.Object {
	w := writer{file: f, fresh: f.order == nil}
	w.settings()
	w.totals()
	w.details()
	w.statistics()
	w.set("request_rate", encode(reflect.ValueOf(f.RequestRate)))
	w.set("burstiness", encode(reflect.ValueOf(f.Burstiness)))
	w.setNullable("max_concurrency", f.MaxConcurrency)
	if f.Loadgen != nil {
		w.set(loadgenKey, encode(reflect.ValueOf(f.Loadgen)))
	}
	if !w.fresh {
		w.reorder()
	}
	return w.out
}

// writer builds a file's object as the original builds its dict.
type writer struct {
	file  *File
	fresh bool // not read from a file
	out   pyjson.Object
}

// set sets a key that is left out where its value is not there.
func (w *writer) set(key string, value any) {
	if v := reflect.ValueOf(value); value == nil || v.Kind() == reflect.Pointer && v.IsNil() {
		w.null(key)
		return
	}
	w.out.Set(key, value)
}

// setNullable sets a key whose value may be null.
func (w *writer) setNullable(key string, value any) {
	if v := reflect.ValueOf(value); w.fresh && v.IsNil() {
		w.out.Set(key, nil)
		return
	}
	w.set(key, value)
}

// null keeps the null of a file that was read.
func (w *writer) null(key string) {
	if !w.fresh && slices.Contains(w.file.order, key) && !w.has(key) {
		w.out.Set(key, nil)
	}
}

func (w *writer) has(key string) bool {
	return slices.ContainsFunc(w.out, func(m pyjson.Member) bool { return m.Key == key })
}

func (w *writer) settings() {
	f := w.file
	for _, m := range []struct{ key, value string }{{"date", f.Date}, {"backend", f.Backend}, {"model_id", f.ModelID}, {"tokenizer_id", f.TokenizerID}} {
		if w.fresh || m.value != "" || slices.Contains(f.order, m.key) {
			w.out.Set(m.key, m.value)
		}
	}
	w.set("num_prompts", f.NumPrompts)
	for _, m := range f.Metadata {
		if !w.fresh || !f.dropped(m.Key) {
			w.out.Set(m.Key, m.Value)
		}
	}
}

// dropped reports whether the original deletes a key again, as it does with those that have
// a value for each request where they were not asked for, whoever made them.
func (f *File) dropped(key string) bool {
	switch key {
	case "input_lens":
		return f.InputLens == nil
	case "output_lens":
		return f.OutputLens == nil
	case "ttfts":
		return f.TTFTs == nil
	case "itls":
		return f.ITLs == nil
	case "e2els":
		return f.E2ELs == nil && f.Layout == Latest
	case "generated_texts":
		return f.GeneratedTexts == nil
	case "errors":
		return f.Errors == nil
	}
	return false
}

func (w *writer) totals() {
	f := w.file
	w.set("duration", f.Duration)
	w.set("completed", f.Completed)
	w.set("total_input_tokens", f.TotalInputTokens)
	w.set("total_output_tokens", f.TotalOutputTokens)
	w.set("request_throughput", f.RequestThroughput)
	w.setNullable("request_goodput:", f.RequestGoodput)
	w.set("output_throughput", f.OutputThroughput)
	w.set("total_token_throughput", f.TotalTokenThroughput)
	w.set("user_throughput", f.UserThroughput)
	switch d := f.DecodedPerIter; {
	case d == nil:
		w.null(decodedKey)
	case f.Layout == Release12:
		w.set(decodedKey, d.Mean)
	default:
		w.set(decodedKey, encode(reflect.ValueOf(d)))
	}
}

const decodedKey = "avg_decoded_tokens_per_iter"

// details are the arrays with a value for each request.
func (w *writer) details() {
	f := w.file
	setArray(w, "input_lens", f.InputLens)
	setArray(w, "output_lens", f.OutputLens)
	if slices.Contains(f.TTFTs, -1) {
		w.out.Set("ttfts", wholeTTFTs(f.TTFTs))
	} else {
		setArray(w, "ttfts", f.TTFTs)
	}
	setArray(w, "itls", f.ITLs)
	if !w.fresh || f.Layout == Latest {
		setArray(w, "e2els", f.E2ELs)
	}
	setArray(w, "generated_texts", f.GeneratedTexts)
	setArray(w, "errors", f.Errors)
}

func setArray[T any](w *writer, key string, values []T) {
	if values != nil {
		w.out.Set(key, values)
	} else {
		w.null(key)
	}
}

// wholeTTFTs writes -1, which stands for an answer that came whole, as an integer.
func wholeTTFTs(ttfts []float64) []any {
	out := make([]any, len(ttfts))
	for i, t := range ttfts {
		if out[i] = t; t == -1 {
			out[i] = -1
		}
	}
	return out
}

// statistics are energy and the keys named after a statistic and what it is of.
func (w *writer) statistics() {
	f := w.file
	latest := !w.fresh || f.Layout == Latest
	if latest && f.Energy != nil {
		w.set("energy", encode(reflect.ValueOf(f.Energy)))
	}
	if d := f.DecodedPerIterKeys; latest && d != nil {
		w.distribution(d, decodedKey, "std", "min", "max", "mean", "median")
	}
	order := []string{"std", "mean", "median"}
	if f.Layout == Release12 {
		order = []string{"mean", "median", "std"}
	}
	if !w.fresh {
		order = append(order, "min", "max")
	}
	for i, name := range MetricNames {
		if d := *f.Latency.At(i); d != nil {
			w.distribution(d, name+"_ms", order...)
		}
	}
}

func (w *writer) distribution(d *Distribution, of string, order ...string) {
	for _, statistic := range order {
		w.set(statistic+"_"+of, *d.statistic(statistic))
	}
	for _, p := range d.Percentiles {
		w.out.Set("p"+percentileName(p.P)+"_"+of, p.Value)
	}
}

// statistic is the place of a statistic that has a name, nil where there is none.
func (d *Distribution) statistic(name string) **float64 {
	switch name {
	case "mean":
		return &d.Mean
	case "median":
		return &d.Median
	case "std":
		return &d.Std
	case "min":
		return &d.Min
	case "max":
		return &d.Max
	}
	return nil
}

// reorder puts the keys in the order of the file that was read, others last.
func (w *writer) reorder() {
	place := make(map[string]int, len(w.file.order))
	for i, key := range w.file.order {
		place[key] = i
	}
	at := func(key string) int {
		if i, ok := place[key]; ok {
			return i
		}
		return len(place)
	}
	slices.SortStableFunc(w.out, func(a, b pyjson.Member) int { return at(a.Key) - at(b.Key) })
}

// ObjectOf is a section of a file, such as a SelfTest, as an object.
func ObjectOf(section any) pyjson.Object {
	return encodeStruct(reflect.Indirect(reflect.ValueOf(section)))
}

// encode turns a value of this package's types into one that pyjson writes.
// Nil slices and objects are empty ones, nil pointers null.
func encode(v reflect.Value) any {
	switch x := v.Interface().(type) {
	case pyjson.Object:
		if x == nil {
			return pyjson.Object{}
		}
		return x
	case Rate:
		if math.IsInf(float64(x), 1) {
			return "inf"
		}
		return float64(x)
	case Number:
		if x.Integer {
			return int(x.Value)
		}
		return x.Value
	case DecimalPercentiles:
		out := pyjson.Object{}
		for _, p := range x {
			out.Set("p"+pyjson.FormatFloat(p.P), p.Value)
		}
		return out
	case map[string]int:
		out := pyjson.Object{}
		for _, key := range slices.Sorted(maps.Keys(x)) {
			out = append(out, pyjson.Member{Key: key, Value: x[key]})
		}
		return out
	case []float64:
		return x
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return encode(v.Elem())
	case reflect.Struct:
		return encodeStruct(v)
	case reflect.Slice:
		if keyField(v.Type().Elem()) >= 0 {
			return encodeKeyed(v)
		}
		out := make([]any, v.Len())
		for i := range out {
			out[i] = encode(v.Index(i))
		}
		return out
	}
	return v.Interface()
}

// tagOf is the key of a field, "" for one that is no key, and whether it is left
// out where it is empty.
func tagOf(f reflect.StructField) (key string, omitEmpty bool) {
	key, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	if key == "-" {
		key = ""
	}
	return key, options == "omitempty"
}

// percentileKeys is the tag of percentiles that are keys of the object around them.
const percentileKeys = "p*"

func encodeStruct(v reflect.Value) pyjson.Object {
	out := make(pyjson.Object, 0, v.NumField())
	for i := range v.NumField() {
		switch key, omitEmpty := tagOf(v.Type().Field(i)); {
		case key == "" || omitEmpty && v.Field(i).IsZero():
		case key == percentileKeys:
			for _, p := range v.Field(i).Interface().([]Percentile) {
				out.Set("p"+percentileName(p.P), p.Value)
			}
		default:
			out = append(out, pyjson.Member{Key: key, Value: encode(v.Field(i))})
		}
	}
	return out
}

// keyField is the field of a struct that is its key in an object, -1 without one.
func keyField(t reflect.Type) int {
	if t.Kind() == reflect.Struct {
		for i := range t.NumField() {
			if t.Field(i).Tag.Get("key") != "" {
				return i
			}
		}
	}
	return -1
}

func encodeKeyed(v reflect.Value) pyjson.Object {
	out := pyjson.Object{}
	for i := range v.Len() {
		out.Set(v.Index(i).Field(keyField(v.Type().Elem())).String(), encodeStruct(v.Index(i)))
	}
	return out
}
