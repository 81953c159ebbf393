package bench

import (
	"reflect"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"loadgen/internal/health"
	"loadgen/pkg/client"
)

// TestReactorsOfARun: what threads did before it is left out, and those that began in it are in.
func TestReactorsOfARun(t *testing.T) {
	reads := hdrhistogram.New(1, int64(time.Minute), 2)
	reads.RecordValue(1000)
	none := hdrhistogram.New(1, int64(time.Minute), 2)
	got := reactors([]client.Thread{{Exchanges: 1, CPU: 2, Waited: 3, Reads: none}},
		[]client.Thread{{Exchanges: 11, CPU: 22, Waited: 33, Reads: reads}, {Exchanges: 4, CPU: 5, Waited: 6, Reads: none}})
	of := time.Duration(reads.Max())
	want := []health.Reactor{{Exchanges: 10, CPU: 20, Waited: 30, Reads: health.Dist{Count: 1, P50: of, P99: of, Max: of}}, {Exchanges: 4, CPU: 5, Waited: 6}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}
