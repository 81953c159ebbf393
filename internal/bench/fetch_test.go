package bench_test

import (
	"compress/gzip"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"loadgen/internal/bench"
	"loadgen/internal/bench/benchtest"
	"loadgen/internal/golden"
	"loadgen/internal/hub"
	"loadgen/internal/tokenizer"
)

// loadTokenizer finds the tokenizer of a model in a dry run.
func loadTokenizer(t *testing.T, model string, env map[string]string, hubLimit time.Duration) (prompts int, err error) {
	t.Helper()
	s := benchtest.Settings(t, []string{"--dry-run", "--model", model, "--dataset-name", "random", "--random-ids", "--random-input-len", "5", "--num-prompts", "2"})
	b := bench.New(bench.Options{Settings: s, Hub: hubLimit, Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok }})
	defer b.Close()
	if err := b.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	err = b.Prepare(t.Context())
	return b.Requests(), err
}

// hubLimit is enough for a hub that is here.
const hubLimit = time.Minute

// TestATokenizerIsDownloadedOnce: what is not here comes from the hub, into the cache.
func TestATokenizerIsDownloadedOnce(t *testing.T) {
	files := map[string][]byte{"tokenizer_config.json": []byte("{}"), "weights.safetensors": []byte("large")}
	files["tokenizer.json"] = unpacked(t, golden.TestData("tokenizers", "qwen3", "tokenizer.json.gz"))
	const commit = "0123456789012345678901234567890123456789"
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		name := strings.TrimPrefix(r.URL.Path, "/org/model/resolve/"+commit+"/")
		data, found := files[name]
		switch {
		case r.URL.Path == "/api/models/org/model/revision/main":
			fmt.Fprintf(w, `{"sha":%q,"siblings":[{"rfilename":"tokenizer.json"},{"rfilename":"tokenizer_config.json"},{"rfilename":"weights.safetensors"}]}`, commit)
		case !found || name == "weights.safetensors":
			http.NotFound(w, r)
		default:
			sum := sha1.Sum(append(fmt.Appendf(nil, "blob %d\x00", len(data)), data...))
			w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:])+`"`)
			w.Header().Set("X-Repo-Commit", commit)
			w.Header().Set("Content-Length", fmt.Sprint(len(data)))
			if r.Method != http.MethodHead {
				w.Write(data)
			}
		}
	}))
	defer server.Close()
	env := map[string]string{"HF_HOME": t.TempDir(), "HF_ENDPOINT": server.URL}
	if _, err := loadTokenizer(t, "org/model", env, 0); !errors.Is(err, tokenizer.ErrNotFound) || asked > 0 {
		t.Errorf("not allowed to download: %v, %d requests", err, asked)
	}
	if n, err := loadTokenizer(t, "org/model", env, hubLimit); err != nil || n != 2 {
		t.Fatalf("%d prompts: %v", n, err)
	}
	asked = 0
	if n, err := loadTokenizer(t, "org/model", env, hubLimit); err != nil || n != 2 || asked > 0 {
		t.Errorf("%d prompts, %d requests: %v", n, asked, err)
	}
}

func unpacked(t *testing.T, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestAHubThatDoesNotAnswer: the error comes soon, and says why nothing was downloaded.
func TestAHubThatDoesNotAnswer(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for text, env := range map[string]map[string]string{
		"does not answer within 50ms": {"HF_ENDPOINT": "http://" + silent.Addr().String()},
		"offline":                     {"HF_HUB_OFFLINE": "1"},
	} {
		env["HF_HOME"] = t.TempDir()
		began := time.Now()
		_, err := loadTokenizer(t, "org/model", env, 50*time.Millisecond)
		if !errors.Is(err, tokenizer.ErrNotFound) || !strings.Contains(err.Error(), text) || time.Since(began) > time.Minute {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if _, offline := env["HF_HUB_OFFLINE"]; offline != errors.Is(err, hub.ErrOffline) {
			t.Errorf("%v", err)
		}
	}
	if _, err := loadTokenizer(t, "no-owner", map[string]string{"HF_HOME": t.TempDir(), "HF_ENDPOINT": "http://" + silent.Addr().String()}, time.Minute); !errors.Is(err, tokenizer.ErrNotFound) || strings.Contains(err.Error(), "download") {
		t.Errorf("a name without an owner: %v", err)
	}
}
