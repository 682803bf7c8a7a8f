//go:build unix

package token_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/token"
)

// TestATokenForSomebodyElseIsRefused, and a refresh token is for nobody but us.
func TestATokenForSomebodyElseIsRefused(t *testing.T) {
	m := newMint(t)
	p := m.shared
	p.Face, p.Audience = "minos", "the-platform"
	p.AccessClaims = func(g token.Grant) any { return addressed(g, "access") }
	p.RefreshClaims = func(g token.Grant) any { return addressed(g, "refresh") }
	access, refresh := m.access(t, p), m.refresh(t, p)
	if c, err := m.VerifyAccess(context.Background(), p, secret.NewText(access)); err != nil || len(c.Audience) != 1 || c.Audience[0] != "the-platform" {
		t.Errorf("an access token for us: %+v %v", c, err)
	}
	if _, err := m.VerifyRefresh(context.Background(), p, secret.NewText(refresh)); err != nil {
		t.Errorf("a refresh token: %v", err)
	}
	other := p
	other.Audience = "another-platform"
	m.noAccess(t, "a token for the platform", other, access)

	template := `{"sub":"0a0a0a0a-0000-4000-8000-000000000001","sid":"s","session_id":"s","iss":"daarion-auth","exp":99999999999,"type":%q%s}`
	for name, tc := range map[string]struct {
		aud             string
		access, refresh bool
	}{
		"for us":               {`,"aud":"the-platform"`, true, false},
		"for us, as a list":    {`,"aud":["the-platform"]`, true, false},
		"for us among others":  {`,"aud":["another","the-platform"]`, true, false},
		"for the issuer":       {`,"aud":"daarion-auth"`, false, true},
		"for nobody":           {``, false, false},
		"for an empty list":    {`,"aud":[]`, false, false},
		"for null":             {`,"aud":null`, false, false},
		"for somebody else":    {`,"aud":"another"`, false, false},
		"for one like us":      {`,"aud":"the-platform "`, false, false},
		"for a number":         {`,"aud":7`, false, false},
		"for a list in a list": {`,"aud":[["the-platform"]]`, false, false},
		"for two, ambiguously": {`,"aud":"another","aud":"the-platform"`, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			sign := func(typ string) secret.Text {
				return secret.NewText(forge(`{"alg":"HS256","typ":"JWT"}`, fmt.Sprintf(template, typ, tc.aud), []byte(hmacKey)))
			}
			if _, err := m.VerifyAccess(context.Background(), p, sign("access")); (err == nil) != tc.access {
				t.Errorf("as an access token: %v", err)
			}
			if _, err := m.VerifyRefresh(context.Background(), p, sign("refresh")); (err == nil) != tc.refresh {
				t.Errorf("as a refresh token: %v", err)
			}
		})
	}
}

func addressed(g token.Grant, typ string) map[string]any {
	c := claims(g, typ)
	c["aud"] = g.Audience
	return c
}
