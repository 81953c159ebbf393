package parquet

import (
	"bytes"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	reader "github.com/parquet-go/parquet-go"
)

var written = []Column{{"n", Integers}, {"x", Doubles}, {"on", Booleans}, {"text", Texts}, {"list", Lists}}

// rowsWritten are rows of every shape: nothing, empty, one, several.
func rowsWritten(n int) (rows [][]any) {
	for i := range n {
		row := []any{i - 3, float64(i) / 3, i%3 == 0, strings.Repeat("ä", i%4), make([]float64, i%5)}
		for k := range row[4].([]float64) {
			row[4].([]float64)[k] = float64(i*k) + 0.5
		}
		for c := range row {
			if i%(c+5) == 4 {
				row[c] = nil
			}
		}
		rows = append(rows, row)
	}
	return rows
}

func writeRows(t *testing.T, rows [][]any) []byte {
	t.Helper()
	var out bytes.Buffer
	w := NewWriter(&out, written)
	w.most = 16
	for _, row := range rows {
		if err := w.Row(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestWritten: what is written is read here and by another reader, over several row groups, too.
func TestWritten(t *testing.T) {
	for _, n := range []int{0, 1, 16, 300} {
		rows := rowsWritten(n)
		data := writeRows(t, rows)
		f, err := Open(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		k := 0
		err = f.Rows(nil, func(read func() (Group, error)) error {
			g, err := read()
			if err != nil {
				return err
			}
			for c, want := range rows[k] {
				got := g[c].Value
				switch w := want.(type) {
				case int:
					want = int64(w)
				case []float64:
					list := []any{}
					for _, x := range w {
						list = append(list, x)
					}
					want = list
				}
				if diff := cmp.Diff(want, got); diff != "" || g[c].Name != written[c].Name {
					t.Fatalf("row %d, %s: %s", k, g[c].Name, diff)
				}
			}
			k++
			return nil
		})
		if err != nil || k != n {
			t.Errorf("%d of %d rows: %v", k, n, err)
		}
		readElsewhere(t, data, rows)
	}
}

// readElsewhere reads a file with another reader.
func readElsewhere(t *testing.T, data []byte, rows [][]any) {
	t.Helper()
	type row struct {
		N    *int64    `parquet:"n,optional"`
		X    *float64  `parquet:"x,optional"`
		On   *bool     `parquet:"on,optional"`
		Text *string   `parquet:"text,optional"`
		List []float64 `parquet:"list,optional,list"`
	}
	r := reader.NewGenericReader[row](bytes.NewReader(data))
	defer r.Close()
	got := make([]row, len(rows)+1)
	n, err := r.Read(got)
	if err != nil && err != io.EOF || n != len(rows) {
		t.Fatalf("%d of %d rows: %v", n, len(rows), err)
	}
	for i, want := range rows {
		g := got[i]
		same := func(c int, is bool, value func() any) {
			if is != (want[c] != nil) || is && value() != want[c] {
				t.Fatalf("row %d, column %d: %+v", i, c, g)
			}
		}
		same(0, g.N != nil, func() any { return int(*g.N) })
		same(1, g.X != nil, func() any { return *g.X })
		same(2, g.On != nil, func() any { return *g.On })
		same(3, g.Text != nil, func() any { return *g.Text })
		list, _ := want[4].([]float64)
		if len(list) != len(g.List) || len(list) > 1 && list[1] != g.List[1] {
			t.Fatalf("row %d: %v, want %v", i, g.List, list)
		}
	}
}

// TestWrittenRejects: a row of another shape, and a writer that fails.
func TestWrittenRejects(t *testing.T) {
	w := NewWriter(io.Discard, written)
	for _, row := range [][]any{{1}, {1.5, nil, nil, nil, nil}, {nil, 1, nil, nil, nil}, {nil, nil, nil, nil, 1.5}, {nil, nil, nil, []float64{1}, nil}, {nil, nil, math.NaN(), nil, nil}} {
		if err := w.Row(row); err == nil {
			t.Errorf("%v is accepted", row)
		}
	}
	full := NewWriter(&failing{}, written)
	if err := full.Close(); err == nil {
		t.Error("nothing is said of a disk that is full")
	}
}

type failing struct{}

func (*failing) Write([]byte) (int, error) { return 0, io.ErrShortWrite }
