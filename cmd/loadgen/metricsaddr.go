package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

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
	listener net.Listener
	server   *http.Server
	done     chan struct{}
	run      atomic.Pointer[watched]
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
	m := &metricsServer{listener: listener, done: make(chan struct{})}
	m.server = &http.Server{Handler: http.HandlerFunc(m.answer), ErrorLog: log.New(io.Discard, "", 0), // a client that misbehaves is no concern of the run's
		ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, MaxHeaderBytes: 16 << 10}
	go func() {
		defer close(m.done)
		_ = m.server.Serve(listener) // it ends when it is closed
	}()
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

func (m *metricsServer) close() {
	_ = m.server.Close()
	<-m.done
}

func (m *metricsServer) answer(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path != "/metrics":
		http.Error(w, "the metrics are at /metrics", http.StatusNotFound)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		http.Error(w, "GET it", http.StatusMethodNotAllowed)
		return
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
	w.Header().Set("Content-Type", expose.ContentType)
	_, _ = w.Write(expose.Append(nil, families)) // who does not take it asks again
}
