package judge

import "fmt"

// cacheBlock is how many tokens servers keep together in their caches; a chat template, or
// what else a server puts before all prompts, has at most templateMost.
const (
	cacheBlock   = 32
	templateMost = 128
)

// cacheSeen is what the successes say of the server's prefix cache, in tokens as the server
// counts them.
type cacheSeen struct {
	known          int // answers that say how many prompt tokens were cached
	unknown        int // answers with usage that do not
	prompts        int // prompt tokens, without what was tested
	cached, beyond int // of them cached, but for the prefix that was asked for; and beyond what is allowed for
	hits           int // answers with some of the latter
	added          int // answers whose cached tokens are no more than what the server added to the prompt
}

// prefix is how many tokens of a prompt may be in the server's cache on purpose: as
// text they are encoded anew, a little longer, and cached in whole blocks.
func (f *FindingsReader) prefix() int {
	n := f.run.PrefixLen
	if n > 0 && f.run.TextPrompts {
		n += n/20 + cacheBlock
	}
	return n
}

// cache takes in a success; tested says that a test request has sent its prompt before.
func (f *FindingsReader) cache(q *Request, tested bool) {
	c, seen, nominal := &f.cached, q.Result.SeenUsage, q.Sample.PromptLen
	if seen.Cached < 0 {
		if seen.Prompt >= 0 || seen.Completion >= 0 {
			c.unknown++
		}
		return
	}
	c.known++
	if tested {
		return
	}
	prompt := max(seen.Prompt, nominal, 0)
	if seen.Prompt >= 0 {
		prompt = seen.Prompt
	}
	c.prompts += prompt
	cached := min(seen.Cached-f.prefix(), prompt)
	if cached <= 0 {
		return
	}
	c.cached += cached
	added := max(prompt-nominal, f.run.TemplatePrefix, bosTokens)
	most := max(templateMost, f.run.TemplatePrefix)
	if cached <= added {
		c.added++
	}
	if beyond := cached - min(added, most); beyond > 0 || added > most {
		c.hits++
		c.beyond += max(beyond, 0)
	}
}

// cacheHits reports prompt tokens that came from the server's cache unasked.
func (f *FindingsReader) cacheHits() *Finding {
	c := &f.cached
	if f.run.SharedPrefixes || c.prompts <= 0 || 100*c.beyond < c.prompts {
		return nil
	}
	text := fmt.Sprintf("%s of the prompt tokens came from the server's prefix cache, in %d requests", percent(float64(c.cached)/float64(c.prompts)), c.hits)
	if f.run.Tested {
		text += " (not counting the first, whose prompt the test request sends)"
	}
	text += ": prefill, and so TTFT, is cheaper by as much"
	hint := "other_prompts"
	if 2*c.added > c.hits { // which no other prompts would change
		text, hint = text+". They are tokens that the server or a gateway puts before the prompts", ""
	}
	return some(find("prefix_cache_hits", text, "cached_tokens", c.cached, "prompt_tokens", c.prompts, "requests", c.hits).withHint(hint))
}

// cachedUnknown notes that the server does not say what was cached.
func (f *FindingsReader) cachedUnknown() *Finding {
	if f.cached.known > 0 || f.cached.unknown == 0 {
		return nil
	}
	return some(find("cached_unknown", "the server does not say how many prompt tokens came from its prefix cache, so cache hits are unknown, not 0", "answers", f.cached.unknown))
}
