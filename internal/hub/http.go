package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpproxy"
)

// fileInfo is what the hub says of a file.
type fileInfo struct {
	commit, etag string
	size         int64 // -1 if it does not say
	url          string
}

// reachError means that there was no answer.
type reachError struct {
	host string
	err  error
}

func (e *reachError) Error() string { return "cannot reach " + e.host + ": " + e.err.Error() }
func (e *reachError) Unwrap() error { return e.err }

// answerError is an answer other than success.
type answerError struct {
	status int
	text   string
	reason error
}

func (e *answerError) Error() string { return e.text }
func (e *answerError) Unwrap() error { return e.reason }

// final reports whether another attempt would end in the same way.
func final(err error) bool {
	var local *localError
	var answer *answerError
	if errors.As(err, &answer) {
		return answer.status < 500 && answer.status != http.StatusTooManyRequests && answer.status != http.StatusRequestTimeout
	}
	return errors.As(err, &local)
}

// newHTTP makes the HTTP client. It follows no redirect to another host by
// itself while the hub's own headers are wanted, and takes proxies from env.
func newHTTP(env func(string) string) *http.Client {
	first := func(names ...string) string {
		for _, name := range names {
			if v := env(name); v != "" {
				return v
			}
		}
		return ""
	}
	settings := httpproxy.Config{
		HTTPProxy:  first("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"),
		HTTPSProxy: first("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"),
		NoProxy:    first("NO_PROXY", "no_proxy"),
	}
	proxy := settings.ProxyFunc()
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = func(r *http.Request) (*url.URL, error) { return proxy(r.URL) }
	return &http.Client{Transport: transport}
}

// request makes a request. The token goes to the hub's own host alone.
func (c *Client) request(ctx context.Context, method, target string) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, target, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("User-Agent", "loadgen")
	r.Header.Set("Accept-Encoding", "identity")
	if hub, err := url.Parse(c.Endpoint); err == nil && c.Token != "" && r.URL.Host == hub.Host && r.URL.Scheme == hub.Scheme {
		r.Header.Set("Authorization", "Bearer "+c.Token)
	}
	return r, nil
}

// do sends a request; redirects within a host are followed, and others too if
// away is set.
func (c *Client) do(r *http.Request, away bool) (*http.Response, error) {
	client := *c.http
	client.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		switch {
		case len(via) >= 10:
			return errors.New("more than 10 redirects")
		case next.URL.Host != via[0].URL.Host && !away:
			return http.ErrUseLastResponse
		case next.URL.Host != via[0].URL.Host || next.URL.Scheme != via[0].URL.Scheme:
			next.Header.Del("Authorization")
		}
		return nil
	}
	response, err := client.Do(r)
	if err != nil {
		if cause := context.Cause(r.Context()); cause != nil {
			return nil, cause
		}
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return nil, &reachError{r.URL.Host, err}
	}
	return response, nil
}

// address is the URL of a part of the hub.
func (c *Client) address(r Repo, api bool, rest ...string) string {
	parts := []string{c.Endpoint}
	if api {
		parts = append(parts, "api", string(r.Kind)+"s")
	} else if r.Kind == Dataset {
		parts = append(parts, "datasets")
	}
	parts = append(parts, r.ID)
	return strings.Join(append(parts, rest...), "/")
}

// list asks for the names of a repository's files.
func (c *Client) list(ctx context.Context, r Repo) ([]string, string, error) {
	request, err := c.request(ctx, http.MethodGet, c.address(r, true, "revision", url.PathEscape(r.revision())))
	if err != nil {
		return nil, "", err
	}
	response, err := c.do(request, true)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, "", c.refused(response, r, "")
	}
	var answer struct {
		SHA      string
		Siblings []struct {
			Name string `json:"rfilename"`
		}
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, 1<<28)).Decode(&answer); err != nil || !commitForm.Get().MatchString(answer.SHA) {
		return nil, "", fmt.Errorf("the hub's answer about %s is not what a hub sends (is %s one?): %w", r.ID, c.Endpoint, errors.Join(err, ErrDamaged))
	}
	var names []string
	for _, s := range answer.Siblings {
		if filepath.IsLocal(filepath.FromSlash(s.Name)) {
			names = append(names, s.Name)
		}
	}
	return names, answer.SHA, nil
}

// stat asks for a file's commit, hash and size.
func (c *Client) stat(ctx context.Context, r Repo, file string) (info fileInfo, err error) {
	segments := strings.Split(file, "/")
	for i, s := range segments {
		segments[i] = url.PathEscape(s)
	}
	info.url = c.address(r, false, "resolve", url.PathEscape(r.revision()), strings.Join(segments, "/"))
	request, err := c.request(ctx, http.MethodHead, info.url)
	if err != nil {
		return info, err
	}
	response, err := c.do(request, false)
	if err != nil {
		return info, err
	}
	response.Body.Close()
	if s := response.StatusCode; s != http.StatusOK && (s < 300 || s > 399) {
		return info, c.refused(response, r, file)
	}
	h := response.Header
	info.commit = h.Get("X-Repo-Commit")
	info.size = response.ContentLength
	if response.StatusCode != http.StatusOK {
		info.size = -1
	}
	info.etag = h.Get("ETag")
	if linked := h.Get("X-Linked-ETag"); linked != "" {
		info.etag = linked
	}
	if n, err := strconv.ParseInt(h.Get("X-Linked-Size"), 10, 64); err == nil {
		info.size = n
	}
	info.etag = strings.Trim(strings.TrimPrefix(info.etag, "W/"), `"`)
	if !commitForm.Get().MatchString(info.commit) || !etagForm.Get().MatchString(info.etag) {
		return info, fmt.Errorf("the hub's answer about %s lacks the file's commit or hash (is %s a hub, or a proxy between that drops headers?): %w", path.Join(r.ID, file), c.Endpoint, ErrDamaged)
	}
	return info, nil
}

// get asks for a file's bytes from an offset on.
func (c *Client) get(ctx context.Context, target string, from int64) (*http.Response, error) {
	r, err := c.request(ctx, http.MethodGet, target)
	if err != nil {
		return nil, err
	}
	if from > 0 {
		r.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
	}
	return c.do(r, true)
}

// refused explains an answer other than success.
func (c *Client) refused(response *http.Response, r Repo, file string) error {
	what, page := path.Join(r.ID, file), c.address(r, false)
	explain := func(reason error, format string, args ...any) error {
		return statusError(response, &answerError{response.StatusCode, fmt.Sprintf(format, args...), reason})
	}
	switch code := response.Header.Get("X-Error-Code"); {
	case code == "GatedRepo" && c.Token == "":
		return explain(ErrGated, "%s is gated: accept its terms at %s, make a token at %s/settings/tokens and set HF_TOKEN to it", r.ID, page, c.Endpoint)
	case code == "GatedRepo":
		return explain(ErrGated, "%s is gated, and the token in use has no access: accept its terms at %s with the token's account, or wait for the owner to grant access", r.ID, page)
	case code == "EntryNotFound":
		return explain(ErrNotFound, "there is no file %s in %s at revision %s", file, r.ID, r.revision())
	case code == "RevisionNotFound":
		return explain(ErrNotFound, "there is no revision %s of %s", r.revision(), r.ID)
	case response.StatusCode == http.StatusUnauthorized && c.Token != "":
		return explain(ErrNotFound, "there is no %s %s on the hub, or the token in use is not valid for it (HF_TOKEN)", r.Kind, r.ID)
	case code == "RepoNotFound", response.StatusCode == http.StatusUnauthorized, response.StatusCode == http.StatusNotFound:
		return explain(ErrNotFound, "there is no %s %s on the hub, or it is private and needs a token (HF_TOKEN)", r.Kind, what)
	case response.StatusCode == http.StatusForbidden:
		return explain(ErrGated, "the hub refuses access to %s: the token in use (HF_TOKEN) may not read it", what)
	}
	return statusError(response, nil)
}

// statusError is an answer other than success, explained or not.
func statusError(response *http.Response, explained *answerError) error {
	if explained != nil {
		return explained
	}
	text := fmt.Sprintf("%s answered %s", response.Request.URL.Host, response.Status)
	if said := response.Header.Get("X-Error-Message"); said != "" {
		text += ": " + said
	}
	return &answerError{status: response.StatusCode, text: text}
}
