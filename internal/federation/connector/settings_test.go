package connector

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/secret"
)

func goodSettings() Settings {
	return Settings{ID: "corp", Name: "Corp", Kind: OpenID, Issuer: "https://id.example.org/realm", ClientID: "x", ClientSecret: secret.NewText(theSecret)}
}

func TestSettingsThatAreGood(t *testing.T) {
	github := GitHub()
	github.ClientID, github.ClientSecret = "x", secret.NewText("y")
	local := goodSettings()
	local.Issuer = "http://localhost:8080"
	allowed := goodSettings()
	allowed.Issuer, allowed.AllowHTTP = "http://id.internal", true
	for name, s := range map[string]Settings{"OpenID": goodSettings(), "GitHub": github, "http on this machine": local, "http, allowed": allowed} {
		if err := s.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	c, err := New(github, newClock().Now)
	if err != nil || c.ID() != "github" || c.Name() != "GitHub" || c.Issuer() != "https://github.com" {
		t.Errorf("%+v, %v", c, err)
	}
}

// Errors name the field and never show the secret.
func TestSettingsThatAreNot(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Settings)
		field  string
	}{
		"no id":                   {func(s *Settings) { s.ID = "" }, "ID"},
		"id in capitals":          {func(s *Settings) { s.ID = "Corp" }, "ID"},
		"id with a slash":         {func(s *Settings) { s.ID = "a/b" }, "ID"},
		"id with a line":          {func(s *Settings) { s.ID = "corp\n" }, "ID"},
		"a long id":               {func(s *Settings) { s.ID = strings.Repeat("a", 33) }, "ID"},
		"no name":                 {func(s *Settings) { s.Name = "" }, "Name"},
		"name with a control":     {func(s *Settings) { s.Name = "a\x1b[0m" }, "Name"},
		"no kind":                 {func(s *Settings) { s.Kind = "" }, "Kind"},
		"saml":                    {func(s *Settings) { s.Kind = "saml" }, "Kind"},
		"no client id":            {func(s *Settings) { s.ClientID = "" }, "ClientID"},
		"no secret":               {func(s *Settings) { s.ClientSecret = secret.Text{} }, "ClientSecret"},
		"secret with a line":      {func(s *Settings) { s.ClientSecret = secret.NewText(theSecret + "\n") }, "ClientSecret"},
		"another way to prove":    {func(s *Settings) { s.ClientAuth = "none" }, "ClientAuth"},
		"no openid":               {func(s *Settings) { s.Scopes = []string{"email"} }, "Scopes"},
		"scopes in one":           {func(s *Settings) { s.Scopes = []string{"openid", "email profile"} }, "Scopes"},
		"no issuer":               {func(s *Settings) { s.Issuer = "" }, "Issuer"},
		"http":                    {func(s *Settings) { s.Issuer = "http://id.example.org" }, "Issuer"},
		"http, nearly local":      {func(s *Settings) { s.Issuer = "http://localhost.example.org" }, "Issuer"},
		"issuer with a query":     {func(s *Settings) { s.Issuer += "?x=1" }, "Issuer"},
		"issuer with a fragment":  {func(s *Settings) { s.Issuer += "#" }, "Issuer"},
		"issuer with a password":  {func(s *Settings) { s.Issuer = "https://a:" + theVerifier + "@id.example.org" }, "Issuer"},
		"no host":                 {func(s *Settings) { s.Issuer = "https://" }, "Issuer"},
		"a space":                 {func(s *Settings) { s.Issuer += " " }, "Issuer"},
		"HS256":                   {func(s *Settings) { s.Algorithms = []string{"HS256"} }, "Algorithms"},
		"none":                    {func(s *Settings) { s.Algorithms = []string{"RS256", "none"} }, "Algorithms"},
		"OpenID with a token URL": {func(s *Settings) { s.TokenURL = "https://id.example.org/token" }, "TokenURL"},
		"plain with an issuer":    {func(s *Settings) { *s = plainGood(); s.Issuer = "https://github.com" }, "Issuer"},
		"plain with algorithms":   {func(s *Settings) { *s = plainGood(); s.Algorithms = []string{"RS256"} }, "Algorithms"},
		"plain, no authorize URL": {func(s *Settings) { *s = plainGood(); s.AuthorizeURL = "" }, "AuthorizeURL"},
		"plain, no token URL":     {func(s *Settings) { *s = plainGood(); s.TokenURL = "javascript:1" }, "TokenURL"},
		"plain, no user URL":      {func(s *Settings) { *s = plainGood(); s.UserinfoURL = "" }, "UserinfoURL"},
		"plain, bad e-mail URL":   {func(s *Settings) { *s = plainGood(); s.EmailsURL = "http://api.github.com" }, "EmailsURL"},
	} {
		s := goodSettings()
		c.change(&s)
		err := s.Check()
		if err == nil || !strings.HasPrefix(err.Error(), c.field) && !strings.Contains(err.Error(), ", "+c.field) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want one line about %s", name, err, c.field)
		}
		tellsNothing(t, err)
		if _, err := New(s, newClock().Now); err == nil {
			t.Errorf("%s: New takes it", name)
		}
	}
}

func plainGood() Settings {
	s := GitHub()
	s.ClientID, s.ClientSecret = "x", secret.NewText(theSecret)
	return s
}

func TestSettingsDoNotPrintTheirSecret(t *testing.T) {
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(format, goodSettings()); strings.Contains(text, theSecret) {
			t.Errorf("%s shows %s", format, text)
		}
	}
}
