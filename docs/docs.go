// Package docs holds the documents that the program carries with it.
package docs

import _ "embed"

// ResultSchema is the JSON Schema of result files, docs/result.schema.json. It is
// generated from the types of internal/result.
//
//go:embed result.schema.json
var ResultSchema []byte
