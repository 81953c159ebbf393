package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestCgroupMemory(t *testing.T) {
	for name, c := range map[string]struct {
		membership string
		files      map[string]string
		want       int64
	}{
		"second version":          {"0::/a/b\n", map[string]string{"a/b/memory.max": "max\n", "a/memory.max": "1073741824\n"}, 1 << 30},
		"the lowest counts":       {"0::/a/b\n", map[string]string{"a/b/memory.max": "2097152\n", "a/memory.max": "1048576\n"}, 1 << 20},
		"first version":           {"5:cpu:/x\n4:memory,hugetlb:/a\n", map[string]string{"memory/a/memory.limit_in_bytes": "4096\n", "memory/memory.limit_in_bytes": "9223372036854771712\n"}, 4096},
		"in a container":          {"0::/\n", map[string]string{"memory.max": "8192\n"}, 8192},
		"no limit":                {"0::/a\n", map[string]string{"a/memory.max": "max\n"}, 0},
		"no such file":            {"0::/a\n", nil, 0},
		"nothing that is a line":  {"x\n\n", nil, 0},
		"it stays under the root": {"0::/../../a\n", map[string]string{"a/memory.max": "512\n"}, 512},
	} {
		root := t.TempDir()
		membership := filepath.Join(root, "self")
		if err := os.WriteFile(membership, []byte(c.membership), 0o600); err != nil {
			t.Fatal(err)
		}
		for file, text := range c.files {
			path := filepath.Join(root, file)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := cgroupMemory(membership, root); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	if got := cgroupMemory(filepath.Join(t.TempDir(), "none"), "/"); got != 0 {
		t.Errorf("without a file: %d", got)
	}
}
