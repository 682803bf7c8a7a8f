package gatehouse

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// asker sends requests to the auth service and to the issuer.
type asker struct {
	client *http.Client
	clock  func() time.Time
}

// answer is all of an answer that counts.
type answer struct {
	status     int
	retryAfter time.Duration // 0 if it does not say
	body       []byte
}

const maxResponseHeader = 64 << 10

func newAsker(transport http.RoundTripper, timeout time.Duration, clock func() time.Time) asker {
	if transport == nil {
		own := &http.Transport{}
		if standard, ok := http.DefaultTransport.(*http.Transport); ok {
			own = standard.Clone()
		}
		own.MaxIdleConnsPerHost = own.MaxIdleConns // there is one host
		own.MaxResponseHeaderBytes = maxResponseHeader
		transport = own
	}
	return asker{clock: clock, client: &http.Client{
		Transport: transport,
		Timeout:   timeout,
		// A credential goes only where it was configured to go.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// ask sends a request and reads the whole answer. Redirects are answers like any
// other. An answer that is late, or has more than so many bytes, is none.
func (a asker) ask(r *http.Request, maxBytes int64) (answer, error) {
	r.Header.Set("Accept", "application/json")
	response, err := a.client.Do(r)
	if err != nil {
		return answer{}, withoutWords(err)
	}
	defer func() { _ = response.Body.Close() }()
	out := answer{status: response.StatusCode, retryAfter: a.readRetryAfter(response.Header.Get("Retry-After"))}
	out.body, err = io.ReadAll(io.LimitReader(response.Body, maxBytes+1))
	switch {
	case err != nil:
		return answer{}, withoutWords(err)
	case int64(len(out.body)) > maxBytes:
		return answer{}, fmt.Errorf("an answer of more than %d bytes", maxBytes)
	}
	return out, nil
}

// get asks for an address and shows credentials, if there are any.
func (a asker) get(ctx context.Context, url string, c credentials, maxBytes int64) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return answer{}, err
	}
	c.present(r.Header)
	return a.ask(r, maxBytes)
}

// withoutWords keeps of an error what cannot quote what was sent or received.
func withoutWords(err error) error {
	if refused, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return refused
	}
	if failed, ok := errors.AsType[*net.OpError](err); ok {
		return failed
	}
	if errors.Is(err, context.Canceled) {
		return context.Canceled
	}
	if late, ok := errors.AsType[net.Error](err); ok && late.Timeout() {
		return fmt.Errorf("no answer in time: %w", context.DeadlineExceeded)
	}
	return errors.New("an answer that cannot be read")
}

// readRetryAfter reads seconds or a date (RFC 9110 §10.2.3).
func (a asker) readRetryAfter(text string) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(text); err == nil {
		return max(0, date.Sub(a.clock()))
	}
	return 0
}
