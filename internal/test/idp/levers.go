//go:build unix

package idp

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// Endpoint is a part of the provider that can fail, or be counted, by itself.
type Endpoint string

const (
	Discovery     Endpoint = "discovery"
	JWKS          Endpoint = "jwks"
	Authorization Endpoint = "authorization"
	Interaction   Endpoint = "interaction" // its login and consent pages
	Token         Endpoint = "token"
	UserInfo      Endpoint = "userinfo"
	EndSession    Endpoint = "end_session"
	Revocation    Endpoint = "revocation"
	Introspection Endpoint = "introspection"

	everything Endpoint = "all"
)

// AddClient makes one more client known, whose redirect URIs need not be known
// when the provider starts.
func (p *Provider) AddClient(client Client) {
	p.t.Helper()
	p.control("client", client, nil)
	p.options.Clients = append(p.options.Clients, client)
}

// SetAccount adds an account, or changes what is said of one from now on.
func (p *Provider) SetAccount(login string, claims map[string]any) {
	p.t.Helper()
	p.control("account", map[string]any{"login": login, "claims": claims}, nil)
	p.options.Accounts[login] = claims
}

// RotateKeys makes the provider sign with new keys. It goes on publishing the
// old ones, as one that changes its keys with care, or withdraws them.
func (p *Provider) RotateKeys(keepOld bool) {
	p.t.Helper()
	p.control("keys", map[string]any{"keep": keepOld}, nil)
}

// Away makes those endpoints, or all, answer 503 until Back.
func (p *Provider) Away(endpoints ...Endpoint) {
	p.t.Helper()
	p.trouble("away", endpoints)
}

// Hang makes those endpoints, or all, take requests and say nothing until Back,
// when they answer late.
func (p *Provider) Hang(endpoints ...Endpoint) {
	p.t.Helper()
	p.trouble("hang", endpoints)
}

// Back ends what Away and Hang began.
func (p *Provider) Back() {
	p.t.Helper()
	p.control("back", struct{}{}, nil)
}

// Requests is how often an endpoint was asked since the provider started, also
// while it was away.
func (p *Provider) Requests(endpoint Endpoint) int {
	p.t.Helper()
	var count map[Endpoint]int
	p.control("requests", struct{}{}, &count)
	return count[endpoint]
}

func (p *Provider) trouble(kind string, endpoints []Endpoint) {
	p.t.Helper()
	if len(endpoints) == 0 {
		endpoints = []Endpoint{everything}
	}
	p.control("trouble", map[string]any{"kind": kind, "endpoints": endpoints}, nil)
}

// control pulls a lever, which works whatever trouble the provider has.
func (p *Provider) control(lever string, body, into any) {
	p.t.Helper()
	client := &http.Client{Timeout: 10 * time.Second}
	response, err := client.Post(p.Issuer+"/control/"+lever, "application/json", strings.NewReader(p.json(body)))
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		p.t.Fatalf("the OpenID provider's lever %s: HTTP %d: %s", lever, response.StatusCode, bodyOf(response))
	}
	if into != nil {
		if err := json.NewDecoder(response.Body).Decode(into); err != nil {
			p.t.Fatal(err)
		}
	}
}
