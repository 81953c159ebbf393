package dataset

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestMemory: what a large file costs is what is taken from it.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("writes and reads 64 MB")
	}
	path := filepath.Join(t.TempDir(), "x.json")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	fmt.Fprint(w, "[")
	text := strings.Repeat("lorem ipsum ", 300)
	for i := range 9000 {
		if i > 0 {
			fmt.Fprint(w, ",")
		}
		fmt.Fprintf(w, `{"id":"%d","conversations":[{"from":"human","value":"%d %s"},{"from":"gpt","value":"%s"}]}`, i, i, text, text)
	}
	fmt.Fprint(w, "]")
	w.Flush()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	set, err := Load(t.Context(), Options{Name: "sharegpt", Path: path, NumPrompts: 100, Tokenizer: words{1000}})
	if err != nil || len(set.Requests) != 100 {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	// The heap's high-water mark: pages that the collector asked for and has.
	grown := int64(after.HeapSys) - int64(before.HeapSys)
	t.Logf("the heap grew by %d MB", grown>>20)
	if grown > 24<<20 {
		t.Errorf("the heap grew by %d MB for 100 prompts of a file of 64 MB", grown>>20)
	}
}
