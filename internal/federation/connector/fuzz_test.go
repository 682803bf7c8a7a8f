package connector

import (
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/gate"
)

// FuzzProfile: whatever a provider signs and answers, a profile holds nothing that
// is unfit to store, and no address counts as verified that its own document does
// not call so.
func FuzzProfile(f *testing.F) {
	f.Add([]byte(`{"sub":"1","email":"a@example.org","email_verified":true,"name":"A"}`), []byte(`{"sub":"1"}`))
	f.Add([]byte(`{"sub":"1","email":null,"picture":"https://e/x"}`), []byte(`{"sub":"1","email":"b@example.org","email_verified":"true"}`))
	f.Add([]byte(`{"sub":1,"email":"a@b@c","locale":7,"aud":["x"],"exp":1e300}`), []byte(`{"id":12,"login":"x","avatar_url":"javascript:1"}`))
	f.Fuzz(func(t *testing.T, token, userinfo []byte) {
		first, ok := readDocument(token)
		if !ok {
			return
		}
		second, _ := readDocument(userinfo)
		subject, known := subjectOf(first)
		if known && (subject == "" || !fit(subject, maxSubject)) {
			t.Errorf("the subject is %q", subject)
		}
		_, _ = first.audience()
		_, _ = first.moment("exp")

		var p Profile
		p.complete(first, false)
		early := p.Email
		p.complete(second, first.has("email"))
		if p.EmailVerified && p.Email == "" {
			t.Error("no address, and yet verified")
		}
		source := second
		if first.has("email") {
			source = first
		}
		if p.EmailVerified && string(source["email_verified"]) != "true" || early != "" && p.Email != early {
			t.Errorf("%q after %q, verified %v", p.Email, early, p.EmailVerified)
		}
		if _, good := gate.ParseEmail(p.Email); p.Email != "" && !good {
			t.Errorf("the address is %q", p.Email)
		}
		for text, limit := range map[string]int{p.Name: maxName, p.Username: maxUser, p.Locale: maxLocale, p.Picture: maxURL} {
			if text != "" && !fit(text, limit) {
				t.Errorf("%q is unfit", text)
			}
		}
		if p.Picture != "" && !strings.HasPrefix(strings.ToLower(p.Picture), "https:") {
			t.Errorf("the picture is %q", p.Picture)
		}
	})
}

func fit(text string, limit int) bool { return len(text) <= limit && gate.CleanText(text) }
