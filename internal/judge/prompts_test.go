package judge

import (
	"slices"
	"testing"

	"loadgen/pkg/client"
)

// A prefix that the user asked for is in the cache by intent, as text a little longer.
func TestCommonPrefix(t *testing.T) {
	for _, c := range []struct {
		prefix, cached int
		ids, hit       bool
	}{{1000, 1056, false, false}, {1000, 1000, true, false}, {1000, 1056, true, true}, {1000, 1200, false, true}, {0, 32, false, true}} {
		s := clean(1)
		s.change = func(_ int, r *client.Result) { r.SeenUsage.Cached = c.cached }
		run := s.run()
		run.PrefixLen, run.TextPrompts = c.prefix, !c.ids
		findings, _ := run.Judge()
		if hit := slices.ContainsFunc(findings, func(f Finding) bool { return f.Code == "prefix_cache_hits" }); hit != c.hit {
			t.Errorf("%+v: %+v", c, findings)
		}
	}
}

// TestChatTemplate allows for what the model's chat template is known to add, and for no more.
func TestChatTemplate(t *testing.T) {
	for _, c := range []struct {
		template float64
		counted  int
		want     string
	}{
		{0, 512 + 40, ""}, {0, 512 + 120, "prompt_length_mismatch"},
		{120, 512 + 120, ""}, {120, 512 + 128, ""}, {120, 512, ""}, {120, 512 + 200, "prompt_length_mismatch"},
		{10, 512 + 10, ""}, {10, 512 + 80, "prompt_length_mismatch"}, {10, 300, "prompt_length_mismatch"},
	} {
		s := clean(1)
		s.change = func(_ int, r *client.Result) { r.SeenUsage.Prompt = c.counted }
		run := s.run()
		run.Rule.Chat, run.TextPrompts, run.Template = true, true, c.template
		findings, _ := run.Judge()
		got := ""
		for _, f := range findings {
			if f.Code == "prompt_length_mismatch" {
				got = f.Code
			}
		}
		if got != c.want {
			t.Errorf("%+v: %+v", c, findings)
		}
	}
	// 160 tokens stand before every prompt: no other prompts would change that.
	for prefix, want := range map[int]bool{0: true, 160: false} {
		s := clean(1)
		s.change = func(_ int, r *client.Result) { r.SeenUsage.Prompt, r.SeenUsage.Cached = 512+170, 160 }
		run := s.run()
		run.Rule.Chat, run.TextPrompts, run.Template, run.TemplatePrefix = true, true, 170, prefix
		findings, _ := run.Judge()
		if got := slices.ContainsFunc(findings, func(f Finding) bool { return f.Code == "prefix_cache_hits" }); got != want {
			t.Errorf("%d tokens before the prompt: %+v", prefix, findings)
		}
	}
}
