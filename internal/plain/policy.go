package plain

import (
	"crypto/sha256"
	"encoding/base64"
)

// Digest is a text's digest as the content security policy of a page has it: the page then uses
// this script or style sheet, and no other that may have got into it.
func Digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}
