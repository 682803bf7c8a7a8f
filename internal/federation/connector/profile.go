package connector

import (
	"net/url"
	"strings"

	"github.com/gatehouse/gatehouse/internal/gate"
)

// Profile is what a provider says about whoever signed in. Issuer and Subject
// together are who it is, and never change; anything else may be empty and may be
// another's tomorrow. Every text is bounded and clean.
type Profile struct {
	Issuer  string
	Subject string

	Email         string // passed gate.ParseEmail
	EmailVerified bool   // said so, of this address, in the document that the address is from
	Name          string
	Username      string
	Picture       string // an https URL
	Locale        string

	Claims []byte // the JSON object that was signed or, with plain OAuth 2.0, answered
	Tokens Tokens
}

const (
	maxSubject = 255 // OpenID Connect Core 1.0 §2
	maxUser    = 255
	maxLocale  = 35 // RFC 5646 §4.4.1
	maxClaims  = 64 << 10
)

// complete fills in what the profile lacks from a document of the standard claims
// (OpenID Connect Core 1.0 §5.1). An address and whether it was verified are taken
// together or not at all: a document that has an address decides about it, even
// when the address is unfit to use.
func (p *Profile) complete(d document, addressIsKnown bool) {
	if !addressIsKnown {
		p.Email, p.EmailVerified = addressOf(d, "email", "email_verified")
	}
	fill(&p.Name, d.tidy("name", maxName))
	fill(&p.Username, d.tidy("preferred_username", maxUser))
	fill(&p.Picture, pictureOf(d, "picture"))
	fill(&p.Locale, d.tidy("locale", maxLocale))
}

func fill(field *string, value string) {
	if *field == "" {
		*field = value
	}
}

// subjectOf returns who a document is about.
func subjectOf(d document) (string, bool) {
	subject := d.tidy("sub", maxSubject)
	return subject, subject != ""
}

// addressOf returns an address and whether the same document says that it was
// verified. An address that mail systems read differently is none at all.
func addressOf(d document, name, verified string) (string, bool) {
	text, ok := d.text(name)
	address, fine := gate.ParseEmail(text)
	if !ok || !fine || strings.TrimSpace(text) != text {
		return "", false
	}
	return address.Address, d.isTrue(verified)
}

// pictureOf returns an address that a browser may be told to show.
func pictureOf(d document, name string) string {
	text := d.tidy(name, maxURL)
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return ""
	}
	return text
}

// boundedClaims drops what is too large to keep.
func boundedClaims(body []byte) []byte {
	if len(body) > maxClaims {
		return nil
	}
	return body
}
