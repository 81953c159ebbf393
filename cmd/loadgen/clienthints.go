package main

import (
	"errors"
	"fmt"
	"strings"

	"loadgen/internal/bench"
	"loadgen/internal/chattemplate"
	"loadgen/internal/lazy"
	"loadgen/internal/tokenizer"
	"loadgen/internal/wire"
	"loadgen/pkg/client"
)

// problemHints say what mends a client's problem, by its code.
var problemHints = map[string]string{
	"timestamps":  "; --timestamps auto or user needs none",
	"transport":   "; --transport auto takes the one that there is",
	"body_patch":  " (--body-patch)",
	"ca_cert":     " (--ca-cert)",
	"client_cert": " (--client-cert, --client-key)",
	"no_server":   "\nhint: check that it runs and that --host, --port or --base-url name it; --wait-ready SECONDS waits for one that is loading",
	"no_model":    "\nhint: --model NAME names the model, which this server does not list",
	"not_ready":   " (--wait-ready)",
}

// tlsHints say what mends a failure of TLS, by its code.
var tlsHints = map[wire.Code]string{
	wire.TLSUnknownAuthority:  "--ca-cert FILE trusts the certificates in FILE (SSL_CERT_FILE=FILE does, too), --insecure trusts any",
	wire.TLSBadCertificate:    "--ca-cert FILE trusts the certificates in FILE (SSL_CERT_FILE=FILE does, too), --insecure trusts any",
	wire.TLSExpired:           "check the dates of the server's certificate and this machine's clock; --insecure trusts any certificate",
	wire.TLSWrongHost:         "name the server in --base-url as its certificate does; --insecure trusts any certificate",
	wire.TLSPlainHTTP:         "the server speaks plain HTTP on this port: --base-url http://HOST:PORT",
	wire.TLSNone:              "the server does not speak TLS on this port: --base-url http://HOST:PORT",
	wire.HTTPToTLS:            "the server speaks TLS on this port: --base-url https://HOST:PORT",
	wire.TLSVersion:           "the server needs an older TLS than 1.2, which loadgen does not speak",
	wire.TLSClientCertificate: "--client-cert FILE and --client-key FILE show a certificate to the server",
}

// statusHints say what mends an answer, by its status.
var statusHints = map[int]string{
	401: keyHint,
	403: keyHint,
	407: "the proxy asks for a password: HTTP_PROXY=http://USER:PASSWORD@HOST:PORT, or NO_PROXY=HOST goes without it",
	429: "the server limits how many requests it takes: --max-concurrency N or --request-rate R sends fewer",
	502: "a proxy in front of the server does not reach it; --wait-ready SECONDS waits for a server that is loading",
	503: "the server is loading or overloaded: --wait-ready SECONDS waits until it is ready, --max-concurrency N or --request-rate R sends fewer requests",
	504: "a proxy in front of the server gave up waiting for it: --max-concurrency N or --request-rate R sends fewer requests",
}

const keyHint = "the key is the environment's OPENAI_API_KEY, that in --api-key-file FILE, or --header 'Authorization:Bearer KEY'"

// problemHint is the hint for a client's or a tokenizer's problem, "" for any other error.
func problemHint(err error) string {
	var problem *client.Problem
	if errors.Is(err, chattemplate.ErrNone) {
		return "\nhint: put the model's chat_template.jinja or tokenizer_config.json next to its tokenizer (--tokenizer DIR)"
	}
	if errors.Is(err, tokenizer.ErrNotFound) || errors.As(err, new(*tokenizer.KindError)) || errors.As(err, new(*tokenizer.UnsupportedError)) {
		return "; --tokenizer PATH names a directory with a tokenizer, --tokenizer llama3 the built-in Llama-3 vocabulary; where only token ids are sent (--random-ids --tokenize-on-client), --vocab-size N is enough"
	}
	if !errors.As(err, &problem) {
		return ""
	}
	if hint := tlsHint(err); hint != "" {
		return "\nhint: " + hint
	}
	if hint := statusHints[problem.Status]; hint != "" {
		return "\nhint: " + hint
	}
	if problem.Code == "no_model" && problem.Status == 404 {
		return "\nhint: check the path in --base-url; where the server has no list of models, --model NAME names one"
	}
	var failed *client.Error
	if errors.As(err, &failed) && closedWithoutWord(failed) {
		return "\nhint: a server that closes without a word may speak TLS (--base-url https://HOST:PORT) or ask for a certificate of its clients (--client-cert FILE, --client-key FILE); else its log says why"
	}
	return problemHints[problem.Code]
}

// tlsHint is the hint for a failure of TLS, "" for any other error.
func tlsHint(err error) string {
	var problem *wire.TLSError
	if errors.As(err, &problem) {
		return tlsHints[problem.Code]
	}
	return ""
}

// closedWithoutWord reports whether a connection ended with nothing that says why.
func closedWithoutWord(err *client.Error) bool {
	return err != nil && (err.Class == "closed" || err.Class == "reset")
}

// failureHint says what could mend a failed request, "" where nothing is known that could.
func failureHint(f *bench.Failure) string {
	hint := ""
	switch limit := promptLimit(f.Body + " " + f.Err.Message); {
	case limit != "" && f.Status != 404:
		hint = fmt.Sprintf("the server's limit is %s tokens, and this request has a prompt of %d and asks for %d: --random-input-len and --random-output-len make random ones shorter",
			limit, f.PromptLen, f.OutputLen)
	case f.Err.Class == "not_sse" && strings.Contains(f.Body, `"choices"`):
		hint = "the server does not stream, and answers in one piece: --non-streaming asks for that, and measures E2EL alone"
	case tlsHint(f.Err) != "":
		hint = tlsHint(f.Err)
	case f.Moved != "":
		hint = fmt.Sprintf("the server redirects %s to %s, and a redirect other than 307 and 308 makes a GET of the POST: --base-url names where it leads", f.URL, f.Moved)
	case f.Status == 400 && plainToTLS.Get().MatchString(f.Body):
		hint = tlsHints[wire.HTTPToTLS]
	case f.Status == 404 && noModel.Get().MatchString(f.Body):
		hint = "--model NAME or --served-model-name NAME names one that the server has; without either it is asked for its first"
	case f.Status == 404 && strings.HasSuffix(f.Base, "/") && doubled.Get().MatchString(f.URL):
		hint = fmt.Sprintf("the request went to %s, as with benchmark_serving: --base-url without its last slash", f.URL)
	case f.Status == 404 || f.Status == 405:
		hint = fmt.Sprintf("the server has no POST %s: --endpoint PATH names another path, --backend openai-chat asks for chat completions (openai for completions), --base-url another server", f.URL)
	case 400 <= f.Status && f.Status < 500 && noMessages.Get().MatchString(f.Body):
		hint = "the server expects chat messages here: --backend openai-chat sends them"
	case 400 <= f.Status && f.Status < 500 && invalidID.Get().MatchString(f.Body):
		hint = "the prompt has a token id that the model's vocabulary does not have: --tokenizer PATH names the model's own, --vocab-size N bounds random ids"
	case statusHints[f.Status] != "":
		hint = statusHints[f.Status]
	case 400 <= f.Status && f.Status < 500:
		hint = "a server other than trtllm-serve may reject a field of the body: --body-patch '{\"FIELD\": null}' leaves FIELD out"
	case closedWithoutWord(f.Err) && f.Status == 0 && strings.HasPrefix(f.Base, "https:"):
		hint = "a server that closes without a word may ask for a certificate of its clients: --client-cert FILE, --client-key FILE"
	case closedWithoutWord(f.Err) && f.Status == 0 && strings.HasPrefix(f.Base, "http:"):
		hint = "a server that closes without a word may speak TLS: --base-url https://HOST:PORT; else its log says why"
	case f.Status == 0:
		hint = fmt.Sprintf("the server was expected at %s: --host, --port or --base-url name another, --wait-ready SECONDS waits for one that is loading", f.Base)
	}
	if hint != "" {
		hint = "\nhint: " + hint
	}
	return hint
}

// What servers say.
var (
	plainToTLS = lazy.Regexp(`(?i)plain HTTP request was sent to HTTPS|HTTP request to an HTTPS server|requires TLS|speaking plain HTTP to an SSL`)
	noModel    = lazy.Regexp(`(?i)model\b.{0,200}(does not exist|not found|not exist|unknown)|(unknown|no such|invalid) model`)

	doubled    = lazy.Regexp(`^[a-z]+://[^/]*(/[^?]*)?//`)
	noMessages = lazy.Regexp(`(?i)\bmessages\b.{0,20}(is|are|field) (required|missing)|missing.{0,40}\bmessages\b|"loc":\s*\[\s*"body",\s*"messages"`)
	invalidID  = lazy.Regexp(`(?i)invalid token|(out of|not in|exceeds?|greater than) (the )?vocab`)

	// limits are how servers say how long a prompt, or a prompt and its answer, may be.
	limits = []lazy.Regexp{
		`(?i)"n_ctx"\s*:\s*(\d+)`,
		`(?i)max(?:imum|\.)?[ _](?:allowed )?(?:context|model|input|prompt|sequence|total)[ _]?(?:token )?(?:length|len|limit|size)\)?(?: (?:is|of))?[ :=(]*(\d+)`,
		`(?i)context[ _-](?:length|len|size|window|limit)(?: (?:is|of))?[ :=(]*(\d+)`,
		`(?i)max_(?:num_tokens|seq_len|seq_length|input_len|input_length|model_len|total_tokens)\W{0,12}(\d+)`,
		`(?i)(?:must have less than|must be <=|limit of|at most|up to)\s+(\d+)(?: (?:input |total )?tokens|\. Given)`,
	}
)

// promptLimit finds in a server's message how many tokens it takes, "" where it says nothing
// of the kind.
func promptLimit(text string) string {
	text = strings.ReplaceAll(text, "`", "")
	for _, limit := range limits {
		if m := limit.Get().FindStringSubmatch(text); m != nil {
			return m[1]
		}
	}
	return ""
}
