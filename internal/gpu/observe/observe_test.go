package observe

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"loadgen/internal/gpu"
)

// fake puts a program called nvidia-smi first on the PATH.
func fake(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "nvidia-smi"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

// clock is called with each sample; wait waits until it has been called so often.
type clock struct {
	calls atomic.Int64
	at    chan struct{}
}

func (c *clock) now() time.Duration {
	n := c.calls.Add(1)
	c.at <- struct{}{}
	return time.Duration(n) * time.Second
}

func TestNvidiaSMI(t *testing.T) {
	fake(t, `test "$1" = --query-gpu=index,name,power.draw,memory.used -a "$2" = --format=csv,noheader,nounits || exit 3
echo "0, NVIDIA H200, 312.51, 70123"
echo "1, NVIDIA H200, [N/A], 5"
exec sleep 60`)
	c := &clock{at: make(chan struct{}, 10)}
	stop := Start(context.Background(), "", c.now)
	<-c.at
	<-c.at
	r, err := stop()
	if err != nil || r.Source != "nvidia-smi" || len(r.Samples) != 2 {
		t.Fatal(r, err)
	}
	if r.Samples[0] != (gpu.Sample{At: time.Second, GPU: "0", Name: "NVIDIA H200", Watts: 312.51, Memory: 70123}) || r.Samples[1].Watts != -1 || r.Samples[1].Memory != 5 {
		t.Errorf("%+v", r.Samples)
	}
}

func TestNvidiaSMIFails(t *testing.T) {
	fake(t, "echo 'NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver.'; exit 9")
	s := &sampler{now: func() time.Duration { return 0 }}
	if err := s.nvidiaSMI(context.Background()); err == nil || !strings.Contains(err.Error(), "could not communicate") || len(s.report.Samples) > 0 {
		t.Error(err, s.report)
	}
}

func TestNoNvidiaSMI(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	stop := Start(context.Background(), "", func() time.Duration { return 0 })
	if r, err := stop(); r != nil || err == nil || !strings.Contains(err.Error(), "no nvidia-smi on the PATH") {
		t.Error(r, err)
	}
}

func TestExporter(t *testing.T) {
	text := `# TYPE DCGM_FI_DEV_POWER_USAGE gauge
DCGM_FI_DEV_POWER_USAGE{gpu="0",UUID="GPU-1",modelName="H200",Hostname="a"} 401.5
DCGM_FI_DEV_FB_USED{gpu="0",UUID="GPU-1",modelName="H200",Hostname="a"} 7000
DCGM_FI_DEV_POWER_USAGE{gpu="1",UUID="GPU-2",modelName="H200",Hostname="a"} 99
`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/metrics" {
			http.NotFound(w, r)
			return
		}
		w.Write([]byte(text))
	}))
	defer server.Close()
	c := &clock{at: make(chan struct{}, 10)}
	stop := Start(context.Background(), server.URL+"/metrics", c.now)
	<-c.at
	r, err := stop()
	if err != nil || len(r.Samples) < 2 || r.Samples[0] != (gpu.Sample{At: time.Second, GPU: "a/0", Name: "H200", Watts: 401.5, Memory: 7000}) || r.Samples[1].Memory != -1 {
		t.Fatalf("%+v %v", r, err)
	}
	stop = Start(context.Background(), server.URL+"/other", c.now)
	<-c.at
	if _, err := stop(); err == nil || !strings.Contains(err.Error(), "404") {
		t.Error(err)
	}
}

func FuzzParseSMI(f *testing.F) {
	f.Add("0, NVIDIA H200, 312.51, 70123")
	f.Add("1, a, b, [N/A], [Not Supported]")
	f.Fuzz(func(t *testing.T, line string) {
		if s, ok := parseSMI(line); ok && (s.Watts < -1 || s.Memory < -1) {
			t.Errorf("%+v", s)
		}
	})
}
