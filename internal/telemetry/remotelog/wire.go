package remotelog

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	requestTimeout = 2 * time.Second // from dialling to the last byte of the answer
	maxReason      = 200
	maxService     = 64

	batchPath = "/api/v0/logs/batch"
	idHeader  = "X-Jarvis-App-Id"
	keyHeader = "X-Jarvis-App-Key"
)

// check says what can never work.
func (c Config) check() error {
	if c.URL == "" && c.ConfigURL == "" {
		return errors.New("remote logs need the URL of jarvis-logs or of the config service")
	}
	for _, address := range []string{c.URL, c.ConfigURL} {
		if _, err := parseBase(address); address != "" && err != nil {
			return err
		}
	}
	if len(c.AppID) == 0 || len(c.AppID) > maxService || !headerSafe(c.AppID) {
		return fmt.Errorf("remote logs need an app id of 1 to %d visible ASCII characters", maxService)
	}
	if c.AppKey == "" || !headerSafe(c.AppKey) {
		return errors.New("remote logs need an app key of visible ASCII characters")
	}
	if c.Clock == nil {
		return errors.New("remote logs need a clock")
	}
	return nil
}

// headerSafe reports whether a text can be a header as it is. Otherwise every
// single request would fail.
func headerSafe(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

// parseBase returns the address without a trailing slash. User and password are
// refused because messages would show them.
func parseBase(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" ||
		u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("the address must look like http://host:port, without user, query or fragment")
	}
	return u.Scheme + "://" + u.Host + strings.TrimRight(u.EscapedPath(), "/"), nil
}

// newClient returns a client that goes only where it was told to: no redirects,
// no proxy from the environment. Batches are few, so each has its own connection
// and never meets one that the server has just dropped for idleness.
func newClient(config Config) *http.Client {
	dial := config.dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: requestTimeout}).DialContext
	}
	return &http.Client{
		Timeout:       requestTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:            dial,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    requestTimeout,
			MaxResponseHeaderBytes: 16 << 10,
			DisableKeepAlives:      true,
		},
	}
}

// batch is the body for some lines; for none, it asks whether we are welcome.
func batch(lines [][]byte) []byte {
	var body bytes.Buffer
	body.WriteString(`{"logs":[`)
	body.Write(bytes.Join(lines, []byte(",")))
	body.WriteString(`]}`)
	return body.Bytes()
}

// outcome is what became of a request.
type outcome struct {
	status int   // 0 when there was no answer
	err    error // why not
}

func (o outcome) accepted() bool { return o.status/100 == 2 }

// refused reports whether this batch will never be taken. 401, 408 and 429 speak
// of now and not of the batch.
func (o outcome) refused() bool {
	switch o.status {
	case http.StatusUnauthorized, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return false
	}
	return o.status/100 == 4
}

// String says it for the console, without the body of the answer. What the
// network says is short, and quotes what it quotes.
func (o outcome) String() string {
	switch {
	case o.status == http.StatusUnauthorized:
		return "it answers 401: the app id and key are not accepted"
	case o.status != 0:
		return fmt.Sprintf("it answers %d", o.status)
	}
	err := o.err
	if netError, ok := errors.AsType[net.Error](err); ok && netError.Timeout() {
		return fmt.Sprintf("no answer within %v", requestTimeout)
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if text := err.Error(); len(text) <= maxReason {
		return text
	}
	return "no proper answer"
}

// post sends one batch. Of the answer only the status is of interest.
func (s *sender) post(body []byte) outcome {
	ctx, cancel := context.WithTimeout(s.life, requestTimeout)
	defer cancel()
	base, err := s.base(ctx)
	if err != nil {
		return outcome{err: err}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, base+batchPath, bytes.NewReader(body))
	if err != nil {
		return outcome{err: err}
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "gatehouse")
	request.Header.Set(idHeader, s.config.AppID)
	request.Header.Set(keyHeader, s.config.AppKey)
	response, err := s.client.Do(request)
	if err != nil {
		return outcome{err: err}
	}
	_ = response.Body.Close()
	return outcome{status: response.StatusCode}
}
