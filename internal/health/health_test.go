package health

import (
	"testing"
	"time"
)

// TestTheWorstReactorCounts: of several the one that came latest, and the one that did most.
func TestTheWorstReactorCounts(t *testing.T) {
	r := Report{Wall: 10 * time.Second, Reads: Dist{Count: 3, P99: 2}}
	if r.WorstReads() != r.Reads || r.Busiest() != 0 {
		t.Errorf("%+v, %v without reactors", r.WorstReads(), r.Busiest())
	}
	late := Dist{Count: 1, P99: 7}
	r.Reactors = []Reactor{{CPU: time.Second, Reads: late}, {CPU: 9 * time.Second, Reads: Dist{Count: 2, P99: 1}}}
	if r.WorstReads() != late || r.Busiest() != 0.9 {
		t.Errorf("%+v, %v", r.WorstReads(), r.Busiest())
	}
}
