package main

import (
	"errors"

	"loadgen/internal/hub"
	"loadgen/pkg/dataset"
)

// datasetHints say what mends a data set's problem, by its kind.
var datasetHints = map[dataset.Kind]string{
	dataset.NoPath:        "\nhint: --dataset-path names it; sharegpt and random download one with --download-path DIR; --dataset-name random --random-ids needs none",
	dataset.NeedsChat:     " (--backend openai-chat)",
	dataset.NeedsTemplate: "\nhint: --tokenizer names a directory or model whose tokenizer_config.json has a chat template",
	dataset.NeedsSplit:    " (--hf-split, --hf-subset)",
	dataset.TooSlow:       " (--download-timeout)",
	dataset.Unknown:       " (--dataset-name, --dataset-path)",
}

// datasetHint is the hint for a data set's problem, "" for any other error.
func datasetHint(err error) string {
	var bad *dataset.Error
	switch {
	case !errors.As(err, &bad):
		return ""
	case errors.Is(err, hub.ErrOffline):
		return "\nhint: HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE is set; without it the file is downloaded, and --dataset-path may name a local file or directory"
	case errors.Is(err, hub.ErrGated):
		return "\nhint: HF_TOKEN holds the token of a user who was granted access"
	}
	return datasetHints[bad.Kind]
}
