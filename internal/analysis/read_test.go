package analysis

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"loadgen/internal/recording"
	"loadgen/pkg/client"
	"loadgen/pkg/metrics"
)

// TestFromTheDisk: results that are read back, ahead, have the same analysis as those in memory;
// and so has a run that is read once for each reader.
func TestFromTheDisk(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	const events = 40
	rec := scripted(3000, events)                                // more gaps than are sorted
	for long := rec.Results[9]; len(long.Events) < 2*roomMost; { // more than a slot keeps room for
		next := long.Events[len(long.Events)-1]
		next.At += time.Millisecond
		long.Events = append(long.Events, next)
	}
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
	var one Analysis
	o := metrics.Options{Percentiles: a.Summary.Percentiles}
	one.read(newCollector(rec, o, nil, a.Sent, waveOf(rec, scheduledRate(rec), a.Sent)), nil, false)
	if !reflect.DeepEqual(one.Summary, a.Summary) || !reflect.DeepEqual(one.Extended, a.Extended) || !reflect.DeepEqual(one.Budget, a.Budget) || !reflect.DeepEqual(one.Definitions, a.Definitions) {
		t.Error("one reading after the other makes something else")
	}
}
