package connector

import (
	"context"
	"crypto/tls"
	"io"
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/gatehouse/gatehouse/internal/secret"
)

const (
	totalTimeout = 10 * time.Second // all calls of one sign-in
	callTimeout  = 5 * time.Second  // one call, from dialling to the last byte
	dialTimeout  = 3 * time.Second
	maxAnswer    = 1 << 20
	maxTokens    = 64 << 10 // what the token endpoint answers
	maxHeader    = 64 << 10
)

// newHTTPClient returns a client that goes only where it was told to: no
// redirects, no proxy from the environment. Calls are rare, so each has its own
// connection and never meets one that the other side has dropped.
func newHTTPClient(dialer *net.Dialer) *http.Client {
	return &http.Client{
		Timeout:       callTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    dialTimeout,
			MaxResponseHeaderBytes: maxHeader,
			DisableKeepAlives:      true,
			DisableCompression:     true, // what is small on the wire can be endless unpacked
		},
	}
}

// answer is what the provider said: 2xx, or 4xx with a meaning that depends on
// the address.
type answer struct {
	step   string
	status int
	header http.Header
	body   []byte
}

// send returns the answer, read to its end, or an error that is safe to log.
func (c *Client) send(step string, request *http.Request, limit int64) (answer, error) {
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "gatehouse") // GitHub demands one
	response, err := c.http.Do(request)
	if err != nil {
		return answer{}, connectionProblem(step, err)
	}
	defer func() { _ = response.Body.Close() }()

	if err := statusProblem(step, response.StatusCode, response.Header); err != nil {
		return answer{}, err
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	switch {
	case err != nil:
		return answer{}, connectionProblem(step, err)
	case int64(len(body)) > limit:
		return answer{}, fail(ErrUnavailable, step, "the answer is too large")
	}
	return answer{step: step, status: response.StatusCode, header: response.Header, body: body}, nil
}

// get returns the document at the address, which the provider must have.
func (c *Client) get(ctx context.Context, step, address string, bearer secret.Text) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return answer{}, fail(ErrMisconfigured, step, "the address cannot be used")
	}
	if !bearer.Empty() {
		request.Header.Set("Authorization", "Bearer "+bearer.Reveal())
	}
	a, err := c.send(step, request, maxAnswer)
	if err == nil && a.status != http.StatusOK {
		err = fail(ErrMisconfigured, step, "HTTP "+strconv.Itoa(a.status))
	}
	return a, err
}

// decode reads the answer's JSON. Unlike encoding/json it takes no member twice
// and none in other letters, so there is one way to read what was signed or said.
func (a answer) decode(into any) error {
	if json.Unmarshal(a.body, into) != nil {
		return fail(ErrUnavailable, a.step, "the answer is not the JSON that it should be")
	}
	return nil
}

// isJSON reports whether the answer says that it is JSON. What tells about people
// must; keys and discovery need not, because many are served as plain files.
func (a answer) isJSON() error {
	kind, _, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	switch {
	case err == nil && (kind == "application/json" || strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json")):
		return nil
	case err == nil && kind == "application/jwt":
		return fail(ErrMisconfigured, a.step, "the answer is signed or encrypted, which is not understood; let the provider send plain JSON")
	}
	return fail(ErrUnavailable, a.step, "the answer is not JSON")
}
