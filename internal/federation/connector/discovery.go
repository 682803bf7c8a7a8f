package connector

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/gatehouse/gatehouse/internal/secret"
)

// metadata is what discovery says about a provider (OpenID Connect Discovery 1.0
// §3, RFC 9207 §3, RP-Initiated Logout 1.0 §2.1), as far as it matters here.
type metadata struct {
	Issuer      string   `json:"issuer"`
	Authorize   string   `json:"authorization_endpoint"`
	Token       string   `json:"token_endpoint"`
	Userinfo    string   `json:"userinfo_endpoint"`
	Keys        string   `json:"jwks_uri"`
	EndSession  string   `json:"end_session_endpoint"`
	Algorithms  []string `json:"id_token_signing_alg_values_supported"`
	ClientAuths []string `json:"token_endpoint_auth_methods_supported"`
	SaysIssuer  bool     `json:"authorization_response_iss_parameter_supported"`
}

const stepDiscovery = "discovery"

// about returns what is known about the provider's addresses. That of plain OAuth
// 2.0 is in the settings.
func (c *Client) about(ctx context.Context) (metadata, error) {
	if c.settings.Kind == OpenID {
		return c.discovery.get(ctx)
	}
	return metadata{
		Issuer: c.issuer, Authorize: c.settings.AuthorizeURL,
		Token: c.settings.TokenURL, Userinfo: c.settings.UserinfoURL,
	}, nil
}

// discover asks for the metadata. It is not go-oidc's, which remembers nothing,
// takes addresses of any scheme, and repeats the other side's words in its errors.
func (c *Client) discover(ctx context.Context) (metadata, error) {
	address := strings.TrimSuffix(c.issuer, "/") + "/.well-known/openid-configuration"
	a, err := c.get(ctx, stepDiscovery, address, secret.Text{})
	if err != nil {
		return metadata{}, err
	}
	var m metadata
	if err := a.decode(&m); err != nil {
		return metadata{}, err
	}
	if m.Issuer != c.issuer { // OpenID Connect Discovery 1.0 §4.3: exactly
		return metadata{}, fail(ErrUntrusted, stepDiscovery, "the provider calls itself by another issuer than the one that is set")
	}
	for _, endpoint := range []struct {
		name, address string
		optional      bool
	}{
		{"authorization_endpoint", m.Authorize, false}, {"token_endpoint", m.Token, false}, {"jwks_uri", m.Keys, false},
		{"userinfo_endpoint", m.Userinfo, true}, {"end_session_endpoint", m.EndSession, true},
	} {
		if !c.goodEndpoint(endpoint.address) && !(endpoint.optional && endpoint.address == "") {
			return metadata{}, fail(ErrUntrusted, stepDiscovery, "the "+endpoint.name+" is missing, or no address to go to")
		}
	}
	m.Algorithms = c.algorithms(m.Algorithms)
	if len(m.Algorithms) == 0 {
		return metadata{}, fail(ErrMisconfigured, stepDiscovery, "the provider signs ID tokens with none of "+strings.Join(ours, ", "))
	}
	return m, nil
}

// goodEndpoint reports whether an address from discovery may be used: one that
// may be set, and never http where the issuer itself is https.
func (c *Client) goodEndpoint(address string) bool {
	u, ok := c.settings.parse(address)
	return ok && (u.Scheme == "https" || strings.HasPrefix(c.issuer, "http://"))
}

// algorithms is what an ID token may be signed with: what the operator pinned, or
// what the provider offers of ours. One that offers nothing has RS256, which every
// provider must have.
func (c *Client) algorithms(offered []string) []string {
	if len(c.settings.Algorithms) > 0 {
		return c.settings.Algorithms
	}
	if len(offered) == 0 {
		return []string{"RS256"}
	}
	return slices.DeleteFunc(slices.Clone(ours), func(one string) bool { return !slices.Contains(offered, one) })
}

// checkIssuer compares the iss parameter of an answer (RFC 9207 §2.4), so that a
// code of one provider is never sent to another. It is refused when wrong,
// and when missing although the provider sends one.
func (c *Client) checkIssuer(m metadata, issuer string) error {
	const step = "iss parameter"
	switch {
	case issuer == "" && !m.SaysIssuer, issuer == c.issuer:
		return nil
	case issuer == "":
		return fail(ErrUntrusted, step, "missing, although the provider sends one")
	case c.settings.Kind == OAuth2 && originOf(issuer) == c.issuer:
		return nil // there is no discovery that would tell the rest of it
	}
	return fail(ErrUntrusted, step, "it names another issuer")
}

// EndSession returns where to send a browser so that the user is signed out at the
// provider, too (RP-Initiated Logout 1.0 §2). There is no such place for plain OAuth
// 2.0, for providers without one, and for those that were never asked since the
// start: signing out here waits for nobody. The last two may be empty.
func (c *Client) EndSession(idToken secret.Text, postLogout, state string) (string, bool) {
	m, known := c.discovery.peek()
	if !known || m.EndSession == "" {
		return "", false
	}
	parameters := newQuery()
	parameters.addIf("id_token_hint", idToken.Reveal())
	parameters.addIf("post_logout_redirect_uri", postLogout)
	parameters.add("client_id", c.settings.ClientID)
	if postLogout != "" {
		parameters.addIf("state", state)
	}
	return parameters.after(m.EndSession), true
}

// query writes parameters in the order in which they are added; url.Values sorts.
type query struct{ text *strings.Builder }

func newQuery() query { return query{&strings.Builder{}} }

func (q query) add(name, value string) {
	if q.text.Len() > 0 {
		q.text.WriteByte('&')
	}
	q.text.WriteString(name + "=" + url.QueryEscape(value))
}

func (q query) addIf(name, value string) {
	if value != "" {
		q.add(name, value)
	}
}

// after returns the address with the parameters behind those it has (RFC 6749 §3.1).
func (q query) after(address string) string {
	switch {
	case !strings.Contains(address, "?"):
		return address + "?" + q.text.String()
	case strings.HasSuffix(address, "?"), strings.HasSuffix(address, "&"):
		return address + q.text.String()
	}
	return address + "&" + q.text.String()
}
