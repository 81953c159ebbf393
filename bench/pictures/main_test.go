package main

import (
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPicturesAreCurrent: the files in docs are what this draws, and are XML.
func TestPicturesAreCurrent(t *testing.T) {
	measurement, err := os.ReadFile("../../docs/measurement.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range pictures(string(measurement)) {
		got, err := os.ReadFile(filepath.Join("../../docs", name))
		if err != nil || string(got) != want {
			t.Errorf("docs/%s is not current (%v): go run ./bench/pictures", name, err)
		}
		for d := xml.NewDecoder(strings.NewReader(want)); ; {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
	if svg := request(); !strings.Contains(svg, "TTFT 100 ms") || !strings.Contains(svg, "TPOT 24 ms") || !strings.Contains(svg, "E2EL 220 ms") {
		t.Error(svg)
	}
	if svg := clients(string(measurement)); strings.Count(svg, "<rect") != 1+6 || !strings.Contains(svg, ">0.07 ms<") {
		t.Error(svg)
	}
}
