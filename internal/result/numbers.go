package result

import (
	"math"
	"reflect"
	"strings"

	"loadgen/internal/pyjson"
)

// NumberPath is where a number of a result stands: the keys of the objects on the way, with dots
// between. In Path a * stands for what differs from file to file: the name of a tool, or, as p*,
// a percentile.
type NumberPath struct {
	Path string
	Unit string
}

// Numbers are the paths of all numbers of a file that say something of the run as a whole: none
// of lists, of flags, or of the user's own.
func Numbers() []NumberPath {
	return numbersOf(nil, reflect.TypeFor[File](), "", "")
}

func numbersOf(all []NumberPath, t reflect.Type, at, unit string) []NumberPath {
	for i := range t.NumField() {
		f := t.Field(i)
		key, _ := tagOf(f)
		own := unit
		if u := f.Tag.Get("unit"); u != "" {
			own = u
		}
		switch {
		case key == "" || f.Tag.Get("from") == "flags":
		case key == percentileKeys:
			all = append(all, NumberPath{at + "p*", own})
		case key == "*": // keys named after a statistic and what it is of
			for _, metric := range MetricNames {
				all = statisticsOf(all, metric+"_ms", own)
			}
		case strings.HasPrefix(key, "*_"):
			all = statisticsOf(all, strings.TrimPrefix(key, "*_"), own)
		default:
			all = numbersAt(all, f.Type, at+key, own)
		}
	}
	return all
}

// statisticsOf adds the statistics of a distribution that are keys of their own.
func statisticsOf(all []NumberPath, of, unit string) []NumberPath {
	for _, name := range []string{"mean", "median", "std", "min", "max", "p*"} {
		all = append(all, NumberPath{name + "_" + of, unit})
	}
	return all
}

// numbersAt adds the numbers of a type that stands at a path.
func numbersAt(all []NumberPath, t reflect.Type, path, unit string) []NumberPath {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[DecimalPercentiles]():
		return append(all, NumberPath{path + ".p*", unit})
	case t == reflect.TypeFor[map[string]int]():
		return append(all, NumberPath{path + ".*", unit})
	case t.Kind() == reflect.Int, t.Kind() == reflect.Float64, t == reflect.TypeFor[Number]():
		return append(all, NumberPath{path, unit})
	case t.Kind() == reflect.Struct:
		return numbersOf(all, t, path+".", unit)
	case t.Kind() == reflect.Slice && keyField(t.Elem()) >= 0:
		return numbersOf(all, t.Elem(), path+".*.", unit)
	}
	return all
}

// Number is the number at a path of the file, NaN where there is none.
func (f *File) Number(path string) float64 {
	switch v := below(f.Object(), path).(type) {
	case *float64:
		return *v
	case *int:
		return float64(*v)
	default:
		if x, ok := number(v); ok {
			return x
		}
	}
	return math.NaN()
}

// below is the value at a path; a key may have dots itself, as p99.9 does.
func below(o pyjson.Object, path string) any {
	if has(o, path) {
		return o.Get(path)
	}
	for i, c := range path {
		if c != '.' {
			continue
		}
		if inner, ok := o.Get(path[:i]).(pyjson.Object); ok {
			if v := below(inner, path[i+1:]); v != nil {
				return v
			}
		}
	}
	return nil
}
