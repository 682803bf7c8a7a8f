package connector

import (
	"context"
	"regexp"

	"github.com/gatehouse/gatehouse/internal/secret"
)

const (
	stepUser   = "user"
	stepEmails = "e-mail addresses"
)

// numberForm is an id that is the same text however a program reads numbers.
var numberForm = regexp.MustCompile(`^[1-9][0-9]{0,18}$`)

// askPlain makes a profile of what the provider's API tells the owner of the access
// token. There is no ID token: what holds is that the code, bound to this sign-in by
// PKCE, was traded at the provider itself.
//
// The subject is the numeric id, because names are given to others.
func (c *Client) askPlain(ctx context.Context, tokens Tokens) (Profile, error) {
	tokens.ID = secret.Text{}
	d, body, err := c.ask(ctx, stepUser, c.settings.UserinfoURL, tokens.Access)
	if err != nil {
		return Profile{}, err
	}
	subject := string(d["id"])
	if !numberForm.MatchString(subject) {
		return Profile{}, fail(ErrUntrusted, stepUser, "it names nobody (id)")
	}
	p := Profile{
		Issuer: c.issuer, Subject: subject,
		Name: d.tidy("name", maxName), Username: d.tidy("login", maxUser), Picture: pictureOf(d, "avatar_url"),
		Claims: boundedClaims(body), Tokens: tokens,
	}
	if c.settings.EmailsURL == "" {
		p.Email, p.EmailVerified = addressOf(d, "email", "email_verified")
		return p, nil
	}
	p.Email, p.EmailVerified, err = c.primaryAddress(ctx, tokens.Access)
	if err != nil {
		return Profile{}, err
	}
	return p, nil
}

// primaryAddress returns the primary address and whether the provider has verified
// it. Of several that claim to be primary, none is.
func (c *Client) primaryAddress(ctx context.Context, bearer secret.Text) (address string, verified bool, err error) {
	a, err := c.get(ctx, stepEmails, c.settings.EmailsURL, bearer)
	if err != nil {
		return "", false, err
	}
	if err := a.isJSON(); err != nil {
		return "", false, err
	}
	var list []document
	if err := a.decode(&list); err != nil {
		return "", false, err
	}
	var primary []document
	for _, entry := range list {
		if entry.isTrue("primary") {
			primary = append(primary, entry)
		}
	}
	if len(primary) != 1 {
		return "", false, nil
	}
	address, verified = addressOf(primary[0], "email", "verified")
	return address, verified, nil
}
