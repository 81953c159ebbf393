package main

import (
	"errors"
	"strings"

	"loadgen/internal/analysis"
	"loadgen/internal/bench"
	"loadgen/internal/judge"
	"loadgen/internal/recording"
)

// hints are what can be done about findings and notes, which name no flags themselves.
var hints = map[string]string{
	"distinct_prompts":  " (--distinct-prompts)",
	"endpoint":          " (--endpoint)",
	"fresh_connections": ". Without --keep-alive each request has a connection of its own",
	"ignore_eos":        "; --ignore-eos generates to the full length",
	"insecure":          " (--insecure)",
	"max_failures":      " (--max-failures)",
	"num_prompts":       " (--num-prompts)",
	"other_prompts":     ". Another --seed has other prompts, a restart an empty cache",
	"per_token":         ", or the per-token ITL of --extended",
	"random_input_len":  " (--random-input-len)",
	"redirected":        "; --base-url goes there at once",
	"save_timeline":     " (--save-timeline)",
	"send_ids":          " (--tokenize-on-client sends ids)",
	"tokenizer":         ". --tokenizer names the right one, --tokenize-on-client sends ids",
	"tokenizer_path":    "; --tokenizer PATH names the right one",
	"warmup":            ". --warmup N sends requests before",
}

// comparisonHints are what can be done about what a comparison cannot compare.
var comparisonHints = map[string]string{
	"own_core":       "give loadgen a core of its own (taskset -c, docker --cpuset-cpus)",
	"batch_limit":    "the same --max_batch_size (trtllm-serve) or --max-num-seqs (vLLM) on all servers",
	"per_token":      "--continuous-usage on all servers, for ITL per token",
	"ignore_eos":     "--ignore-eos, so that all servers generate to the full length",
	"same_load":      "the same --seed, --num-prompts and flags for all servers, as loadgen compare has it",
	"failures":       "find out why requests failed, which each server's findings say, and repeat the runs",
	"other_prompts":  "another --seed, or servers that are restarted before each run",
	"across_clients": "--across-clients compares results of different clients on purpose",
	"raise_batch":    "raise --max_batch_size (trtllm-serve) or --max-num-seqs (vLLM), or lower --max-concurrency",
	"repeat":         "repeat the runs: compare has repeats: 3 in its plans",
}

// withHints completes the texts of an analysis.
func withHints(a *analysis.Analysis) {
	for _, list := range [][]judge.Finding{a.Findings, a.Notes} {
		for i := range list {
			list[i].Text += hints[list[i].Hint]
			list[i].Hint = ""
		}
	}
}

// message is an error's text, with a hint where there is one.
func message(err error) string {
	text := err.Error()
	var setting *recording.SettingError
	if errors.As(err, &setting) && setting.Want != "" {
		text = flagName(setting.Setting) + " " + setting.Must()
		if setting.Setting == "host" && strings.Contains(setting.Got, "://") {
			text += "\nhint: --base-url takes a URL"
		} else if setting.Setting == "host" && strings.Contains(setting.Got, ":") {
			text += "\nhint: --port takes the port"
		}
		return text
	}
	if errors.As(err, &setting) && setting.Setting != "" {
		return text + " (" + flagName(setting.Setting) + ")"
	}
	var test *bench.TestFailed
	if errors.As(err, &test) {
		return text + failureHint(&test.Failure)
	}
	return text + problemHint(err) + datasetHint(err)
}

// destination is argparse's name for a flag: --max-concurrency is max_concurrency.
func destination(name string) string {
	return strings.ReplaceAll(strings.TrimPrefix(name, "--"), "-", "_")
}

// flagName is the flag of a setting.
func flagName(setting string) string { return "--" + strings.ReplaceAll(setting, "_", "-") }
