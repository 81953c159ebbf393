package recording

import (
	"math"
	"math/big"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"loadgen/pkg/client"
)

// TestEverySettingIsKept sets each setting to something else than its default.
func TestEverySettingIsKept(t *testing.T) {
	want := Defaults()
	v := reflect.ValueOf(&want).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i).Addr().Interface().(type) {
		case *string:
			*f += "x"
		case **string:
			*f = text("x")
		case *int:
			*f += 3
		case **int:
			*f = new(int)
		case *bool:
			*f = !*f
		case *float64:
			*f = -1.5
		case **float64:
			x := math.Inf(1)
			*f = &x
		case **big.Int:
			*f, _ = new(big.Int).SetString("123456789012345678901234567890", 10)
		case **[]string:
			*f = &[]string{"A:b"}
		case *Records:
			*f = Records{Asked: true, Dir: "d"}
		default:
			t.Fatalf("a setting of type %T", f)
		}
	}
	want.Compat = "1.2"
	data, err := want.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var got Settings
	if err := got.UnmarshalJSON(data); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got, equal); d != "" {
		t.Error(d)
	}
}

// fill sets everything in a value to something else than nothing.
func fill(v reflect.Value, n *int64) {
	*n++
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), n)
		}
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		v.SetFloat(float64(*n))
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(*n)
	case reflect.Uint8, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(*n))
	}
}

// TestEveryFieldIsKept: what a result may have, but for the error beneath a failure, is in
// its record.
func TestEveryFieldIsKept(t *testing.T) {
	var want client.Result
	fill(reflect.ValueOf(&want).Elem(), new(int64))
	of := want.Details.Choices
	of[0].Events, of[1].Events = []int32{0, 1}, []int32{1}
	_, got, err := decode(encode(1, &want)[1:])
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(&want, got, equal); d != "" {
		t.Error(d)
	}
	for _, no := range [][]int32{{2}, {-1}, {1, 0}} { // events that there are not, or in no order
		of[1].Events = no
		if _, _, err := decode(encode(1, &want)[1:]); err == nil {
			t.Errorf("events %v of a choice are read", no)
		}
	}
}
