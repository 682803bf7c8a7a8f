// Package breach asks a service how often a password was seen in stolen data,
// without telling it the password: only the first five hexadecimal digits of
// its SHA-1 leave the house (k-anonymity), and the service answers with the rest
// of every digest that begins so. The protocol is that of Pwned Passwords, and
// anybody can serve it from a list of their own.
//
// It promises that it never takes long (two seconds, whatever the other side
// does), reads no more than maxAnswer, follows no redirect, and that no error
// tells a password, a digest, or what was asked and answered.
//
// An error means that nobody knows. It is up to the caller to go on then (to
// fail open), and to log and count it: who cannot choose a password because a
// foreign service is away is worse off than who chose a stolen one.
package breach

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // the algorithm of the protocol, not our choice
	"crypto/subtle"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
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
	callTimeout  = 2 * time.Second // from dialling to the last byte
	maxAnswer    = 1 << 20         // the largest ranges have some 100 KB
	maxHeader    = 16 << 10
	prefixDigits = 5
	suffixDigits = 2*sha1.Size - prefixDigits
)

// Client asks one service. It is safe for concurrent use; a nil one asks
// nobody, and knows of no password.
type Client struct {
	base string
	http *http.Client
}

// New returns a client for the service whose ranges are at <base>/range/<digits>,
// such as https://api.pwnedpasswords.com.
func New(base string) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" ||
		u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("the URL of the breach service must look like https://host, without user, query or fragment")
	}
	return &Client{
		base: u.Scheme + "://" + u.Host + strings.TrimRight(u.EscapedPath(), "/"),
		http: &http.Client{
			Timeout:       callTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			// Calls are rare, so each has its own connection and never meets one that
			// the other side has dropped. There is no proxy from the environment.
			Transport: &http.Transport{
				DialContext:            (&net.Dialer{Timeout: callTimeout}).DialContext,
				TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
				MaxResponseHeaderBytes: maxHeader,
				DisableKeepAlives:      true,
				DisableCompression:     true, // what is small on the wire can be endless unpacked
			},
		},
	}, nil
}

// Count returns how often the password was seen, 0 if never. It is asked for
// as it was typed, because so it was stolen.
func (c *Client) Count(ctx context.Context, pw secret.Text) (int, error) {
	if c == nil {
		return 0, nil
	}
	sum := sha1.Sum([]byte(pw.Reveal())) //nolint:gosec // as above
	digest := strings.ToUpper(hex.EncodeToString(sum[:]))
	answer, err := c.fetch(ctx, digest[:prefixDigits])
	if err != nil {
		return 0, fmt.Errorf("breach service: %w", err)
	}
	return find(answer, digest[prefixDigits:])
}

// fetch returns the range that begins with the prefix.
func (c *Client) fetch(ctx context.Context, prefix string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/range/"+prefix, nil)
	if err != nil {
		return nil, errors.New("its URL cannot be used")
	}
	request.Header.Set("User-Agent", "gatehouse")
	request.Header.Set("Add-Padding", "true") // or the size of the answer tells the range
	response, err := c.http.Do(request)
	if err != nil {
		return nil, connectionProblem(err)
	}
	defer func() { _ = response.Body.Close() }()

	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("HTTP %d", response.StatusCode)
	}
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, connectionProblem(err)
	case len(answer) > maxAnswer:
		return nil, errors.New("the answer is too large")
	}
	return answer, nil
}

var errMalformed = errors.New("breach service: the answer is not a list of SUFFIX:COUNT")

// find reads lines SUFFIX:COUNT to the end, whether or not the suffix was found:
// half an answer is none. Lines of padding count 0.
func find(answer []byte, suffix string) (int, error) {
	count, lines := 0, bufio.NewScanner(bytes.NewReader(answer))
	for lines.Scan() {
		line, text, ok := strings.Cut(lines.Text(), ":")
		seen, err := strconv.ParseUint(text, 10, 31)
		if !ok || len(line) != suffixDigits || err != nil || !isHex(line) {
			return 0, errMalformed
		}
		if subtle.ConstantTimeCompare([]byte(strings.ToUpper(line)), []byte(suffix)) == 1 {
			count = max(count, int(seen))
		}
	}
	if lines.Err() != nil { // a line that is far too long
		return 0, errMalformed
	}
	return count, nil
}

func isHex(s string) bool {
	_, err := hex.DecodeString(s + "0") // a suffix has an odd number of digits
	return err == nil
}

// connectionProblem reduces what net/http says about a failed exchange to what
// cannot hold any of it: it quotes URLs and malformed answers.
func connectionProblem(err error) error {
	var (
		timeout net.Error
		network *net.OpError
		trust   *tls.CertificateVerificationError
	)
	switch {
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.As(err, &timeout) && timeout.Timeout():
		return errors.New("no answer in time")
	case errors.As(err, &network):
		return network
	case errors.As(err, &trust):
		return trust
	}
	return errors.New("the connection broke off, or the other side does not speak HTTP")
}
