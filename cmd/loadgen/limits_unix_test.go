//go:build unix

package main

import (
	"math"
	"strings"
	"testing"
)

func TestConnectionsFit(t *testing.T) {
	for _, c := range []struct {
		atOnce int
		files  uint64
		ports  string
		want   string // "" for no error
	}{
		{100, 1024, "32768 60999", ""},
		{1000, 1024, "32768 60999", "more files than this process may open (1024): raise ulimit -n"},
		{992, 1024, "", ""},
		{28232, 1 << 20, "32768\t60999\n", ""},
		{28233, 1 << 20, "32768\t60999\n", "more local ports than there are (28232"},
		{28233, math.MaxUint64, "nothing", ""},
	} {
		err := fits(c.atOnce, c.files, c.ports)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if err := checkConnections(1); err != nil {
		t.Error(err)
	}
}
