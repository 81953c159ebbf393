package result

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"loadgen/internal/pyjson"
)

// ErrFormat is the error of a text that is no result file.
var ErrFormat = errors.New("not a result file")

// Parse reads a result file of loadgen or of the original, of any version, and of
// others as far as they use the original's keys. It needs a JSON object with
// completed and duration. What else is missing is nil; what is unknown at the top,
// or of another type than here, is kept in Metadata.
func Parse(text []byte) (*File, error) {
	v, err := pyjson.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	o, ok := v.(pyjson.Object)
	if !ok {
		return nil, fmt.Errorf("%w: it holds no JSON object", ErrFormat)
	}
	return fileOf(o)
}

// fileOf reads a file that uses the original's keys.
func fileOf(o pyjson.Object) (*File, error) {
	f := &File{order: make([]string, 0, len(o))}
	for _, m := range o {
		f.order = append(f.order, m.Key)
		key := m.Key
		if other := aliases[key]; other != "" && !has(o, other) {
			key = other
		}
		if !f.take(key, m.Value) {
			f.Metadata = append(f.Metadata, m)
		}
	}
	if !has(o, "duration") || !has(o, "completed") {
		return nil, unknown(o)
	}
	f.fromSGLang(o)
	return f, nil
}

// aliases are what other programs call keys of the original's.
var aliases = map[string]string{"request_goodput": "request_goodput:", "total_throughput": "total_token_throughput"}

func has(o pyjson.Object, key string) bool {
	return slices.ContainsFunc(o, func(m pyjson.Member) bool { return m.Key == key })
}

// take takes a member of the file, and reports whether it has a place here.
func (f *File) take(key string, value any) bool {
	if key == decodedKey {
		return f.takeDecoded(value)
	}
	if place := f.statistic(key); place != nil {
		return place(value)
	}
	v := reflect.ValueOf(f).Elem()
	for i := range v.NumField() {
		if tag, _ := tagOf(v.Type().Field(i)); tag == key && !strings.Contains(tag, "*") {
			return decode(value, v.Field(i))
		}
	}
	return false
}

// takeDecoded takes the statistics of the latest layout, or the mean of the 1.2 one.
func (f *File) takeDecoded(value any) bool {
	if _, ok := value.(pyjson.Object); ok || value == nil {
		return decode(value, reflect.ValueOf(&f.DecodedPerIter).Elem())
	}
	mean, ok := number(value)
	if ok {
		f.Layout, f.DecodedPerIter = Release12, &DecodedPerIter{Mean: &mean}
	}
	return ok
}

// statistic is what takes the value of a key that is named after a statistic, nil for
// another key.
func (f *File) statistic(key string) func(value any) bool {
	name, of, _ := strings.Cut(key, "_")
	if of == decodedKey {
		return placeOf(&f.DecodedPerIterKeys, name)
	}
	for i, metric := range MetricNames {
		if of == metric+"_ms" || metric == "e2el" && of == "e2e_latency_ms" { // SGLang's name
			return placeOf(f.Latency.At(i), name)
		}
	}
	return nil
}

// placeOf is what sets a statistic of a distribution, which is made where there is
// none; nil for a name that is none.
func placeOf(d **Distribution, name string) func(value any) bool {
	p, isPercentile := percentileOf(name)
	if !isPercentile && new(Distribution).statistic(name) == nil {
		return nil
	}
	return func(value any) bool {
		x, ok := number(value)
		if !ok {
			return false
		}
		if *d == nil {
			*d = &Distribution{}
		}
		if isPercentile {
			(*d).Percentiles = append((*d).Percentiles, Percentile{p, x})
		} else {
			*(*d).statistic(name) = &x
		}
		return true
	}
}

// percentileOf reads a percentile's name, such as p99.9. Only the way in which it is
// written here is one.
func percentileOf(name string) (float64, bool) {
	text, ok := strings.CutPrefix(name, "p")
	p, err := strconv.ParseFloat(text, 64)
	if !ok || err != nil || !(0 <= p && p <= 100) {
		return 0, false
	}
	return p, text == percentileName(p) || text == pyjson.FormatFloat(p)
}

// number is a value as a float.
func number(value any) (float64, bool) {
	switch v := value.(type) {
	case float64:
		return v, true
	case int:
		return float64(v), true
	case pyjson.Raw: // an integer beyond int
		f, err := strconv.ParseFloat(string(v), 64)
		return f, err == nil || errors.Is(err, strconv.ErrRange)
	}
	return 0, false
}

// integer is a value as an int, where it is whole.
func integer(value any) (int, bool) {
	switch v := value.(type) {
	case int:
		return v, true
	case float64:
		return int(v), v == math.Trunc(v) && math.Abs(v) < 1e15
	}
	return 0, false
}

// decode sets a value of this package's types to a parsed one, and reports whether
// that is of its type. In objects, members of another type are left out.
func decode(value any, into reflect.Value) bool {
	if into.Kind() == reflect.Pointer {
		if value == nil {
			into.SetZero()
			return true
		}
		v := reflect.New(into.Type().Elem())
		if !decode(value, v.Elem()) {
			return false
		}
		into.Set(v)
		return true
	}
	if ok, special := decodeSpecial(value, into); special {
		return ok
	}
	ok := false
	switch into.Kind() {
	case reflect.String:
		var text string
		if text, ok = value.(string); ok {
			into.SetString(text)
		}
	case reflect.Bool:
		var b bool
		if b, ok = value.(bool); ok {
			into.SetBool(b)
		}
	case reflect.Int:
		var i int
		if i, ok = integer(value); ok {
			into.SetInt(int64(i))
		}
	case reflect.Float64:
		var x float64
		if x, ok = number(value); ok {
			into.SetFloat(x)
		}
	case reflect.Struct:
		var o pyjson.Object
		if o, ok = value.(pyjson.Object); ok {
			decodeStruct(o, into)
		}
	case reflect.Slice:
		ok = decodeSlice(value, into)
	}
	return ok
}

// decodeSpecial sets the values of types with a form of their own.
func decodeSpecial(value any, into reflect.Value) (ok, special bool) {
	switch x := into.Addr().Interface().(type) {
	case *pyjson.Object:
		*x, ok = value.(pyjson.Object)
	case *Rate:
		var rate float64
		if rate, ok = number(value); value == "inf" {
			rate, ok = math.Inf(1), true
		}
		*x = Rate(rate)
	case *Number:
		x.Value, ok = number(value)
		_, x.Integer = value.(int)
	case *DecimalPercentiles:
		var o pyjson.Object
		if o, ok = value.(pyjson.Object); ok {
			*x = percentiles(o)
		}
	case *map[string]int:
		var o pyjson.Object
		o, ok = value.(pyjson.Object)
		*x = map[string]int{}
		for _, m := range o {
			if i, whole := integer(m.Value); whole {
				(*x)[m.Key] = i
			}
		}
	case *[]float64:
		*x, ok = floats(value)
	case *[][]float64:
		*x, ok = gaps(value)
	default:
		return false, false
	}
	return ok, true
}

func decodeStruct(o pyjson.Object, into reflect.Value) {
	for i := range into.NumField() {
		switch key, _ := tagOf(into.Type().Field(i)); key {
		case "":
		case percentileKeys:
			into.Field(i).Set(reflect.ValueOf([]Percentile(percentiles(o))))
		default:
			for _, m := range o {
				if m.Key == key {
					decode(m.Value, into.Field(i))
				}
			}
		}
	}
}

// percentiles are those among the members of an object.
func percentiles(o pyjson.Object) (out DecimalPercentiles) {
	for _, m := range o {
		p, isPercentile := percentileOf(m.Key)
		if x, ok := number(m.Value); ok && isPercentile {
			out = append(out, Percentile{p, x})
		}
	}
	return out
}

// decodeSlice sets a slice of which each value must be of the type; null is an
// empty value.
func decodeSlice(value any, into reflect.Value) bool {
	elem := into.Type().Elem()
	if key := keyField(elem); key >= 0 {
		o, ok := value.(pyjson.Object)
		out := reflect.MakeSlice(into.Type(), len(o), len(o))
		for i, m := range o {
			out.Index(i).Field(key).SetString(m.Key)
			ok = decode(m.Value, out.Index(i)) && ok
		}
		if ok {
			into.Set(out)
		}
		return ok
	}
	all := reflect.ValueOf(value)
	if value == nil || all.Kind() != reflect.Slice {
		return false
	}
	if _, isObject := value.(pyjson.Object); isObject {
		return false
	}
	if all.Type() == into.Type() {
		into.Set(all)
		return true
	}
	out := reflect.MakeSlice(into.Type(), all.Len(), all.Len())
	for i := range all.Len() {
		if v := all.Index(i).Interface(); v != nil && !decode(v, out.Index(i)) {
			return false
		}
	}
	into.Set(out)
	return true
}

// floats is an array of numbers; null in it is NaN.
func floats(value any) ([]float64, bool) {
	switch v := value.(type) {
	case []float64:
		return v, true
	case []int:
		out := make([]float64, len(v))
		for i, x := range v {
			out[i] = float64(x)
		}
		return out, true
	case []any:
		out := make([]float64, len(v))
		for i, x := range v {
			f, ok := number(x)
			if x == nil {
				f, ok = math.NaN(), true
			}
			if !ok {
				return nil, false
			}
			out[i] = f
		}
		return out, true
	}
	return nil, false
}

// gaps is an array of arrays of numbers.
func gaps(value any) ([][]float64, bool) {
	switch v := value.(type) {
	case [][]float64:
		return v, true
	case []any:
		out := make([][]float64, len(v))
		for i, x := range v {
			var ok bool
			if out[i], ok = floats(x); !ok {
				return nil, false
			}
		}
		return out, true
	}
	return nil, false
}
