package terminal

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestWatch: a guard does what the process that died has not done, and nothing else.
func TestWatch(t *testing.T) {
	settings := string(append([]byte{guardKeys}, encode(&unix.Termios{})...))
	const enter, leave, free = "\x01", "\x02", "\x04"
	for told, want := range map[string]string{
		"":                              "",
		enter:                           LeaveScreen,
		enter + leave:                   "",
		settings + enter + leave + free: "",
		settings + enter:                LeaveScreen,
		settings + enter + "panic: x\n\x02more\n": LeaveScreen + "panic: x\n\x02more\n",
		settings + enter + leave + "panic: x\n":   "", // it stands on the first screen already
		settings[:9]:                              "",
	} {
		name := filepath.Join(t.TempDir(), "terminal")
		file, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		Watch(bytes.NewReader([]byte(told)), file)
		file.Close()
		if got, err := os.ReadFile(name); err != nil || string(got) != want {
			t.Errorf("told %q: %q %v, want %q", told, got, err, want)
		}
	}
}
