package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"loadgen/internal/argparse"
	"loadgen/internal/compare"
	"loadgen/internal/lazy"
	"loadgen/internal/suggest"
	"loadgen/pkg/client"
)

// elsewhere are what other load generators call flags of ours: vegeta, hey, oha, wrk, k6,
// AIPerf, GuideLLM, vllm bench serve and SGLang's bench_serving.
var elsewhere = map[string]string{
	"-c": "--max-concurrency", "--concurrency": "--max-concurrency", "--connections": "--max-concurrency", "--num-clients": "--max-concurrency",
	"--users": "--max-concurrency", "--num-users": "--max-concurrency", "--parallel": "--max-concurrency", "--vus": "--max-concurrency", "--workers": "--max-concurrency", "--streams": "--max-concurrency",
	"-n": "--num-prompts", "--num-requests": "--num-prompts", "--requests": "--num-prompts", "--request-count": "--num-prompts", "--max-requests": "--num-prompts",
	"-u": "--base-url", "--url": "--base-url", "--target": "--base-url", "--server": "--base-url", "--server-url": "--base-url",
	"-q": "--request-rate", "-r": "--request-rate", "--rate": "--request-rate", "--qps": "--request-rate", "--rps": "--request-rate",
	"-z": "--duration", "-d": "--duration", "--max-seconds": "--duration", "--max-time": "--duration", "--max-duration": "--duration", "--benchmark-duration": "--duration",
	"-m": "--model", "--model-name": "--model", "--model-names": "--model",
	"-H": "--header", "--headers": "--header",
	"-t": "--timeout", "--request-timeout-seconds": "--timeout",
	"-o": "--result-filename", "--output": "--result-filename", "--output-file": "--result-filename", "--output-dir": "--result-dir", "--artifact-dir": "--result-dir",
	"--profile-export-file": "--result-filename", "--export-file": "--result-filename", "--json": "--output json", "--csv": "--save-requests FILE.csv",
	"--quiet": "--disable-tqdm", "--ui": "--live", "--arrival-smoothness": "--burstiness", "--random-len": "--random-input-len",
	"--concurrency-ramp-duration": "--ramp-up", "--request-rate-ramp-duration": "--ramp-up", "--request-cancellation-rate": "--cancel",
	"--synthetic-input-tokens-stddev": "--random-range-ratio", "--isl-stddev": "--random-range-ratio", "--output-tokens-stddev": "--random-range-ratio", "--osl-stddev": "--random-range-ratio",
	"--custom-dataset-type": "--dataset-name", "--public-dataset": "--dataset-name", "--fixed-schedule": "--dataset-name trace", "--num-dataset-entries": "--distinct-prompts",
	"--prefix-prompt-length": "--prefix-repetition-prefix-len", "--num-prefix-prompts": "--prefix-repetition-num-prefixes", "--conversation-turn-delay-mean": "--think-time",
	"--gpu-telemetry": "--gpu-metrics", "--tokenizer-trust-remote-code": "--trust-remote-code", "--output-path": "--result-filename",
	"--input-len": "--random-input-len", "--isl": "--random-input-len", "--prompt-tokens": "--random-input-len", "--synthetic-input-tokens-mean": "--random-input-len",
	"--output-len": "--random-output-len", "--osl": "--random-output-len", "--output-tokens": "--random-output-len", "--max-tokens": "--random-output-len",
	"--output-tokens-mean": "--random-output-len",
	"--num-warmups":        "--warmup", "--warmup-requests": "--warmup", "--warmup-request-count": "--warmup",
	"--ready-check-timeout-sec": "--wait-ready", "--extra-body": "--body-patch", "--extra-inputs": "--body-patch", "--extra-request-body": "--body-patch",
	"--api-key": "--api-key-file", "-k": "--insecure", "--cacert": "--ca-cert", "--cert": "--client-cert", "--key": "--client-key",
	"--random-seed": "--seed", "--endpoint-type": "--backend", "--dataset": "--dataset-name", "--input-file": "--dataset-path",
	"--label": "--metadata", "--tag": "--metadata", "--slo": "--goodput", "-v": "--version", "-V": "--version",
}

// choicesElsewhere are what other load generators call a flag's values.
var choicesElsewhere = map[string]map[string]string{
	"--backend": {
		"chat": "openai-chat", "chat-completions": "openai-chat", "openai-chat-completions": "openai-chat", "chat_completions": "openai-chat", "sglang-oai-chat": "openai-chat", "vllm-chat": "openai-chat",
		"completions": "openai", "openai-completions": "openai", "vllm": "openai", "sglang": "openai", "sglang-oai": "openai", "tensorrt-llm": "openai", "trtllm": "openai",
	},
	"--dataset-name": {
		"custom": "jsonl", "single_turn": "jsonl", "multi_turn": "conversations", "mooncake_trace": "trace", "mooncake": "trace", "random-mm": "random_image", "image": "random_image",
		"generated-shared-prefix": "prefix_repetition", "synthetic": "synthetic_text", "random-ids": "random --random-ids",
	},
}

// lists are flags of one number that users give several, by the subcommand's flag that takes them.
var lists = map[string]string{"--max-concurrency": "--concurrencies", "--request-rate": "--rates"}

// flagNotes are on flags of others that need none here.
var flagNotes = map[string]string{
	"--streaming": "answers are streamed unless --non-streaming is given",
	"--stream":    "answers are streamed unless --non-streaming is given",
	"--data":      "--dataset-path FILE is a file; --random-input-len N and --random-output-len N are prompt_tokens=N and output_tokens=N",
	"--rate-type": "--max-concurrency N is concurrent, --request-rate R is poisson, with --burstiness inf constant, and loadgen sweep is sweep",

	"--request-rate-mode":      "intervals are those of a Poisson process; --burstiness inf makes them constant",
	"--use-server-token-count": "the server's count of output tokens is used wherever it sends one",
	"--service-kind":           "loadgen speaks the OpenAI API alone",
}

// shortestSecret is below what a key or a password has: a word so short may be any.
const shortestSecret = 6

// usageText is the message of an error in a command line: secrets are masked, and what was
// probably meant is added.
func usageText(err error, argv []string) string {
	text := err.Error()
	shown := compare.MaskWords(argv)
	for i, word := range argv {
		if hidden := client.Redact(shown[i]); hidden != word && len(word) >= shortestSecret {
			text = strings.ReplaceAll(text, word, hidden)
		}
	}
	hint := meant(err, nil)
	if hint == "" && !strings.Contains(text, "\nhint: ") {
		hint = "loadgen --help lists the flags"
		if m := argumentOf.Get().FindStringSubmatch(text); m != nil {
			hint = "loadgen help " + m[1] + " says what it takes"
		}
	}
	if hint != "" {
		text += "\nhint: " + hint
	}
	return text
}

var argumentOf = lazy.Regexp(`(?:^|: )argument (?:-\w/)?(--[a-z0-9-]+):`)

var severalOf = lazy.Regexp(`(?:^|: )argument (?:-\w/)?(--[a-z-]+): invalid (?:int|float) value: '(\d+(?:\.\d+)?(?:, *\d+(?:\.\d+)?)+)'$`)

var badNumber = lazy.Regexp(`(?:^|: )argument (?:-\w/)?(--[a-z0-9-]+): invalid (int|float) value: '(.*)'$`)

var badChoice = lazy.Regexp(`(?:^|: )argument (?:-\w/)?(--[a-z0-9-]+): invalid choice: '(.*)' \(choose`)

// meant says which flags, or which of a flag's values, were probably meant. Of a subcommand that
// takes the benchmark's flags as well, own are the names of its own.
func meant(err error, own map[string]string) string {
	text := err.Error()
	var unknown *argparse.Unrecognized
	if errors.As(err, &unknown) {
		return meantFlags(unknown.Args, own)
	}
	if m := severalOf.Get().FindStringSubmatch(text); m != nil && lists[m[1]] != "" {
		return fmt.Sprintf("a run has one value; loadgen sweep %s %s runs each", lists[m[1]], strings.ReplaceAll(m[2], " ", ""))
	}
	if strings.HasPrefix(text, "ambiguous option: --data could") {
		return flagNotes["--data"]
	}
	if strings.HasPrefix(text, "ambiguous option: --dataset could") {
		return "--dataset-name NAME says what kind it is, --dataset-path FILE which file"
	}
	if m := badNumber.Get().FindStringSubmatch(text); m != nil {
		return meantNumber(m[1], m[2], m[3])
	}
	m := badChoice.Get().FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	near := choicesElsewhere[m[1]][strings.ToLower(m[2])]
	for _, f := range flagTable() {
		if f.Name == m[1] {
			near = cmp.Or(near, suggest.Nearest(m[2], f.Choices))
		}
	}
	if near == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %s %s?", m[1], near)
}

// meantNumber says what a flag's value should be that is no number of its kind, and which was
// probably meant: 1k, 1,024, 1e3 and 10.0 are whole numbers, 10/s is a rate.
func meantNumber(name, kind, text string) string {
	kinds := map[string]string{"int": "a whole number", "float": "a number"}
	number := strings.TrimRight(strings.ToLower(strings.ReplaceAll(text, ",", "")), " ")
	for _, unit := range []string{"requests/s", "req/s", "rps", "qps", "/s"} {
		number = strings.TrimRight(strings.TrimSuffix(number, unit), " ")
	}
	factor := 1.0
	if n := len(number); n > 0 && strings.ContainsRune("km", rune(number[n-1])) {
		factor = map[byte]float64{'k': 1e3, 'm': 1e6}[number[n-1]]
		number = number[:n-1]
	}
	x, err := strconv.ParseFloat(number, 64)
	x *= factor
	if err != nil || math.IsInf(x, 0) || x != x || kind == "int" && (x != math.Trunc(x) || math.Abs(x) > 1e15) {
		return fmt.Sprintf("%s takes %s; loadgen help %s says more", name, kinds[kind], name)
	}
	return fmt.Sprintf("%s takes %s; did you mean %s %s?", name, kinds[kind], name, strconv.FormatFloat(x, 'f', -1, 64))
}

// meantFlags says which flags unknown words were probably meant to be.
func meantFlags(words []string, own map[string]string) string {
	spelled := slices.Sorted(maps.Keys(own))
	names := []string{"--version"}
	for _, f := range flagTable() {
		names = append(names, f.Name)
	}
	var hints []string
	for _, word := range words {
		name, _, _ := strings.Cut(word, "=")
		if m := attached.Get().FindStringSubmatch(name); m != nil {
			name = m[1]
		}
		if dashes := strings.TrimLeft(name, "-–—"); len(dashes) < len(name) && len(dashes) > 1 {
			name = "--" + dashes // a dash too few, or one of an editor's
		}
		if len(name) < 2 || name[0] != '-' || name == "--" {
			continue
		}
		hint := flagNotes[name]
		if near := cmp.Or(own[suggest.Nearest(name, spelled)], meantFlag(name, names)); hint == "" && near != "" {
			hint = fmt.Sprintf("did you mean %s?", near)
		}
		if hint != "" {
			hints = append(hints, word[:len(word)-len(strings.TrimLeft(word, "-–—"))]+strings.TrimLeft(name, "-")+": "+hint)
		}
	}
	return strings.Join(hints, " ")
}

// attached is a short flag with its number behind it, -c64 or -z30s.
var attached = lazy.Regexp(`^(-[a-zA-Z])\d+[a-z]*$`)

// meantFlag is the flag that a word was probably meant to be, "" where none is near.
func meantFlag(word string, names []string) string {
	if ours := elsewhere[word]; isFlag(names, ours) {
		return ours
	}
	if !strings.HasPrefix(word, "--") {
		return ""
	}
	if ours := elsewhere[strings.ReplaceAll(word, "_", "-")]; isFlag(names, ours) {
		return ours
	}
	return suggest.Nearest(word, names)
}

// isFlag reports whether a text is a flag, with or without a value.
func isFlag(names []string, text string) bool {
	name, _, _ := strings.Cut(text, " ")
	return slices.Contains(names, name)
}
