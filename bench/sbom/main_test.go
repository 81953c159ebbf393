package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestOfThisTest reads the test's own binary, which go build made too.
func TestOfThisTest(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var first, second bytes.Buffer
	if err := run("v1.2.3", []string{self}, &first); err != nil {
		t.Fatal(err)
	}
	if err := run("v1.2.3", []string{self}, &second); err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Errorf("two runs differ (%v)", err)
	}
	var d document
	if err := json.Unmarshal(first.Bytes(), &d); err != nil || d.Format != "CycloneDX" || d.Metadata.Component.Name != "loadgen" || d.Metadata.Component.Version != "v1.2.3" || len(d.Components[0].Hashes) != 1 {
		t.Errorf("%v: %s", err, first.String())
	}
	if err := schema(t).Validate(parsed(t, first.Bytes())); err != nil {
		t.Error(err)
	}
	wrong := bytes.Replace(first.Bytes(), []byte(`"SHA-256"`), []byte(`"SHA-2"`), 1)
	if schema(t).Validate(parsed(t, wrong)) == nil {
		t.Error("the schema takes anything")
	}
	if err := run("", nil, &first); err == nil {
		t.Error("no binaries are no error")
	}
}

// schema is that of CycloneDX 1.6 and what it refers to (github.com/CycloneDX/specification,
// Apache-2.0), as cyclonedx-python-lib 11 has them.
func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	const site = "http://cyclonedx.org/schema/"
	for _, name := range []string{"bom-1.6", "jsf-0.82", "spdx"} {
		name += ".SNAPSHOT.schema.json"
		f, err := os.Open("testdata/" + name + ".gz")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		text, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(text)
		if err != nil {
			t.Fatal(err)
		}
		delete(value.(map[string]any), "$id") // which has no SNAPSHOT
		if err := c.AddResource(site+name, value); err != nil {
			t.Fatal(err)
		}
	}
	s, err := c.Compile(site + "bom-1.6.SNAPSHOT.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func parsed(t *testing.T, text []byte) any {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return value
}
