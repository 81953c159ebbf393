package dataset

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"loadgen/internal/hub"
)

// convertedRevision is where the hub keeps Parquet files of data sets that come
// in other forms, as SUBSET/SPLIT/0000.parquet.
const convertedRevision = "refs/convert/parquet"

func (o *Options) hub() *hub.Client {
	client := hub.New(o.Env)
	client.Progress = o.Progress
	return client
}

// downloading bounds the download of a file by DownloadTimeout.
func (o *Options) downloading(ctx context.Context, file string) (context.Context, context.CancelFunc) {
	if o.DownloadTimeout <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, o.DownloadTimeout, &Error{Kind: TooSlow, File: file,
		Text: fmt.Sprintf("was not downloaded within %v; what is here of it is kept, and the next attempt goes on from there", o.DownloadTimeout)})
}

func remoteError(id string, err error) error {
	var own *Error
	if errors.As(err, &own) {
		return err
	}
	return &Error{Kind: Unreadable, Text: "cannot get the data set " + id, Err: err}
}

// remoteShards returns the files of a split on the hub, each downloaded when it
// is first read.
func (o *Options) remoteShards(ctx context.Context, id, subset, split string) ([]shard, error) {
	client := o.hub()
	repo := hub.Repo{Kind: hub.Dataset, ID: id}
	ctx, stop := o.downloading(ctx, "the list of its files")
	defer stop()
	names, commit, err := client.Files(ctx, repo)
	if err != nil {
		return nil, remoteError(id, err)
	}
	repo.Revision = commit
	var files []string
	if len(dataFiles(names)) > 0 {
		var readme []byte
		if slices.Contains(names, "README.md") {
			if path, err := client.File(ctx, repo, "README.md"); err == nil {
				readme, _ = os.ReadFile(path)
			}
		}
		files, err = splitFiles(id, names, readme, subset, split)
	} else {
		repo.Revision = convertedRevision
		if names, commit, err = client.Files(ctx, repo); err == nil {
			repo.Revision = commit
			files, err = convertedFiles(id, names, subset, split)
		}
	}
	if err != nil {
		return nil, remoteError(id, err)
	}
	shards := make([]shard, len(files))
	for i, file := range files {
		shards[i] = func(ctx context.Context) (string, error) {
			ctx, stop := o.downloading(ctx, file)
			defer stop()
			path, err := client.File(ctx, repo, file)
			if err != nil {
				return "", remoteError(id, err)
			}
			return path, nil
		}
	}
	return shards, nil
}

// convertedFiles picks the files of a split among the hub's Parquet files.
func convertedFiles(id string, names []string, subset, split string) ([]string, error) {
	subsets := map[string]map[string][]string{}
	for _, name := range dataFiles(names) {
		if parts := strings.Split(name, "/"); len(parts) == 3 {
			if subsets[parts[0]] == nil {
				subsets[parts[0]] = map[string][]string{}
			}
			subsets[parts[0]][parts[1]] = append(subsets[parts[0]][parts[1]], name)
		}
	}
	if subset == "" && subsets["default"] != nil {
		subset = "default"
	}
	for name := range subsets {
		if subset == "" && len(subsets) == 1 {
			subset = name
		}
	}
	splits := subsets[subset]
	if splits == nil {
		return nil, &Error{Kind: NeedsSplit, File: id, Text: "a subset has to be named; there are " + strings.Join(slices.Sorted(maps.Keys(subsets)), ", ")}
	}
	if len(splits[split]) == 0 {
		return nil, &Error{Kind: NeedsSplit, File: id, Text: "a split has to be named; there are " + strings.Join(slices.Sorted(maps.Keys(splits)), ", ")}
	}
	return splits[split], nil
}

// The ShareGPT file that the original downloads.
const (
	shareGPTRepo = "anon8231489123/ShareGPT_Vicuna_unfiltered"
	shareGPTFile = "ShareGPT_V3_unfiltered_cleaned_split.json"
)

// downloadShareGPT sets Path to the ShareGPT file in DownloadPath, which is
// downloaded unless it is there.
func (o *Options) downloadShareGPT(ctx context.Context) error {
	if o.Path != "" || o.DownloadPath == "" {
		return nil
	}
	ctx, stop := o.downloading(ctx, shareGPTFile)
	defer stop()
	to := filepath.Join(o.DownloadPath, shareGPTFile)
	if err := o.hub().Download(ctx, hub.Repo{Kind: hub.Dataset, ID: shareGPTRepo}, shareGPTFile, to); err != nil {
		return remoteError(shareGPTRepo, err)
	}
	o.Path = to
	return nil
}
