package result

import "loadgen/docs"

// Schema is the JSON Schema (draft 2020-12) of the files that Write writes.
func Schema() []byte { return docs.ResultSchema }
