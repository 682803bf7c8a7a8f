// Package farewell tells other services of a platform that an account goes, so
// that they remove what they keep of it. They check the account's own access
// token, which is why they are told before it is gone.
package farewell

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
)

// Peers are the services that are told.
type Peers struct {
	urls   []string
	client *http.Client
}

const (
	timeout    = 5 * time.Second // for each, as in the original
	answerSize = 4 << 10
)

// New returns the peers at these addresses; an empty one is nobody.
func New(urls ...string) *Peers {
	p := &Peers{client: &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the token is for nobody else
	}}
	for _, url := range urls {
		if url != "" {
			p.urls = append(p.urls, strings.TrimSuffix(url, "/"))
		}
	}
	return p
}

// Any reports whether anybody is told.
func (p *Peers) Any() bool { return len(p.urls) > 0 }

// RemoveData asks every peer to remove what it keeps of the owner of an access
// token. One that cannot be reached is left out: an account must not be
// unremovable because some other service is off. One that answers anything but
// success or 404 stops it with gate.ErrFarewell.
func (p *Peers) RemoveData(ctx context.Context, bearer secret.Text) error {
	for _, url := range p.urls {
		request, err := http.NewRequestWithContext(ctx, http.MethodDelete, url+"/api/v0/me/data", nil)
		if err != nil {
			return gate.ErrFarewell.Because(err)
		}
		request.Header.Set("Authorization", "Bearer "+bearer.Reveal())
		response, err := p.client.Do(request)
		if err != nil {
			continue
		}
		_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, answerSize))
		_ = response.Body.Close()
		if status := response.StatusCode; status != http.StatusNotFound && status/100 != 2 {
			return gate.ErrFarewell.Because(fmt.Errorf("%s answered %d", request.URL.Host, status))
		}
	}
	return ctx.Err()
}
