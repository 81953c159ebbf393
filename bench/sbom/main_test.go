package main

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
)

// TestOfThisTest reads the test's own binary, which go build made too.
func TestOfThisTest(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var first, second bytes.Buffer
	if err := run([]string{self}, &first); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{self}, &second); err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Errorf("two runs differ (%v)", err)
	}
	var d document
	if err := json.Unmarshal(first.Bytes(), &d); err != nil || d.Format != "CycloneDX" || d.Metadata.Component.Name != "loadgen" || len(d.Components[0].Hashes) != 1 {
		t.Errorf("%v: %s", err, first.String())
	}
	if err := run(nil, &first); err == nil {
		t.Error("no binaries are no error")
	}
}
