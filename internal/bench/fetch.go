package bench

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"loadgen/internal/hub"
	"loadgen/internal/recording"
	"loadgen/internal/tokenizer"
)

// tokenizerParts are the files of a model that say how it reads text.
var tokenizerParts = []string{"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "config.json",
	"chat_template.jinja", "chat_template.json", "tekken.json", "tokenizer.model", "tiktoken.model", "spiece.model", "vocab.json", "merges.txt", "vocab.txt"}

// fetchable reports whether a tokenizer that was not found is worth a look at the hub: the
// user named it, as OWNER/NAME.
func (b *Bench) fetchable(name string, err error) bool {
	return b.o.Hub > 0 && errors.Is(err, tokenizer.ErrNotFound) && (b.s.Model != nil || b.s.Tokenizer != nil) && couldBeOnHub(name)
}

// couldBeOnHub reports whether a name is of the form OWNER/NAME.
func couldBeOnHub(name string) bool {
	owner, rest, found := strings.Cut(name, "/")
	return found && !strings.Contains(rest, "/") && owner != "" && owner[0] != '.' && owner[0] != '~'
}

// fetchTokenizer downloads the files of a model's tokenizer into the Hugging Face cache.
func (b *Bench) fetchTokenizer(ctx context.Context, name string) error {
	client := hub.New(b.env)
	if client.Offline {
		return fmt.Errorf("%w: HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE is set", hub.ErrOffline)
	}
	client.Progress = b.o.OnDownload
	repo := hub.Repo{Kind: hub.Model, ID: name}
	asking, cancel := context.WithTimeoutCause(ctx, b.o.Hub, fmt.Errorf("%s does not answer within %v", client.Endpoint, b.o.Hub))
	names, commit, err := client.Files(asking, repo)
	cancel()
	if err != nil {
		return err
	}
	repo.Revision = commit
	for _, wanted := range tokenizerParts {
		for _, file := range names {
			if file != wanted {
				continue
			}
			if _, err := client.File(ctx, repo, file); err != nil {
				return fmt.Errorf("%s: %w", path.Join(name, file), err)
			}
		}
	}
	b.say(recording.Note{Code: "tokenizer_downloaded", Text: fmt.Sprintf("downloaded the tokenizer of %s from %s", name, client.Endpoint)})
	return nil
}
