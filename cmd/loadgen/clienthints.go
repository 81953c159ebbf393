package main

import (
	"errors"

	"loadgen/internal/tokenizer"
	"loadgen/pkg/client"
)

// problemHints say what mends a client's problem, by its code.
var problemHints = map[string]string{
	"timestamps":  "; --timestamps auto or user needs none",
	"transport":   "; --transport auto takes the one that there is",
	"body_patch":  " (--body-patch)",
	"ca_cert":     " (--ca-cert)",
	"client_cert": " (--client-cert, --client-key)",
	"no_server":   ": check that it runs and that --host, --port or --base-url name it; --wait-ready SECONDS waits for one that is loading",
	"no_model":    ": name it with --model",
	"not_ready":   " (--wait-ready)",
}

// problemHint is the hint for a client's problem, "" for any other error.
func problemHint(err error) string {
	var problem *client.Problem
	if errors.As(err, &problem) {
		return problemHints[problem.Code]
	}
	if errors.Is(err, tokenizer.ErrNotFound) || errors.As(err, new(*tokenizer.KindError)) || errors.As(err, new(*tokenizer.UnsupportedError)) {
		return "; --tokenizer PATH names a directory with a tokenizer, --tokenizer llama3 the built-in Llama-3 vocabulary"
	}
	return ""
}
