package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"loadgen/internal/recording"
	"loadgen/internal/tokenizer"
)

// checkOwn checks the flags that the original does not have: usage errors.
func (c *config) checkOwn() error {
	for name, seconds := range map[string]float64{"--duration": c.Duration, "--ramp-up": c.RampUp, "--stagger": c.Stagger} {
		if c.given(name) && seconds == 0 {
			return fmt.Errorf("argument %s: must be above 0, not 0", name)
		}
	}
	if c.SelfTest && c.Stages != nil {
		return errors.New("argument --selftest: not allowed with argument --stages: a self-test has one load")
	}
	if c.Timed() && c.given("--num-prompts") && c.NumPrompts < 1 {
		return fmt.Errorf("argument --num-prompts: %d is not a number of requests, 1 or more: leave it out to send as many as there is time for", c.NumPrompts)
	}
	if _, err := c.FailureLimit(); err != nil {
		return fmt.Errorf("argument --max-failures: %w", err)
	}
	if c.Header != nil {
		for _, h := range *c.Header {
			name, value, ok := strings.Cut(h, ":")
			if !ok || name == "" || strings.ContainsAny(name, " \t\r\n") || strings.ContainsAny(value, "\r\n") {
				return errors.New("argument --header: a header is not NAME:VALUE (its text is not shown, it may hold a secret)")
			}
		}
	}
	if name := recording.Text(c.saveRequests); name != "" {
		if _, err := requestsFormat(name); err != nil {
			return fmt.Errorf("argument --save-requests: %w", err)
		}
	}
	if err := cmp.Or(c.checkWatching(), c.checkTokenizer()); err != nil {
		return err
	}
	if c.Sim != nil {
		if err := checkProfile(*c.Sim); err != nil {
			return fmt.Errorf("argument --sim: %w", err)
		}
		for _, other := range []string{"--base-url", "--host", "--port"} {
			if c.given(other) {
				return fmt.Errorf("argument --sim: not allowed with argument %s", other)
			}
		}
	}
	return nil
}

// checkWatching checks how the run is to be watched.
func (c *config) checkWatching() error {
	if c.live && c.DisableTqdm {
		return errors.New("argument --live: not allowed with argument --disable-tqdm, which shows no progress")
	}
	if c.metricsAddr == nil {
		return nil
	}
	address, err := listenAddress(*c.metricsAddr)
	if err != nil {
		return fmt.Errorf("argument --metrics-addr: %w", err)
	}
	c.metricsAddr = &address
	return nil
}

// checkTokenizer checks what the flags ask of the tokenizer.
func (c *config) checkTokenizer() error {
	if c.UseChatTemplate && c.Chat() {
		return errors.New("argument --use-chat-template: not allowed with --backend openai-chat, whose server applies its template itself")
	}
	return nil
}

// checkCustomTokenizer checks what argparse takes, and the original fails at when it loads
// the tokenizer.
func (c *config) checkCustomTokenizer() error {
	alias := recording.Text(c.CustomTokenizer)
	if alias == "" {
		if c.TokenizerMode == "custom" {
			return fmt.Errorf("argument --tokenizer-mode: custom needs --custom-tokenizer, one of %s", strings.Join(tokenizer.Aliases(), ", "))
		}
		return nil
	}
	_, err := tokenizer.Alias(alias)
	var unknown *tokenizer.AliasError
	if errors.As(err, &unknown) && unknown.Python {
		return fmt.Errorf("argument --custom-tokenizer: %w. Give --tokenizer the directory with the model's tokenizer.json, tekken.json, tokenizer.model or tiktoken.model instead", err)
	} else if err != nil {
		return fmt.Errorf("argument --custom-tokenizer: %w", err)
	}
	return nil
}
