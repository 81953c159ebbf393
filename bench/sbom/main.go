// Sbom writes the software bill of materials of binaries built by go build, as CycloneDX 1.6:
// every module that is in them, by the build information that the linker put there. The same
// binaries give the same bytes.
//
//	go run ./bench/sbom -version VERSION BINARY... > sbom.cdx.json
package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The part of CycloneDX's JSON that is written.
type (
	document struct {
		Format      string      `json:"bomFormat"`
		SpecVersion string      `json:"specVersion"`
		Version     int         `json:"version"`
		Metadata    metadata    `json:"metadata"`
		Components  []component `json:"components"`
	}
	metadata struct {
		Component component `json:"component"`
	}
	component struct {
		Type       string     `json:"type"`
		Ref        string     `json:"bom-ref,omitempty"`
		Name       string     `json:"name"`
		Version    string     `json:"version,omitempty"`
		PURL       string     `json:"purl,omitempty"`
		Hashes     []hash     `json:"hashes,omitempty"`
		Properties []property `json:"properties,omitempty"`
	}
	hash struct {
		Algorithm string `json:"alg"`
		Content   string `json:"content"`
	}
	property struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
)

func main() {
	version := flag.String("version", "", "of the program")
	flag.Parse()
	if err := run(*version, flag.Args(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func run(version string, binaries []string, out io.Writer) error {
	if len(binaries) == 0 {
		return errors.New("no binaries given: sbom BINARY...")
	}
	d := document{Format: "CycloneDX", SpecVersion: "1.6", Version: 1, Components: []component{}}
	modules := map[string]component{}
	for _, name := range binaries {
		info, err := buildinfo.ReadFile(name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(text)
		base := filepath.Base(name)
		d.Components = append(d.Components, component{Type: "file", Ref: base, Name: base, Hashes: []hash{{"SHA-256", hex.EncodeToString(sum[:])}}})
		if d.Metadata.Component.Name == "" {
			d.Metadata.Component = component{Type: "application", Name: info.Main.Path, Version: version,
				Properties: []property{{"go:version", info.GoVersion}}}
		}
		for _, m := range info.Deps {
			if m.Replace != nil {
				m = m.Replace
			}
			// purl's golang type has the module's path as it is, its elements escaped.
			elements := strings.Split(m.Path, "/")
			for i := range elements {
				elements[i] = url.PathEscape(elements[i])
			}
			purl := "pkg:golang/" + strings.Join(elements, "/") + "@" + url.PathEscape(m.Version)
			modules[purl] = component{Type: "library", Ref: purl, Name: m.Path, Version: m.Version, PURL: purl, Properties: []property{{"go:sum", m.Sum}}}
		}
	}
	for _, c := range modules {
		d.Components = append(d.Components, c)
	}
	slices.SortFunc(d.Components, func(a, b component) int { return strings.Compare(a.Type+a.Ref, b.Type+b.Ref) })
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(d)
}
