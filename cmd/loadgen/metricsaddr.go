package main

import (
	"fmt"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"loadgen/internal/live"
	"loadgen/internal/prom"
	"loadgen/internal/prom/expose"
	"loadgen/internal/recording"
)

// listenAddress is where --metrics-addr says that the metrics are: on this machine's loopback
// unless a host is given.
func listenAddress(text string) (string, error) {
	host, port, err := net.SplitHostPort(text)
	if _, isNumber := strconv.Atoi(text); isNumber == nil {
		host, port, err = "", text, nil
	}
	if n, odd := strconv.Atoi(port); err != nil || odd != nil || n < 0 || n > 65535 {
		return "", fmt.Errorf("%q is not an address to listen on; expected PORT, HOST:PORT or [ADDRESS]:PORT with a port from 0 (any free one) to 65535", text)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}

// metricsServer serves a run's metrics to Prometheus. A nil one serves nothing.
type metricsServer struct {
	*smallServer
	run atomic.Pointer[watched]
}

// watched is a run that is served.
type watched struct {
	tally *live.Tally
	start time.Time
	took  atomic.Int64 // ns, 0 while it lasts
}

// serveMetrics begins to serve metrics where that is asked for, until all is over.
func (m *benchmark) serveMetrics() (err error) {
	address := recording.Text(m.cfg.metricsAddr)
	if address == "" || m.cfg.DryRun {
		return nil
	}
	if m.metrics, err = serveMetrics(address); err != nil {
		return err
	}
	m.held = append(m.held, m.metrics.close)
	m.log("metrics at %s", m.metrics.url())
	return nil
}

// serveMetrics begins to listen; close ends it.
func serveMetrics(address string) (*metricsServer, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("--metrics-addr: %w; name a free port, or 0 for any", err)
	}
	m := &metricsServer{}
	m.smallServer = newSmallServer(listener, m.answer)
	return m, nil
}

func (m *metricsServer) url() string { return "http://" + m.listener.Addr().String() + "/metrics" }

// watch has a run served that begins now.
func (m *metricsServer) watch(tally *live.Tally) {
	if m != nil {
		m.run.Store(&watched{tally: tally, start: time.Now()})
	}
}

// end says that the run is over. Its metrics stay.
func (m *metricsServer) end() {
	if m == nil {
		return
	}
	if w := m.run.Load(); w != nil {
		w.took.Store(int64(time.Since(w.start)))
	}
}

// answer answers one request.
func (m *metricsServer) answer(method, path string) page {
	switch {
	case path != "/metrics":
		return page{status: fasthttp.StatusNotFound, body: []byte("the metrics are at /metrics\n")}
	case method != fasthttp.MethodGet && method != fasthttp.MethodHead:
		return page{status: fasthttp.StatusMethodNotAllowed, body: []byte("GET it\n")}
	}
	const name = "loadgen_info"
	families := []expose.Family{{Name: name, Help: "1, and which loadgen this is.", Kind: "gauge",
		Samples: []prom.Sample{{Name: name, Labels: []prom.Label{{Name: "version", Value: versionText()}}, Value: 1}}}}
	if run := m.run.Load(); run != nil {
		at := time.Duration(run.took.Load())
		if at == 0 {
			at = time.Since(run.start)
		}
		families = append(families, run.tally.Families(at)...)
	}
	return page{status: fasthttp.StatusOK, kind: expose.ContentType, body: expose.Append(nil, families)}
}
