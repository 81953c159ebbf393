package recording

import (
	"reflect"
	"slices"
	"strings"

	"loadgen/internal/pyjson"
)

// local are settings that the processes of one run may have each their own of: where files
// are, and what is shown and kept. That data set and tokenizer are the same shows in the
// prompts' digest.
var local = strings.Fields(`rank disable_tqdm download_path download_timeout dataset_path tokenizer save_result save_detailed
	result_dir result_filename save_timeline overwrite extended ca_cert client_cert client_key api_key_file header
	wait_ready barrier barrier_timeout gpu_metrics`)

// Difference is a setting that differs, with both values as JSON.
type Difference struct{ Setting, A, B string }

// Differences are the settings by which two processes would not make one run together.
func Differences(a, b *Settings) (out []Difference) {
	of := func(s *Settings, field int) string {
		return string(pyjson.Append(nil, Plain(reflect.ValueOf(s).Elem().Field(field).Addr().Interface())))
	}
	t := reflect.TypeFor[Settings]()
	for i := range t.NumField() {
		name := key(t.Field(i))
		if slices.Contains(local, name) {
			continue
		}
		if x, y := of(a, i), of(b, i); x != y {
			out = append(out, Difference{name, x, y})
		}
	}
	return out
}
