package bench_test

import (
	"net"
	"reflect"
	"strings"
	"sync"
	"testing"

	"loadgen/internal/bench/benchtest"
	"loadgen/internal/recording"
	"loadgen/internal/result"
)

// outcomes is what a result file says of each answer, but for times.
type outcomes struct {
	Completed     int
	Lens, Gaps    []int
	Texts, Errors []string
	Failures      result.Failures
}

// TestStreamsThroughBothTransports sends the answers of the reference data over
// sockets, through one reactor, through several and through the blocking transport: the
// result files must say the same but for times.
func TestStreamsThroughBothTransports(t *testing.T) {
	eachAnswer(t, func(t *testing.T, _ string, c *streamsCase, s recording.Settings) {
		t.Parallel()
		url := c.serve(t)
		s.BaseURL = &url
		for _, s.Failures = range []string{"original", "strict"} {
			var got []outcomes
			for _, by := range [][2]string{{"auto", "auto"}, {"blocking", "auto"}, {"auto", "3"}} {
				s.Transport, s.Reactors = by[0], by[1]
				out, err := benchtest.Run(t, s, nil, nil)
				if err != nil {
					t.Fatal(err)
				}
				r := out.Parsed(t)
				o := outcomes{Completed: *r.Completed, Lens: r.OutputLens, Texts: r.GeneratedTexts, Errors: r.Errors, Failures: *r.Loadgen.Failures}
				for i := range r.Errors {
					o.Errors[i], _, _ = strings.Cut(r.Errors[i], ":")
					o.Gaps = append(o.Gaps, len(r.ITLs[i]))
				}
				got = append(got, o)
			}
			if !reflect.DeepEqual(got[0], got[1]) || !reflect.DeepEqual(got[0], got[2]) {
				t.Errorf("%s rules: reactor %+v\nblocking %+v\nthree reactors %+v", s.Failures, got[0], got[1], got[2])
			}
		}
	})
}

// serve answers on a socket, until the test is over, and returns where.
func (c *streamsCase) serve(t *testing.T) (url string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				x, err := benchtest.ReadExchange(conn)
				switch {
				case err != nil:
				case x.Method == "GET":
					x.Reply("404 Not Found", "text/plain", "")
				default:
					c.answer(x)
				}
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		all.Wait()
	})
	return "http://" + l.Addr().String()
}
