package softauthn

import (
	"encoding/json"
	"errors"
	"testing"
)

const (
	page     = "https://login.example.com"
	creation = `{"rp":{"id":"example.com"},"user":{"id":"b3duZXI"},"challenge":"Y2hhbGxlbmdl","pubKeyCredParams":[{"type":"public-key","alg":-7}]}`
	request  = `{"rpId":"example.com","challenge":"Y2hhbGxlbmdl"}`
)

func TestABrowserKeepsRPIDsToTheirDomains(t *testing.T) {
	a := New()
	for _, origin := range []string{"https://example.org", "https://notexample.com", "https://com", "null", ""} {
		if _, err := a.Create([]byte(creation), origin); !errors.Is(err, ErrSecurity) {
			t.Errorf("a page of %q makes a passkey for example.com: %v", origin, err)
		}
		if _, err := a.Get([]byte(request), origin); !errors.Is(err, ErrSecurity) {
			t.Errorf("a page of %q uses a passkey of example.com: %v", origin, err)
		}
	}
}

func TestAnExcludedPasskeyIsNotMadeTwice(t *testing.T) {
	a := New()
	if _, err := a.Get([]byte(request), page); !errors.Is(err, ErrNotAllowed) {
		t.Fatalf("signs without a passkey: %v", err)
	}
	for range 2 {
		if _, err := a.Create([]byte(`{"publicKey":`+creation+`}`), page); err != nil {
			t.Fatal(err)
		}
	}
	var o map[string]any
	if err := json.Unmarshal([]byte(creation), &o); err != nil {
		t.Fatal(err)
	}
	o["excludeCredentials"] = []any{map[string]any{"type": "public-key", "id": encode(a.Passkeys[0].ID)}}
	again, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Create(again, page); !errors.Is(err, ErrExcluded) || len(a.Passkeys) != 2 {
		t.Errorf("made again: %v", err)
	}
}
