//go:build interop && unix

package idp_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/gatehouse/gatehouse/internal/test/idp"
	"golang.org/x/oauth2"
)

const (
	callback  = "http://localhost:1/callback"
	signedOut = "http://localhost:1/signed-out"
)

var mosaic = idp.Client{ID: "mosaic", Secret: "a-secret", RedirectURIs: []string{callback}, PostLogoutRedirectURIs: []string{signedOut}}

func TestDiscovery(t *testing.T) {
	p := idp.Start(t, idp.Options{Clients: []idp.Client{mosaic}})
	provider, err := oidc.NewProvider(t.Context(), p.Issuer) // which compares the issuer
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		PKCE       []string `json:"code_challenge_methods_supported"`
		Responses  []string `json:"response_types_supported"`
		Algs       []string `json:"id_token_signing_alg_values_supported"`
		Iss        bool     `json:"authorization_response_iss_parameter_supported"`
		UserInfo   string   `json:"userinfo_endpoint"`
		EndSession string   `json:"end_session_endpoint"`
	}
	if err := provider.Claims(&got); err != nil {
		t.Fatal(err)
	}
	want := got
	want.PKCE, want.Responses, want.Algs, want.Iss = []string{"S256"}, []string{"code"}, []string{"RS256", "ES256"}, true
	if !reflect.DeepEqual(got, want) || got.UserInfo == "" || got.EndSession == "" {
		t.Errorf("discovery says %+v", got)
	}
}

func TestWhatIsSaidOfEachAccount(t *testing.T) {
	more := map[string]map[string]any{"grace": {"email": "grace@example.org", "email_verified": "true", "name": "Grace", "tenant": 7.0}}
	p := idp.Start(t, idp.Options{Clients: []idp.Client{mosaic}, Accounts: more})
	none := []any{}
	tests := []struct {
		account string
		want    map[string]any
	}{
		{"ada", map[string]any{"email": "ada@example.org", "email_verified": true, "name": "Ada Lovelace", "given_name": "Ada",
			"preferred_username": "ada", "nickname": "ada", "groups": none}},
		{"authentik", map[string]any{"email": "authentik@example.org", "email_verified": false, "name": "Anna Authentik",
			"given_name": "Anna", "preferred_username": "authentik", "nickname": "authentik", "groups": none}},
		{"jarvis", map[string]any{"name": "Jarvis", "preferred_username": "jarvis", "nickname": "jarvis", "groups": none}},
		{"empty", map[string]any{"email": "", "email_verified": false, "name": "Emma Empty",
			"preferred_username": "empty", "nickname": "empty", "groups": none}},
		{"odd", map[string]any{"email": "odd@@example..org", "email_verified": true, "name": "Odd Address",
			"preferred_username": "odd", "nickname": "odd", "groups": none}},
		{"noname", map[string]any{"email": "noname@example.org", "email_verified": true, "groups": none}},
		{"grace", more["grace"]},
	}
	for _, test := range tests {
		t.Run(test.account, func(t *testing.T) {
			idToken, userInfo := newParty(t, p, mosaic).signIn(test.account)
			for name, got := range map[string]map[string]any{"ID token": idToken, "userinfo": userInfo} {
				if got["sub"] != p.Subject(test.account) {
					t.Errorf("%s: sub = %v, want %s", name, got["sub"], p.Subject(test.account))
				}
				if said := withoutProtocol(got); !reflect.DeepEqual(said, test.want) {
					t.Errorf("%s says %v, want %v", name, said, test.want)
				}
			}
		})
	}
}

func TestSecretInTheBody(t *testing.T) {
	p := idp.Start(t, idp.Options{Clients: []idp.Client{mosaic}})
	party := newParty(t, p, mosaic)
	party.config.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	party.signIn("ada")
}

func TestUserInfoOnly(t *testing.T) {
	p := idp.Start(t, idp.Options{Clients: []idp.Client{mosaic}, UserInfoOnly: true})
	idToken, userInfo := newParty(t, p, mosaic).signIn("ada")
	if len(withoutProtocol(idToken)) > 0 || userInfo["email"] != "ada@example.org" {
		t.Errorf("ID token %v, userinfo %v", idToken, userInfo)
	}
}

func TestClientsAndAccountsAddedLater(t *testing.T) {
	p := idp.Start(t, idp.Options{Clients: []idp.Client{mosaic}})
	public := idp.Client{ID: "public", RedirectURIs: []string{callback}, IDTokenAlg: "ES256"}
	p.AddClient(public)
	p.SetAccount("new", map[string]any{"email": "first@example.org", "colour": "red"})
	party := newParty(t, p, public)
	if idToken, _ := party.signIn("new"); idToken["email"] != "first@example.org" || idToken["colour"] != "red" {
		t.Errorf("ID token %v", idToken)
	}
	p.SetAccount("new", map[string]any{"email": "second@example.org"})
	if _, userInfo := party.signIn("new"); userInfo["email"] != "second@example.org" || userInfo["colour"] != nil {
		t.Errorf("userinfo %v", userInfo)
	}
}

func TestRefusals(t *testing.T) {
	p := idp.Start(t, idp.Options{Clients: []idp.Client{mosaic}})
	party := newParty(t, p, mosaic)
	withPKCE := party.authorizationURL()
	withoutPKCE := party.config.AuthCodeURL("a-state", oauth2.SetAuthURLParam("nonce", "n"))
	tests := []struct {
		name, at, account string
		allow             bool
		want              string
	}{
		{"denied", withPKCE, "ada", false, "access_denied"},
		{"error", withPKCE, "error", true, "server_error"},
		{"without PKCE", withoutPKCE, "ada", true, "invalid_request"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := query(t, p.SignIn(test.at, test.account, test.allow))
			if got.Get("error") != test.want || got.Get("state") != "a-state" || got.Get("iss") != p.Issuer || got.Has("code") {
				t.Errorf("the callback gets %v, want the error %s", got, test.want)
			}
		})
	}
}

func TestVisitorIsRememberedUntilSignedOut(t *testing.T) {
	p := idp.Start(t, idp.Options{Clients: []idp.Client{mosaic}})
	party, visitor := newParty(t, p, mosaic), p.Visitor()
	first := visitor.SignIn(party.authorizationURL(), "ada", true)
	idToken, _ := party.finish(first)
	pages := p.Requests(idp.Interaction)
	if again, _ := party.finish(visitor.SignIn(party.authorizationURL(), "authentik", true)); again["sub"] != idToken["sub"] {
		t.Errorf("signed in as %v, want ada again", again)
	}
	if got := p.Requests(idp.Interaction); got != pages {
		t.Errorf("the second sign-in showed %d pages", got-pages)
	}

	end := party.endSession + "?" + url.Values{"id_token_hint": {party.rawIDToken}, "post_logout_redirect_uri": {signedOut}, "state": {"s"}}.Encode()
	if got := visitor.SignOut(end); got != signedOut+"?state=s" {
		t.Errorf("signing out leads to %q", got)
	}
	if got := visitor.SignOut(party.endSession); got != "" {
		t.Errorf("signing out once more, without a destination, leads to %q", got)
	}
	if next, _ := party.finish(visitor.SignIn(party.authorizationURL(), "authentik", true)); next["sub"] != p.Subject("authentik") {
		t.Errorf("signed in as %v, want authentik", next)
	}
}

// party is a relying party that knows how it should be done.
type party struct {
	t          *testing.T
	idp        *idp.Provider
	ctx        context.Context
	provider   *oidc.Provider
	config     oauth2.Config
	verifier   string
	endSession string
	rawIDToken string // the last
}

func newParty(t *testing.T, p *idp.Provider, client idp.Client) *party {
	t.Helper()
	ctx := oidc.ClientContext(t.Context(), &http.Client{Timeout: 5 * time.Second})
	provider, err := oidc.NewProvider(ctx, p.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	var more struct {
		EndSession string `json:"end_session_endpoint"`
	}
	if err := provider.Claims(&more); err != nil {
		t.Fatal(err)
	}
	endpoint := provider.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInHeader // or it tries both, and the count is not ours
	if client.Secret == "" {
		endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return &party{t: t, idp: p, ctx: ctx, provider: provider, verifier: oauth2.GenerateVerifier(), endSession: more.EndSession, config: oauth2.Config{
		ClientID: client.ID, ClientSecret: client.Secret, Endpoint: endpoint,
		RedirectURL: client.RedirectURIs[0], Scopes: []string{"openid", "email", "profile"},
	}}
}

func (r *party) authorizationURL() string {
	return r.config.AuthCodeURL("a-state", oidc.Nonce("a-nonce"), oauth2.S256ChallengeOption(r.verifier))
}

// signIn walks the whole way as somebody new.
func (r *party) signIn(account string) (idToken, userInfo map[string]any) {
	r.t.Helper()
	return r.finish(r.idp.SignIn(r.authorizationURL(), account, true))
}

// finish redeems the code of a callback and returns what the provider says.
func (r *party) finish(callbackURL string) (idToken, userInfo map[string]any) {
	r.t.Helper()
	answer := query(r.t, callbackURL)
	if answer.Get("state") != "a-state" || answer.Get("iss") != r.idp.Issuer || answer.Get("code") == "" {
		r.t.Fatalf("the callback gets %v", answer)
	}
	tokens, err := r.config.Exchange(r.ctx, answer.Get("code"), oauth2.VerifierOption(r.verifier))
	if err != nil {
		r.t.Fatal(err)
	}
	r.rawIDToken, _ = tokens.Extra("id_token").(string)
	verified, err := r.verify(r.rawIDToken)
	if err != nil {
		r.t.Fatal(err)
	}
	said, err := r.provider.UserInfo(r.ctx, oauth2.StaticTokenSource(tokens))
	if err != nil {
		r.t.Fatal(err)
	}
	if err := errors.Join(verified.Claims(&idToken), said.Claims(&userInfo)); err != nil {
		r.t.Fatal(err)
	}
	if verified.Nonce != "a-nonce" {
		r.t.Errorf("nonce = %q", verified.Nonce)
	}
	return idToken, userInfo
}

func (r *party) verify(rawIDToken string) (*oidc.IDToken, error) {
	return r.provider.VerifierContext(r.ctx, &oidc.Config{ClientID: r.config.ClientID}).Verify(r.ctx, rawIDToken)
}

// withoutProtocol leaves the claims that are about a person.
func withoutProtocol(claims map[string]any) map[string]any {
	claims = maps.Clone(claims)
	for _, name := range []string{"sub", "iss", "aud", "exp", "iat", "nonce", "at_hash", "sid", "auth_time"} {
		delete(claims, name)
	}
	return claims
}

func query(t *testing.T, address string) url.Values {
	t.Helper()
	parsed, err := url.Parse(address)
	if err != nil || parsed.Path != "/callback" {
		t.Fatalf("the provider leads to %q", address)
	}
	return parsed.Query()
}
