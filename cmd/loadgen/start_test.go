package main

import (
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// mostAtStart is how many bytes a package of ours may allocate before main runs: tables, but
// neither compiled expressions nor parsed templates, which few runs need (internal/lazy).
const mostAtStart = 24 << 10

// TestLittleIsMadeAtStart reads from Go's own trace what each package of this program
// allocates at its initialisation.
func TestLittleIsMadeAtStart(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	rows := regexp.MustCompile(`(?m)^init (\S+) @.*, (\d+) bytes`).FindAllStringSubmatch(string(out), -1)
	ours := 0
	for _, row := range rows {
		if !strings.HasPrefix(row[1], "loadgen/") {
			continue
		}
		ours++
		if n, _ := strconv.Atoi(row[2]); n > mostAtStart {
			t.Errorf("%s allocates %d bytes at its initialisation, more than %d", row[1], n, mostAtStart)
		}
	}
	if ours == 0 {
		t.Errorf("no package of ours is in the trace:\n%s", out)
	}
}
