package parquet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	writer "github.com/parquet-go/parquet-go"

	"loadgen/internal/golden"
)

// message and row are as conversations on the hub are.
type message struct {
	Role    string `parquet:"role,dict"`
	Content string `parquet:"content"`
}

type row struct {
	ID       int64             `parquet:"id,delta"`
	Small    int32             `parquet:"small,delta"`
	Unsigned uint32            `parquet:"unsigned"`
	Flag     bool              `parquet:"flag"`
	Ratio    float64           `parquet:"ratio,split"`
	Half     float32           `parquet:"half"`
	Name     string            `parquet:"name,delta"`
	Kind     string            `parquet:"kind,enum,dict"`
	Maybe    *string           `parquet:"maybe,optional"`
	Raw      []byte            `parquet:"raw"`
	Image    *image            `parquet:"image,optional"`
	Tags     []string          `parquet:"tags,list"`
	Messages []message         `parquet:"messages,list"`
	Turns    []turnSet         `parquet:"turns,list"`
	Extra    map[string]string `parquet:"extra"`
	At       time.Time         `parquet:"at,timestamp(microsecond)"`
	Digest   [4]byte           `parquet:"digest"`
}

type turnSet struct {
	Of []message `parquet:"of,list"`
}

type image struct {
	Bytes []byte  `parquet:"bytes,optional"`
	Path  *string `parquet:"path,optional"`
}

// random is a row of every shape: nothing, empty, one, several.
func random(r *rand.Rand, i int) row {
	word := func() string { return strings.Repeat(fmt.Sprintf("w%d ", r.IntN(50)), r.IntN(5)) }
	text := func() *string {
		if r.IntN(3) == 0 {
			return nil
		}
		return new(word())
	}
	messages := func() (all []message) {
		for range r.IntN(4) {
			all = append(all, message{[]string{"user", "assistant"}[r.IntN(2)], word()})
		}
		return all
	}
	out := row{ID: int64(i) * r.Int64N(1<<40), Small: -int32(r.IntN(1 << 30)), Unsigned: r.Uint32(), Flag: r.IntN(2) == 0, Ratio: r.NormFloat64(), Half: r.Float32(),
		Name: word(), Kind: []string{"a", "b"}[r.IntN(2)], Maybe: text(), Raw: []byte(word()), Messages: messages(),
		At: time.UnixMicro(1.7e15 + r.Int64N(1e15)).UTC(), Digest: [4]byte{byte(i), 1, 2, 3}}
	if r.IntN(2) == 0 {
		out.Image = &image{Bytes: []byte(word()), Path: text()}
	}
	for range r.IntN(4) {
		out.Tags = append(out.Tags, word())
	}
	for range r.IntN(3) {
		out.Turns = append(out.Turns, turnSet{messages()})
	}
	if n := r.IntN(3); n > 0 {
		out.Extra = map[string]string{"k": word()}
	}
	return out
}

// shown is a value in one form, whoever it is from: nothing and empty are told apart by
// what writes them, and are not here.
func shown(v any) string {
	switch v := v.(type) {
	case nil:
		return "-"
	case Group:
		parts := make([]string, len(v))
		for i, f := range v {
			parts[i] = f.Name + "=" + shown(f.Value)
		}
		return "{" + strings.Join(parts, " ") + "}"
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = shown(e)
		}
		return "[" + strings.Join(parts, " ") + "]"
	case []byte:
		return fmt.Sprintf("%x", v)
	case string:
		return fmt.Sprintf("%q", v)
	}
	return fmt.Sprint(v)
}

func (r *row) shown() string {
	text := func(s *string) any {
		if s == nil {
			return nil
		}
		return *s
	}
	messages := func(all []message) any {
		out := []any{}
		for _, m := range all {
			out = append(out, Group{{"role", m.Role}, {"content", m.Content}})
		}
		return out
	}
	tags, turns, extra := []any{}, []any{}, Group{}
	for _, t := range r.Tags {
		tags = append(tags, t)
	}
	for _, t := range r.Turns {
		turns = append(turns, Group{{"of", messages(t.Of)}})
	}
	for k, v := range r.Extra {
		extra = append(extra, Field{k, v})
	}
	var img any
	if r.Image != nil {
		img = Group{{"bytes", r.Image.Bytes}, {"path", text(r.Image.Path)}}
		if r.Image.Bytes == nil {
			img.(Group)[0].Value = nil
		}
	}
	return shown(Group{{"id", r.ID}, {"small", int64(r.Small)}, {"unsigned", uint64(r.Unsigned)}, {"flag", r.Flag}, {"ratio", r.Ratio}, {"half", r.Half}, {"name", r.Name},
		{"kind", r.Kind}, {"maybe", text(r.Maybe)}, {"raw", r.Raw}, {"image", img}, {"tags", tags}, {"messages", messages(r.Messages)}, {"turns", turns}, {"extra", extra},
		{"at", r.At.Format("2006-01-02 15:04:05.999999999")}, {"digest", r.Digest[:]}})
}

// read reads all rows, or of them those that are wanted.
func read(data []byte, columns []string, wanted func(i int) bool) (out []string, err error) {
	f, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	i := 0
	err = f.Rows(columns, func(read func() (Group, error)) error {
		defer func() { i++ }()
		if !wanted(i) {
			return nil
		}
		v, err := read()
		out = append(out, shown(v))
		return err
	})
	return out, err
}

func all(int) bool { return true }

// TestRowsAreThoseWritten writes files with another library, in its encodings, with every
// codec and both forms of pages, and reads them, all rows and some.
func TestRowsAreThoseWritten(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	rows := make([]row, 700)
	want := make([]string, len(rows))
	for i := range rows {
		rows[i] = random(r, i)
		want[i] = rows[i].shown()
	}
	for name, codec := range map[string]writer.WriterOption{
		"plain": writer.Compression(&writer.Uncompressed), "snappy": writer.Compression(&writer.Snappy), "gzip": writer.Compression(&writer.Gzip),
		"zstd": writer.Compression(&writer.Zstd), "brotli": writer.Compression(&writer.Brotli), "lz4": writer.Compression(&writer.Lz4Raw),
	} {
		for version := 1; version <= 2; version++ {
			for _, page := range []int{300, 1 << 20} {
				var out bytes.Buffer
				w := writer.NewGenericWriter[row](&out, codec, writer.DataPageVersion(version), writer.PageBufferSize(page), writer.MaxRowsPerRowGroup(450))
				if _, err := w.Write(rows); err != nil {
					t.Fatal(err)
				}
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
				got, err := read(out.Bytes(), nil, all)
				if err != nil || len(got) != len(want) {
					t.Fatalf("%s, version %d, pages of %d: %d rows, %v", name, version, page, len(got), err)
				}
				for i := range got {
					if got[i] != want[i] {
						t.Fatalf("%s, version %d, pages of %d, row %d:\n got %s\nwant %s", name, version, page, i, got[i], want[i])
					}
				}
				some := func(i int) bool { return i%97 == 13 || i > 690 }
				if got, err = read(out.Bytes(), nil, some); err != nil {
					t.Fatal(err)
				}
				for i, k := range wantedOf(len(rows), some) {
					if got[i] != want[k] {
						t.Fatalf("%s, version %d, row %d of some:\n got %s\nwant %s", name, version, k, got[i], want[k])
					}
				}
			}
		}
	}
}

func wantedOf(n int, some func(int) bool) (out []int) {
	for i := range n {
		if some(i) {
			out = append(out, i)
		}
	}
	return out
}

// TestAnnotatedTypes: what a stored value stands for.
func TestAnnotatedTypes(t *testing.T) {
	for name, c := range map[string]struct {
		element fields
		stored  any
		want    string
	}{
		"decimal of bytes": {fields{1: int64(fixedArrays), 2: int64(4), 6: int64(convertedDecimal), 7: int64(2)}, []byte{0, 0, 4, 0xd2}, "12.34"},
		"negative decimal": {fields{1: int64(byteArrays), 10: fields{logicalDecimal: fields{1: int64(1)}}}, []byte{0xff, 0x85}, "-12.3"},
		"decimal":          {fields{1: int64(int32s), 6: int64(convertedDecimal), 7: int64(3)}, int64(1500), "1.5"},
		"milliseconds":     {fields{1: int64(int64s), 6: int64(convertedMillis)}, int64(1700000000123), `"2023-11-14 22:13:20.123"`},
		"nanoseconds":      {fields{1: int64(int64s), 10: fields{logicalTimestamp: fields{2: fields{3: fields{}}}}}, int64(1700000000123456789), `"2023-11-14 22:13:20.123456789"`},
		"beyond dates":     {fields{1: int64(int64s), 6: int64(convertedMillis)}, int64(1 << 60), `"1152921504606846976"`},
		"a date":           {fields{1: int64(int32s), 6: int64(convertedDate)}, int64(-1), `"1969-12-31"`},
		"unsigned":         {fields{1: int64(int32s), 10: fields{logicalInteger: fields{1: int64(32), 2: false}}}, int64(-1), "4294967295"},
		"bytes":            {fields{1: int64(byteArrays)}, []byte("a"), "61"},
		"JSON":             {fields{1: int64(byteArrays), 6: int64(convertedJSON)}, []byte("{}"), `"{}"`},
	} {
		n := &node{}
		if err := n.leaf(c.element); err != nil {
			t.Fatal(err)
		}
		if got := shown(n.as(c.stored)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// TestEmptyRowGroups have no pages.
func TestEmptyRowGroups(t *testing.T) {
	l, err := newLeaf(nil, &node{}, fields{3: fields{9: int64(0), 5: int64(0)}})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, more, err := l.peek(); more || err != nil {
		t.Error(more, err)
	}
}

func TestColumnsAreChosen(t *testing.T) {
	var out bytes.Buffer
	w := writer.NewGenericWriter[row](&out)
	if _, err := w.Write([]row{{Name: "n", Tags: []string{"x", "y"}}}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := read(out.Bytes(), []string{"tags", "name", "none"}, all)
	if err != nil || len(got) != 1 || got[0] != `{name="n" tags=["x" "y"]}` {
		t.Errorf("%q %v", got, err)
	}
	f, _ := Open(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if names := fmt.Sprint(f.Columns()); !strings.HasPrefix(names, "[id small unsigned") {
		t.Error(names)
	}
}

// TestOldLists: lists of writers before the standard's names.
func TestOldLists(t *testing.T) {
	leaf := func(name string, repetition int) *node {
		return &node{name: name, repetition: repetition, kind: int64s}
	}
	for name, c := range map[string]struct {
		item *node
		want bool
	}{
		"one field":      {&node{name: "bag", repetition: repeated, children: []*node{leaf("array_element", optional)}}, true},
		"array":          {&node{name: "array", repetition: repeated, children: []*node{leaf("x", optional)}}, false},
		"tuple":          {&node{name: "f_tuple", repetition: repeated, children: []*node{leaf("x", optional)}}, false},
		"several fields": {&node{name: "list", repetition: repeated, children: []*node{leaf("a", optional), leaf("b", optional)}}, false},
		"no group":       {leaf("element", repeated), false},
	} {
		n := &node{name: "f", children: []*node{c.item}}
		n.annotate(fields{6: int64(convertedList)})
		if !n.list || c.item.wraps != c.want {
			t.Errorf("%s: list %v, wraps %v", name, n.list, c.item.wraps)
		}
	}
}

// TestDamagedFiles: whatever is cut or changed is an error or other values, never a panic.
func TestDamagedFiles(t *testing.T) {
	data := sample(t)
	for _, n := range []int{0, 3, 11, 12, len(data) / 2, len(data) - 1} {
		if _, err := read(data[:n], nil, all); err == nil {
			t.Errorf("the first %d bytes are no error", n)
		}
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		damaged := bytes.Clone(data)
		for range 1 + r.IntN(4) {
			damaged[r.IntN(len(damaged))] = byte(r.Uint32())
		}
		read(damaged, nil, func(i int) bool { return i < 100 })
	}
	if _, err := read([]byte("PAR1xxxxxxxxPARE"), nil, all); err == nil || !strings.Contains(err.Error(), "encrypted") {
		t.Errorf("an encrypted file: %v", err)
	}
}

// sample is a small file of all encodings.
func sample(t testing.TB) []byte {
	t.Helper()
	r := rand.New(rand.NewPCG(5, 6))
	rows := make([]row, 40)
	for i := range rows {
		rows[i] = random(r, i)
	}
	var out bytes.Buffer
	w := writer.NewGenericWriter[row](&out, writer.Compression(&writer.Snappy))
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestGoldenFile reads a file that pyarrow has written.
func TestGoldenFile(t *testing.T) {
	data, err := os.ReadFile(golden.TestData("golden", "datasets", "hf", "lmarena-ai", "VisionArena-Chat", "data", "train-00000-of-00001.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := read(data, nil, all)
	if err != nil || len(rows) == 0 || !strings.Contains(rows[0], "role=") {
		text, _ := json.Marshal(rows)
		t.Errorf("%v: %.500s", err, text)
	}
}

func FuzzRows(f *testing.F) {
	f.Add(sample(f))
	f.Add([]byte("PAR1PAR1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		n := 0
		in, err := Open(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		stop := fmt.Errorf("enough")
		in.Rows(nil, func(read func() (Group, error)) error {
			if n++; n > 200 {
				return stop
			}
			_, err := read()
			return err
		})
	})
}
