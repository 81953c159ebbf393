package dataset

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"loadgen/internal/golden"
)

// TestShuffledRows compares the order of a stream of rows with that of NumPy's
// generator (internal/pyrand/testdata/make_vectors.py), for buffers that are
// not full, just full and used more than once.
func TestShuffledRows(t *testing.T) {
	data, err := os.ReadFile("../../internal/pyrand/testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases []struct {
			Seed   uint32
			Stream map[string][]int
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	for _, rows := range []int{10, 1000, 1001, 2500} {
		path := filepath.Join(t.TempDir(), "x.jsonl")
		if err := os.WriteFile(path, []byte(strings.Repeat("{}\n", rows)), 0o666); err != nil {
			t.Fatal(err)
		}
		for _, c := range file.Cases {
			want := c.Stream[fmt.Sprint(rows)]
			o := Options{NumPrompts: 40, Seed: c.Seed}
			got, _, err := o.shuffledRows(t.Context(), hubKind{columns: []string{"a"}}, localFile(path, source{}).shards)
			if err != nil || len(want) == 0 || !slices.Equal(got, want) {
				t.Errorf("%d rows, seed %d: %v %v\nwant %v", rows, c.Seed, err, got, want)
			}
		}
	}
}

// TestHub: the hub's own files, or the Parquet files that it makes of others,
// each downloaded when it is needed.
func TestHub(t *testing.T) {
	const commit = "0123456789abcdef0123456789abcdef01234567"
	parquet, err := os.ReadFile(golden.TestData("golden", "datasets", "hf", "lmarena-ai", "VisionArena-Chat", "data", "train-00000-of-00001.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	row := `{"problem": "what is one and one", "solution": "it is surely two"}` + "\n"
	repos := map[string]map[string][]byte{
		"AI-MO/NuminaMath-CoT/main": {"README.md": []byte("---\nx: 1\n---\n"), "data/train-00000-of-00002.jsonl": []byte(strings.Repeat(row, 1500)),
			"data/train-00001-of-00002.jsonl": []byte(strings.Repeat(row, 1500)), "data/test-00000-of-00001.jsonl": []byte(row)},
		"lmarena-ai/VisionArena-Chat/main":                 {"loader.py": []byte("x")},
		"lmarena-ai/VisionArena-Chat/refs/convert/parquet": {"default/train/0000.parquet": parquet, "default/test/0000.parquet": parquet},
	}
	var mu sync.Mutex
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for key, files := range repos {
			id := strings.Join(strings.Split(key, "/")[:2], "/")
			revision := strings.TrimPrefix(key, id+"/")
			sum := fmt.Sprintf("%x%s", len(revision)%10, commit[1:])
			if r.URL.Path == "/api/datasets/"+id+"/revision/"+revision {
				var names []string
				for name := range files {
					names = append(names, fmt.Sprintf(`{"rfilename":%q}`, name))
				}
				fmt.Fprintf(w, `{"sha":%q,"siblings":[%s]}`, sum, strings.Join(names, ","))
				return
			}
			if name, ok := strings.CutPrefix(r.URL.Path, "/datasets/"+id+"/resolve/"+sum+"/"); ok && files[name] != nil {
				w.Header().Set("X-Repo-Commit", sum)
				w.Header().Set("ETag", fmt.Sprintf(`"tag-%d"`, len(name)*1000+int(name[len(name)/2])))
				w.Header().Set("Content-Length", fmt.Sprint(len(files[name])))
				if r.Method == http.MethodGet {
					mu.Lock()
					got = append(got, name)
					mu.Unlock()
					w.Write(files[name])
				}
				return
			}
		}
		w.Header().Set("X-Error-Code", "RepoNotFound")
		w.WriteHeader(http.StatusNotFound)
	}))
	defer server.Close()
	env := map[string]string{"HF_ENDPOINT": server.URL, "HF_HOME": t.TempDir(), "NO_PROXY": "*"}
	o := Options{Name: "hf", Tokenizer: words{1000}, NumPrompts: 4, Env: func(name string) string { return env[name] }}

	o.Path = "AI-MO/NuminaMath-CoT"
	set, err := Load(t.Context(), o)
	if err != nil || len(set.Requests) != 4 || set.Requests[0].Prompt != "what is one and one" || set.Requests[0].OutputLen != 4 {
		t.Fatalf("%v %+v", err, set)
	}
	if len(got) != 2 { // the README and the shard that comes first
		t.Errorf("downloaded %q", got)
	}
	o.Path, o.Chat = "lmarena-ai/VisionArena-Chat", true
	if set, err = Load(t.Context(), o); err != nil || len(set.Requests) != 4 || len(set.Requests[0].Images) != 1 || set.Requests[0].OutputLen != 128 {
		t.Fatalf("%v %+v", err, set)
	}
	env["HF_HUB_OFFLINE"] = "1"
	o.Path = "AI-MO/NuminaMath-CoT"
	if _, err = Load(t.Context(), o); err != nil {
		t.Errorf("offline, from the cache: %v", err)
	}
	o.Path = "likaixin/InstructCoder"
	if _, err = Load(t.Context(), o); err == nil || !strings.Contains(err.Error(), "HF_HUB_OFFLINE") {
		t.Errorf("offline, not in the cache: %v", err)
	}
	delete(env, "HF_HUB_OFFLINE")
	if _, err = Load(t.Context(), o); err == nil || !strings.Contains(err.Error(), "there is no dataset likaixin/InstructCoder") {
		t.Errorf("not on the hub: %v", err)
	}
	o.Path, o.Chat = "lmarena-ai/VisionArena-Chat", false
	if _, err = Load(t.Context(), o); err == nil || !strings.Contains(err.Error(), "openai-chat") {
		t.Errorf("images for a completions endpoint: %v", err)
	}
}

// TestDownloadPath: sharegpt and random fetch the file that the original fetches.
func TestDownloadPath(t *testing.T) {
	file := `[{"conversations":[{"value":"a b c d"},{"value":"a b c d"}]}]`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/datasets/"+shareGPTRepo+"/resolve/main/"+shareGPTFile {
			t.Errorf("asked for %s", r.URL.Path)
		}
		w.Header().Set("X-Repo-Commit", strings.Repeat("1", 40))
		w.Header().Set("ETag", `"x"`)
		fmt.Fprint(w, file)
	}))
	dir := filepath.Join(t.TempDir(), "new")
	o := Options{Name: "sharegpt", Tokenizer: words{1000}, NumPrompts: 2, DownloadPath: dir,
		Env: func(name string) string {
			return map[string]string{"HF_ENDPOINT": server.URL, "NO_PROXY": "*", "HF_HOME": dir}[name]
		}}
	for _, name := range []string{"sharegpt", "random"} { // the second finds the file
		o.Name, o.InputLen = name, 3
		if set, err := Load(t.Context(), o); err != nil || len(set.Requests) != 2 {
			t.Errorf("%s: %v", name, err)
		}
		server.Close()
	}
	if text, err := os.ReadFile(filepath.Join(dir, shareGPTFile)); err != nil || string(text) != file {
		t.Errorf("%q %v", text, err)
	}
}
