//go:build !unix

package outfile

import "os"

// Lock does nothing on systems without file locks of this kind.
func Lock(*os.File) error { return nil }
