package recording

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"loadgen/pkg/client"
)

// TestEventsReadBack: numbers of all lengths, and no event of bytes that are cut anywhere.
func TestEventsReadBack(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	any := func(most int) int64 { return random.Int64() >> (63 - random.IntN(most)) * (1 - 2*random.Int64N(2)) }
	for n := range 50 {
		events := make([]client.Event, n)
		for i := range events {
			events[i] = client.Event{At: time.Duration(any(59)), TextEnd: int32(any(31)), Tokens: int32(any(31)), Kind: client.Kind(random.IntN(256)),
				Uncertainty: uint32(any(32)), Choices: random.IntN(2) == 0, Shared: random.IntN(2) == 0}
			if i%2 == 0 {
				events[i] = client.Event{At: time.Duration(any(30)), TextEnd: int32(i), Tokens: -1, Kind: client.Text, Choices: true}
			}
		}
		text := appendEvents(nil, events)
		for _, more := range []int{0, 1, 20} {
			got := make([]client.Event, n)
			rest, ok := readEvents(append(text[:len(text):len(text)], make([]byte, more)...), got)
			if diff := cmp.Diff(events, got); !ok || len(rest) != more || diff != "" {
				t.Fatalf("%d events: %v, %d bytes are left of %d\n%s", n, ok, len(rest), more, diff)
			}
		}
		for cut := range len(text) {
			if rest, ok := readEvents(text[:cut], make([]client.Event, n)); ok || rest != nil {
				t.Fatalf("%d of %d bytes are %d events", cut, len(text), n)
			}
		}
	}
}

func TestShortVarint(t *testing.T) {
	for shift := range 64 {
		for _, v := range []uint64{1<<shift - 1, 1 << shift, math.MaxUint64 >> shift} {
			text := append(binary.AppendUvarint(nil, v), 0xff, 1, 2, 3, 4, 5, 6, 7)
			want := len(text) - 8
			if got, n := shortVarint(binary.LittleEndian.Uint64(text)); n <= 8 && (got != v || n != want) || n > 8 && want <= 8 {
				t.Errorf("%d is read as %d, %d bytes of %d", v, got, n, want)
			}
		}
	}
}
