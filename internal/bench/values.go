package bench

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strconv"
	"strings"

	"loadgen/internal/lazy"
	"loadgen/internal/load"
	"loadgen/internal/pyjson"
	"loadgen/internal/recording"
	"loadgen/pkg/client"
	"loadgen/pkg/dataset"
)

// Check returns what is wrong with the settings as far as that shows without a server and
// without reading a file: a *recording.SettingError, a *dataset.Error or a *client.Problem. The run itself
// checks them again, where the original does.
func Check(s *recording.Settings) error {
	for _, check := range []func(*recording.Settings) error{checkSeed, checkServer, checkStamps, checkNames, checkPatch, checkNumPrompts, checkTraffic, checkBounds, checkRangeRatio, checkDataset, checkDatasetOptions, checkBeforeTest, checkLoad, checkCancel, checkServers, checkProbes, checkReactors} {
		if err := check(s); err != nil {
			return tell(s, err)
		}
	}
	return nil
}

// tell adds to the original's message what the value must be.
func tell(s *recording.Settings, err error) error {
	bad, ok := err.(*recording.SettingError)
	if !ok || bad.Want != "" {
		return err
	}
	told := *bad
	switch bad.Setting {
	case "seed":
		told.Want, told.Got = "a whole number from 0 to 4294967295", strconv.Itoa(s.Seed)
	case "metric_percentiles":
		told.Want, told.Got = "numbers from 0 to 100 with commas between", strconv.Quote(s.MetricPercentiles)
	case "": // of the objectives
		told.Setting, told.Want = "goodput", "pairs KEY:MS, KEY one of ttft, tpot and e2el, MS milliseconds or a time such as 5s"
		told.Got = strconv.Quote(strings.Join(*s.Goodput, " "))
	case "dataset_name":
		told.Want, told.Got = "one of text where completions are asked for", s.DatasetName
	case "max_concurrency":
		told.Want, told.Got = "at least 1, or 0 for no limit", strconv.Itoa(*s.MaxConcurrency)
	}
	return &told
}

// redactEach masks the secrets of URLs in a text that may not be a list of them.
func redactEach(text string) string {
	parts := strings.Split(text, ",")
	for i := range parts {
		parts[i] = client.Redact(parts[i])
	}
	return strings.Join(parts, ",")
}

// endpointOf is where in a URL the path of requests begins, which users of other tools give with
// it; -1 where it has none.
func endpointOf(url string) int {
	path, _, _ := strings.Cut(url, "?")
	path = strings.TrimSuffix(path, "/")
	for _, endpoint := range []string{"/chat/completions", "/completions"} {
		if at, found := strings.CutSuffix(path, endpoint); found {
			return len(at)
		}
	}
	return -1
}

var slip = lazy.Regexp(`^(https?)(?::/?|//)([^/:].*)$`)

var portOf = lazy.Regexp(`^[a-z]+://[^/]*:(\d+)(?:/|$)`)

// probableURL says what is wrong with a server's URL, or which was probably meant; "" where that
// does not show.
func probableURL(url string) string {
	if m := slip.Get().FindStringSubmatch(url); m != nil && client.CheckURL(m[1]+"://"+m[2]) == nil {
		return "probably " + client.Redact(m[1]+"://"+m[2])
	}
	if with := "http://" + url; !strings.Contains(url, "//") && client.CheckURL(with) == nil {
		return "with its scheme: " + client.Redact(with)
	}
	if m := portOf.Get().FindStringSubmatch(url); m != nil {
		if n, err := strconv.Atoi(m[1]); err != nil || n < 1 || n > 65535 {
			return "a port is a number from 1 to 65535"
		}
	}
	return ""
}

// checkNames checks that what is named has a name: an empty one is a variable that was not set.
func checkNames(s *recording.Settings) error {
	for _, x := range []struct {
		setting string
		name    *string
	}{{"model", s.Model}, {"tokenizer", s.Tokenizer}} {
		if x.name != nil && *x.name == "" {
			return &recording.SettingError{Setting: x.setting, Want: "a name, or be left out", Got: `""`}
		}
	}
	return nil
}

// checkServer checks where the server is said to be.
func checkServer(s *recording.Settings) error {
	switch {
	case s.Sim != nil:
	case s.BaseURL != nil:
		for _, url := range client.SplitURLs(*s.BaseURL) {
			if at := endpointOf(url); at >= 0 {
				return &recording.SettingError{Setting: "base_url", Want: "the server's URL without the path of requests", Got: strconv.Quote(redactEach(url)), Text: "that is " + client.Redact(url[:at])}
			}
			if client.CheckURL(url) == nil {
				continue
			}
			return &recording.SettingError{Setting: "base_url", Want: "http://HOST:PORT, https://HOST or unix:PATH", Got: strconv.Quote(redactEach(url)), Text: probableURL(url)}
		}
	case s.Port < 1 || s.Port > 65535:
		return &recording.SettingError{Setting: "port", Want: "a number from 1 to 65535", Got: strconv.Itoa(s.Port)}
	case s.Host == "" || strings.ContainsAny(s.Host, " \t/") || client.CheckURL("http://"+hostPort(s.Host, s.Port)) != nil:
		return &recording.SettingError{Setting: "host", Want: "a host's name or address", Got: strconv.Quote(client.Redact(s.Host))}
	}
	if path, _, _ := strings.Cut(s.Endpoint, "?"); !s.Chat() && !strings.HasSuffix(path, "completions") && !strings.HasSuffix(path, "profile") {
		return &recording.SettingError{Setting: "endpoint", Want: "a path that ends in completions", Got: strconv.Quote(client.Redact(s.Endpoint)), Text: "OpenAI Completions API URL must end with 'completions' or 'profile'."}
	}
	return nil
}

// stampsOf are the stamps that are asked for.
func stampsOf(s *recording.Settings) client.Stamps {
	return map[string]client.Stamps{"kernel": client.KernelStamps, "user": client.UserStamps, "packet": client.PacketStamps}[s.Timestamps]
}

// checkStamps checks that the stamps that are asked for can be had of such a server.
func checkStamps(s *recording.Settings) error {
	if s.Sim != nil || s.BaseURL == nil {
		return nil
	}
	for _, url := range client.SplitURLs(*s.BaseURL) {
		if err := client.CheckStamps(url, stampsOf(s)); err != nil {
			return err
		}
	}
	return nil
}

func checkPatch(s *recording.Settings) error { return client.CheckPatch(recording.Text(s.BodyPatch)) }

// checkNumPrompts checks that there is something to send, a test request at least.
func checkNumPrompts(s *recording.Settings) error {
	if n := s.NumPrompts; n < 0 || n == 0 && !s.NoTestInput && !s.DryRun && !s.Timed() {
		e := &recording.SettingError{Setting: "num_prompts", Want: "at least 1", Got: strconv.Itoa(n)}
		if n < 0 {
			e.Text = fmt.Sprintf("Trying to create tensor with negative dimension %d: [%d]", n, n)
		}
		return e
	}
	return nil
}

// checkDatasetOptions checks the data set's name, numbers and file.
func checkDatasetOptions(s *recording.Settings) error {
	if s.RandomIDStep > 1 && (s.DatasetName != "random" || !s.RandomIDs) {
		return wrong("random_id_step", "only prompts of random ids have one: give random ids, or leave it out")
	}
	return ofDataset(dataset.Check(checkedOptions(s)))
}

// CheckDataset reads the data set's file, where there is one, and returns what is wrong with
// it, as far as that shows without a tokenizer.
func CheckDataset(ctx context.Context, s *recording.Settings) error {
	return ofDataset(dataset.Inspect(ctx, checkedOptions(s)))
}

// checkedOptions are the data set's before it is known how many requests are due.
func checkedOptions(s *recording.Settings) dataset.Options {
	o := optionsOf(s)
	o.NumPrompts = s.NumPrompts
	if s.Timed() && s.NumPrompts == 0 {
		o.NumPrompts = 1
	}
	return o
}

// ofDataset is a data set's error, which names the setting where the file cannot be opened.
func ofDataset(err error) error {
	var bad *dataset.Error
	var file *fs.PathError
	if errors.As(err, &bad) && bad.Kind == dataset.Unreadable && errors.As(err, &file) {
		return &recording.SettingError{Setting: "dataset_path", Want: "a file that can be read", Got: strconv.Quote(file.Path), Text: file.Err.Error()}
	}
	return err
}

// checkReactors checks how many reactors are asked for.
func checkReactors(s *recording.Settings) error {
	_, err := s.ReactorCount()
	return err
}

// checkLoad checks the load over time.
func checkLoad(s *recording.Settings) error {
	_, err := shapeOf(s)
	return err
}

// checkTraffic checks concurrency and rate.
func checkTraffic(s *recording.Settings) error {
	err := checkAfterTest(s)
	if err == nil && s.RequestRate == s.RequestRate {
		return nil
	}
	if _, told := err.(*recording.SettingError); told {
		return err
	}
	e := &recording.SettingError{Setting: "request_rate", Want: "above 0, or inf", Got: pyjson.FormatFloat(s.RequestRate)}
	if err != nil {
		e.Text = err.Error()
	}
	if b := s.Burstiness; !(b > 0) || load.CheckRate(math.Inf(1), b) != nil {
		e.Setting, e.Want, e.Got = "burstiness", "above 0", pyjson.FormatFloat(b)
	}
	return e
}
