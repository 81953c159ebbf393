package chattemplate

import (
	"context"
	"runtime"
	"strings"
	"testing"
)

// doubled is a list of two of itself, 60 levels deep, under the name x; it has 2^60 parts.
const doubled = `{% set n = namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = [n.x, n.x] %}{% endfor %}{% set m = namespace(x=[1]) %}{% for i in range(60) %}{% set m.x = [m.x, m.x] %}{% endfor %}`

// deep is a list in a list, 5000 levels deep.
const deep = `{% set n = namespace(x=[]) %}{% for i in range(5000) %}{% set n.x = [n.x] %}{% endfor %}`

// endless are templates that would take all memory, all stack or all time.
var endless = map[string]string{
	"itself":       `{% set n = namespace() %}{% set n.a = n %}{{ n }}`,
	"each other":   `{% set n = namespace() %}{% set m = namespace(b=n) %}{% set n.a = m %}{{ [n, m] ~ '' }}`,
	"in a list":    `{% set n = namespace() %}{% set n.a = [{'k': n}] %}{{ n.a | string }}`,
	"as a key":     `{% set n = namespace() %}{% set n.a = n %}{{ {(n, 1): 2} }}`,
	"as an index":  `{% set n = namespace() %}{% set n.a = n %}{{ {'a': 1}[(n, 1)] }}`,
	"written":      doubled + `{{ n.x }}`,
	"JSON":         doubled + `{{ n.x | tojson }}`,
	"compared":     doubled + `{{ n.x == m.x }}`,
	"looked for":   doubled + `{{ n.x in [m.x] }}`,
	"sorted":       doubled + `{{ [n.x, m.x] | sort }}`,
	"changed":      doubled + `{% for i in [n.x, m.x] %}{{ loop.changed(i) }}{% endfor %}`,
	"deep":         deep + `{{ n.x }}`,
	"deep JSON":    deep + `{{ n.x | tojson(indent=50) }}`,
	"long strings": `{{ ['a' * 1000000] * 1000 }}`,
	"joined":       `{{ (['a' * 100000] * 100000) | join }}`,
	"joined by":    `{{ ('a' * 60000000).join(['', '', '', '']) }}`,
	"cut":          `{{ ('a' * 2000000).split('a') | length }}`,
	"cut at ends":  `{{ ('a' * 2000000).rsplit('a', 50000000) | length }}`,
	"words":        `{{ ('a ' * 1500000).split() | length }}`,
	"lines":        `{{ ('\n' * 2000000).splitlines() | length }}`,
	"runes":        `{{ ('a' * 2000000) | list | length }}`,
	"indent":       `{{ [[[1]]] | tojson(indent='a' * 60000000) }}`,
	"separators":   `{{ range(1000) | list | tojson(separators=('a' * 60000000, ':')) }}`,
}

// TestValuesAreBounded: each ends with an error, soon, and in little memory.
func TestValuesAreBounded(t *testing.T) {
	for name, text := range endless {
		tmpl, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err = tmpl.Render(context.Background(), Chat{Messages: []byte(`[]`)})
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), "more than") || !strings.Contains(err.Error(), "line 1") {
			t.Errorf("%s: %v", name, err)
		}
		if mb := (after.TotalAlloc - before.TotalAlloc) >> 20; mb > 1000 {
			t.Errorf("%s: %d MB", name, mb)
		}
	}
}
