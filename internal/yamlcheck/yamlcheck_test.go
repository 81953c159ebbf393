package yamlcheck

import (
	"fmt"
	"strings"
	"testing"
)

func table(keys int, indent string) string {
	var b strings.Builder
	for i := range keys {
		fmt.Fprintf(&b, "%sk%d: 1\n", indent, i)
	}
	return b.String()
}

func TestTables(t *testing.T) {
	many := table(KeysMost+1, "")
	for text, want := range map[string]string{
		"": "", "a: [": "", "- 1": "", table(KeysMost, ""): "",
		many:                             "line 1: a table of 10001 keys",
		"a:\n" + table(KeysMost+1, "  "): "line 2: a table of 10001 keys",
		"- {b: &x 1}\n- " + strings.TrimSpace(strings.ReplaceAll(many, "\n", "\n  ")): "line 2: a table",
	} {
		if err := Tables([]byte(text)); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want %q", text, err, want)
		}
	}
}
