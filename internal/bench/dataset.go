package bench

import (
	"context"
	"time"

	"loadgen/internal/recording"
	"loadgen/pkg/dataset"
)

// loadDataset draws the prompts.
func (b *Bench) loadDataset(ctx context.Context) (*dataset.Set, error) {
	if err := checkDataset(b.s); err != nil {
		return nil, err
	}
	o, err := b.withTemplate(ctx, b.datasetOptions())
	if err != nil {
		return nil, err
	}
	set, err := dataset.Load(ctx, o)
	if err != nil {
		return nil, ofDataset(err)
	}
	return set, b.applyTemplate(ctx, set)
}

// datasetOptions are the settings that say what to load.
func (b *Bench) datasetOptions() dataset.Options {
	o := optionsOf(b.s)
	o.NumPrompts, o.Tokenizer, o.Env, o.Progress = b.distinct(), b.tokenizer, b.env, b.o.OnDownload
	return o
}

// optionsOf are the options that show in the settings alone.
func optionsOf(s *recording.Settings) dataset.Options {
	o := dataset.Options{
		Name: s.DatasetName, Path: recording.Text(s.DatasetPath), DownloadPath: recording.Text(s.DownloadPath),
		Seed: uint32(s.Seed), Chat: s.Chat(), IDs: s.TokenizeOnClient,
		OutputLen: outputLen(s), InputLen: s.RandomInputLen, RandomOutputLen: s.RandomOutputLen,
		PrefixLen: s.RandomPrefixLen, RangeRatio: s.RandomRangeRatio, FromIDs: s.RandomIDs, IDStep: s.RandomIDStep,
		ImageWidth: s.RandomImageWidth, ImageHeight: s.RandomImageHeight, ImageSize: s.RandomImageSize, NumImages: s.RandomNumImages,
		SonnetInputLen: s.SonnetInputLen, SonnetOutputLen: s.SonnetOutputLen, SonnetPrefixLen: s.SonnetPrefixLen,
		Subset: recording.Text(s.HFSubset), Split: recording.Text(s.HFSplit),
		MaxTurns: s.MaxTurns, Think: s.ThinkTime, Speedup: s.Speedup, BlockSize: s.TraceBlockSize,
		DownloadTimeout: time.Duration(max(s.DownloadTimeout, 0)) * time.Second,
	}
	if s.DatasetName == "prefix_repetition" {
		o.Groups, o.Zipf = s.RepeatedPrefixes, s.RepeatedZipf
		o.PrefixLen, o.SuffixLen, o.RandomOutputLen = s.RepeatedPrefixLen, s.RepeatedSuffixLen, s.RepeatedOutputLen
	}
	return o
}

// outputLen is the length that the settings ask for in place of the data set's own.
func outputLen(s *recording.Settings) *int {
	switch s.DatasetName {
	case "sharegpt":
		return s.ShareGPTOutputLen
	case "hf":
		return s.HFOutputLen
	case "trtllm_custom", "jsonl", "conversations", "trace":
		return s.CustomOutputLen
	}
	return nil
}
