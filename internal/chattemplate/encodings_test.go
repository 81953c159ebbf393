package chattemplate

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"slices"
	"testing"

	"loadgen/internal/golden"
)

func readRows(t testing.TB, name string) (rows [][4]json.RawMessage) {
	f, err := os.Open(golden.TestData("chattemplates", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(z).Decode(&rows); err != nil || len(rows) == 0 {
		t.Fatal(len(rows), err)
	}
	return rows
}

func chatOf(row [4]json.RawMessage) Chat {
	c := Chat{Messages: row[0], GenerationPrompt: true}
	if string(row[1]) != "null" {
		c.Tools = row[1]
	}
	return c
}

// check compares a text with that of a row, null for one that is refused.
func check(t *testing.T, row [4]json.RawMessage, got string, err error) {
	t.Helper()
	var want *string
	if err := json.Unmarshal(row[3], &want); err != nil {
		t.Fatal(err)
	}
	switch {
	case want == nil && err == nil:
		t.Errorf("%s: got %q, want an error", row[0], got)
	case want != nil && (err != nil || got != *want):
		t.Errorf("%s: %v\n got %q\nwant %q", row[0], err, got, *want)
	}
}

func TestDeepSeekV32(t *testing.T) {
	rows := readRows(t, "deepseek_v32.json.gz")
	for _, row := range rows {
		got, err := DeepSeekV32{Thinking: string(row[2]) == `"thinking"`}.Render(t.Context(), chatOf(row))
		check(t, row, got, err)
	}
	t.Logf("%d chats", len(rows))
}

func TestDeepSeekV4(t *testing.T) {
	rows := readRows(t, "deepseek_v4.json.gz")
	for _, row := range rows {
		e := DeepSeekV4{Thinking: string(row[2]) != `"chat"`}
		if string(row[2]) == `"max"` {
			e.Effort = "max"
		}
		got, err := e.Render(t.Context(), chatOf(row))
		check(t, row, got, err)
	}
	t.Logf("%d chats", len(rows))
}

func TestHarmony(t *testing.T) {
	rows := readRows(t, "harmony.json.gz")
	for _, row := range rows {
		var how [2]string
		if err := json.Unmarshal(row[2], &how); err != nil {
			t.Fatal(err)
		}
		got, err := Harmony{Date: how[0], Effort: how[1]}.Render(t.Context(), chatOf(row))
		check(t, row, got, err)
	}
	t.Logf("%d chats", len(rows))
}

func FuzzEncodings(f *testing.F) {
	for _, row := range slices.Concat(readRows(f, "deepseek_v32.json.gz"), readRows(f, "deepseek_v4.json.gz"), readRows(f, "harmony.json.gz")) {
		f.Add([]byte(row[0]), []byte(row[1]))
	}
	f.Fuzz(func(t *testing.T, messages, tools []byte) { // no panic
		c := Chat{Messages: messages, Tools: tools}
		_, _ = DeepSeekV32{Thinking: true}.Render(t.Context(), c)
		_, _ = DeepSeekV4{Thinking: true}.Render(t.Context(), c)
		_, _ = Harmony{}.Render(t.Context(), c)
	})
}
