package analysis

import (
	"bytes"
	"reflect"
	"testing"

	"loadgen/internal/recording"
	"loadgen/pkg/client"
)

// TestFromTheDisk: results that are read back, ahead and for two readers at once, have the same
// analysis as those in memory; and so has a run that is read one time after the other.
func TestFromTheDisk(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	const events = 40
	rec := scripted(3000, events) // more gaps than are sorted
	rec.Results[5].Err = &client.Error{Class: "cut", Message: "cut"}
	written := func(rec *recording.Recording) (*Analysis, []byte) {
		a, err := Analyze(rec, nil)
		if err != nil {
			t.Fatal(err)
		}
		f := a.File(rec, false)
		f.Loadgen = a.Loadgen(rec)
		return a, f.Append(nil)
	}
	_, want := written(rec)
	spool := recording.NewSpool()
	for i, r := range rec.Results {
		if i%7 != 0 {
			spool.Add(i, r)
			rec.Results[i] = nil
		}
	}
	if err := spool.Finish(); err != nil {
		t.Fatal(err)
	}
	rec.Spool = spool
	a, got := written(rec)
	if !bytes.Equal(got, want) {
		t.Errorf("from the disk\n%s\nfrom memory\n%s", got, want)
	}
	sent := make([]int32, a.Sent)
	for i := range sent {
		if i != 5 {
			sent[i] = events
		}
	}
	one := *a
	one.Counts.Events = eventsTogether + 1
	one.again(rec, waveOf(rec, scheduledRate(rec), a.Sent), sent)
	if !reflect.DeepEqual(one.Extended, a.Extended) || !reflect.DeepEqual(one.Budget, a.Budget) || !reflect.DeepEqual(one.Definitions, a.Definitions) {
		t.Error("one reading after the other makes something else")
	}
}
