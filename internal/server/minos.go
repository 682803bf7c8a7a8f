package server

import (
	"net/http"

	"github.com/gatehouse/gatehouse/internal/dialect/minos"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/token"
)

func (s *Server) minos() (http.Handler, error) {
	profile := s.shared(minos.Name)
	profile.Issuer, profile.Audience = s.config.String("minos.jwt.issuer"), s.config.String("minos.jwt.audience")
	profile.AccessClaims, profile.RefreshClaims = minos.AccessClaims, minos.RefreshClaims
	m := s.mind(profile, habits{limits: s.house.limits, rules: minos.Name, usernames: true})
	f := &minos.Face{
		Web: s.web(), Login: m.login, Account: m.account, Authn: m.authn, Health: s.Health, Build: s.options.Build, Clock: s.options.Clock,
	}
	return f.Handler()
}

// shared is the profile of a face whose tokens other services check on their
// own: with a secret that they share, or, without one, with the JWKS.
func (s *Server) shared(face string) token.Profile {
	profile := token.Profile{
		Tenant: gate.DefaultTenant, Face: face, Algorithm: s.config.String(face + ".jwt.algorithm"),
		Secret: secret.NewText(s.config.String(face + ".jwt.secret")), HeaderType: "JWT", ClaimTypes: true,
		AccessTTL: s.config.Duration(face + ".access.ttl"), RefreshTTL: s.config.Duration(face + ".refresh.ttl"),
	}
	if profile.Algorithm == "" {
		if profile.Algorithm = "ES256"; !profile.Secret.Empty() {
			profile.Algorithm = "HS256"
		}
	}
	return profile
}
