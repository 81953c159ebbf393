package outfile

import "os"

// Temporary makes a file in the directory for temporary files that has no name, so that
// nothing is left of it when the program ends, whatever ends it.
func Temporary() (*os.File, error) {
	f, err := os.CreateTemp("", ".loadgen-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil { // a system that cannot do without the name
		f.Close()
		return nil, err
	}
	return f, nil
}
