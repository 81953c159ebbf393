package hub

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"loadgen/internal/fetch"
)

// The statuses that mean something here.
const (
	statusOK                  = 200
	statusPartialContent      = 206
	statusUnauthorized        = 401
	statusForbidden           = 403
	statusNotFound            = 404
	statusRequestTimeout      = 408
	statusRangeNotSatisfiable = 416
	statusTooManyRequests     = 429
)

// mostListed bounds the list of a repository's files, in bytes.
const mostListed = 1 << 28

// fileInfo is what the hub says of a file.
type fileInfo struct {
	commit, etag string
	size         int64 // -1 if it does not say
	url          string
}

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
		return answer.status < 500 && answer.status != statusTooManyRequests && answer.status != statusRequestTimeout
	}
	return errors.As(err, &local)
}

// ask sends a request to the hub, with the token if there is one.
func (c *Client) ask(ctx context.Context, r fetch.Request) (*fetch.Answer, error) {
	if c.Token != "" {
		r.Authorization = "Bearer " + c.Token
	}
	return c.http.Do(ctx, r)
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
	var text bytes.Buffer
	_, err := c.ask(ctx, fetch.Request{URL: c.address(r, true, "revision", url.PathEscape(r.revision())), Most: mostListed, Body: func(a *fetch.Answer) (io.Writer, error) {
		if a.Status != statusOK {
			return nil, c.refused(a, r, "")
		}
		return &text, nil
	}})
	if err != nil {
		return nil, "", err
	}
	var answer struct {
		SHA      string
		Siblings []struct {
			Name string `json:"rfilename"`
		}
	}
	if err := json.NewDecoder(&text).Decode(&answer); err != nil || !commitForm.Get().MatchString(answer.SHA) {
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
	a, err := c.ask(ctx, fetch.Request{Method: "HEAD", URL: info.url, Near: true})
	if err != nil {
		return info, err
	}
	if a.Status != statusOK && a.Status/100 != 3 {
		return info, c.refused(a, r, file)
	}
	info.commit = a.Header("X-Repo-Commit")
	info.size = -1
	if a.Status == statusOK {
		info.size = a.Length()
	}
	info.etag = a.Header("ETag")
	if linked := a.Header("X-Linked-ETag"); linked != "" {
		info.etag = linked
	}
	if n, err := strconv.ParseInt(a.Header("X-Linked-Size"), 10, 64); err == nil && n >= 0 {
		info.size = n
	}
	info.etag = strings.Trim(strings.TrimPrefix(info.etag, "W/"), `"`)
	if !commitForm.Get().MatchString(info.commit) || !etagForm.Get().MatchString(info.etag) {
		return info, fmt.Errorf("the hub's answer about %s lacks the file's commit or hash (is %s a hub, or a proxy between that drops headers?): %w", path.Join(r.ID, file), c.Endpoint, ErrDamaged)
	}
	return info, nil
}

// refused explains an answer other than success.
func (c *Client) refused(a *fetch.Answer, r Repo, file string) error {
	what, page := path.Join(r.ID, file), c.address(r, false)
	explain := func(reason error, format string, args ...any) error {
		return statusError(a, &answerError{a.Status, fmt.Sprintf(format, args...), reason})
	}
	switch code := a.Header("X-Error-Code"); {
	case code == "GatedRepo" && c.Token == "":
		return explain(ErrGated, "%s is gated: accept its terms at %s, make a token at %s/settings/tokens and set HF_TOKEN to it", r.ID, page, c.Endpoint)
	case code == "GatedRepo":
		return explain(ErrGated, "%s is gated, and the token in use has no access: accept its terms at %s with the token's account, or wait for the owner to grant access", r.ID, page)
	case code == "EntryNotFound":
		return explain(ErrNotFound, "there is no file %s in %s at revision %s", file, r.ID, r.revision())
	case code == "RevisionNotFound":
		return explain(ErrNotFound, "there is no revision %s of %s", r.revision(), r.ID)
	case a.Status == statusUnauthorized && c.Token != "":
		return explain(ErrNotFound, "there is no %s %s on the hub, or the token in use is not valid for it (HF_TOKEN)", r.Kind, r.ID)
	case code == "RepoNotFound", a.Status == statusUnauthorized, a.Status == statusNotFound:
		return explain(ErrNotFound, "there is no %s %s on the hub, or it is private and needs a token (HF_TOKEN)", r.Kind, what)
	case a.Status == statusForbidden:
		return explain(ErrGated, "the hub refuses access to %s: the token in use (HF_TOKEN) may not read it", what)
	}
	return statusError(a, nil)
}

// statusError is an answer other than success, explained or not.
func statusError(a *fetch.Answer, explained *answerError) error {
	if explained != nil {
		return explained
	}
	text := fmt.Sprintf("%s answered %v", a.Host, a)
	if said := a.Header("X-Error-Message"); said != "" {
		text += ": " + said
	}
	return &answerError{status: a.Status, text: text}
}
