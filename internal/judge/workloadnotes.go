package judge

import (
	"fmt"
	"sort"
	"strings"

	"loadgen/pkg/client/answer"
)

// otherModel reports answers of another model than the one that was asked for.
func (f *FindingsReader) otherModel() *Finding {
	if f.otherModels == 0 {
		return nil
	}
	return some(find("other_model", fmt.Sprintf("%d of %d answers are of the model %s, and %s was asked for: the server may serve any model name with the one that it has",
		f.otherModels, f.completed, quoted(f.answering), quoted(f.run.Models[0])), "answers", f.otherModels, "model", f.answering, "asked", f.run.Models[0]))
}

// sameModel reports whether a server's name for a model may stand for one that was asked
// for: the same but for its case, its directory or organization, or with a version after it.
func sameModel(answered, asked string) bool {
	base := func(s string) string {
		s = strings.ToLower(strings.TrimRight(s, "/"))
		return s[strings.LastIndexByte(s, '/')+1:]
	}
	x, y := base(answered), base(asked)
	if x == y {
		return true
	}
	for _, mark := range []string{"-20", ":", "@"} { // gpt-4o-2024-08-06, llama3:latest, m@version
		if strings.HasPrefix(x, y+mark) || strings.HasPrefix(y, x+mark) {
			return true
		}
	}
	return false
}

// mixedDialects reports answers that differ in how they are written.
func (f *FindingsReader) mixedDialects() *Finding {
	if len(f.shapes) < 2 {
		return nil
	}
	var all []answer.Dialect
	for shape := range f.shapes {
		all = append(all, shape)
	}
	sort.Slice(all, func(i, j int) bool {
		return f.shapes[all[i]] > f.shapes[all[j]] || f.shapes[all[i]] == f.shapes[all[j]] && all[i] < all[j]
	})
	var texts []string
	for _, shape := range all[:min(len(all), 3)] {
		texts = append(texts, fmt.Sprintf("%d with %s", f.shapes[shape], shape))
	}
	return some(find("mixed_dialects", fmt.Sprintf("the answers are written in %d ways: %s. Different servers, or versions, seem to answer behind this address", len(all), strings.Join(texts, "; ")), "dialects", len(all)))
}

// belowConcurrency notes a run that cannot reach its concurrency.
func (f *FindingsReader) belowConcurrency() *Finding {
	if c := f.run.Concurrency; c > f.run.Planned && f.run.Planned > 0 {
		return some(find("below_concurrency", fmt.Sprintf("the run has %d requests, fewer than its concurrency of %d, which it never reaches", f.run.Planned, c),
			"requests", f.run.Planned, "concurrency", c).withHint("num_prompts"))
	}
	return nil
}
