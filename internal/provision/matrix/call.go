package matrix

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse/gatehouse/internal/secret"
)

const (
	callTimeout   = 5 * time.Second // one call, from dialling to the last byte
	dialTimeout   = 3 * time.Second
	maxAnswer     = 64 << 10
	maxRetryAfter = time.Hour // whoever asks for more is asked again after that
)

// parseBase checks the operator's URL and returns it without a trailing slash.
// User and password are refused because errors would show them.
func parseBase(adminURL string) (string, error) {
	u, err := url.Parse(adminURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" ||
		u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("the Matrix URL must look like http://host:port, without user, query or fragment")
	}
	return u.Scheme + "://" + u.Host + strings.TrimRight(u.EscapedPath(), "/"), nil
}

// newHTTPClient returns a client that goes only where it was told to: no
// redirects, no proxy from the environment. Calls are rare, so each has its own
// connection and never meets one that a restarted Synapse has dropped.
func newHTTPClient() *http.Client {
	return &http.Client{
		Timeout: callTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
		Transport: &http.Transport{
			DialContext:            (&net.Dialer{Timeout: dialTimeout}).DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    dialTimeout,
			MaxResponseHeaderBytes: maxAnswer,
			DisableKeepAlives:      true,
		},
	}
}

// request is one call of the API.
type request struct {
	step   string // how errors name it
	method string
	path   string
	body   any         // sent as JSON unless nil
	bearer secret.Text // the access token, unless empty
}

// call sends the request and decodes a 200 into answer. Anything else is an
// error that is safe to log.
func (c *Client) call(ctx context.Context, r request, answer any) error {
	req, err := c.build(ctx, r)
	if err != nil {
		return err
	}
	response, err := c.http.Do(req)
	if err != nil {
		return connectionProblem(r.step, err)
	}
	defer func() { _ = response.Body.Close() }()

	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return connectionProblem(r.step, err)
	}
	failed := &answerError{step: r.step, status: response.StatusCode}
	switch {
	case len(body) > maxAnswer:
		failed.problem = "the answer is too large"
	case response.StatusCode != http.StatusOK:
		failed.problem = problemOf(r.step, response.StatusCode)
		failed.read(response.Header, body)
	case json.Unmarshal(body, answer) != nil:
		failed.problem = "the answer is not the JSON of Synapse's API"
	default:
		return nil
	}
	return failed
}

func (c *Client) build(ctx context.Context, r request) (*http.Request, error) {
	var body io.Reader
	if r.body != nil {
		encoded, err := json.Marshal(r.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, c.base+r.path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "gatehouse")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if !r.bearer.Empty() {
		req.Header.Set("Authorization", "Bearer "+r.bearer.Reveal())
	}
	return req, nil
}

// read takes from a Matrix error what decisions hang on. A body that is no
// Matrix error, such as a proxy's page, leaves everything empty.
func (e *answerError) read(header http.Header, body []byte) {
	var standard struct {
		Code       string  `json:"errcode"`
		Message    string  `json:"error"`
		RetryAfter float64 `json:"retry_after_ms"`
	}
	if json.Unmarshal(body, &standard) == nil {
		e.code, e.message = standard.Code, standard.Message
	}
	// The header replaced the field in Matrix 1.10; servers may send either.
	wait := standard.RetryAfter
	if seconds, err := strconv.Atoi(header.Get("Retry-After")); err == nil {
		wait = float64(seconds) * 1000
	}
	wait = min(max(wait, 0), float64(maxRetryAfter.Milliseconds()))
	e.retryAfter = time.Duration(wait) * time.Millisecond
}
