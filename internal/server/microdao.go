package server

import (
	"net/http"
	"slices"

	"github.com/gatehouse/gatehouse/internal/dialect/microdao"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/token"
)

func (s *Server) microdao() (http.Handler, error) {
	profile := token.Profile{
		Tenant: gate.DefaultTenant, Face: microdao.Name, Algorithm: "ES256", OpaqueAccess: true,
		AccessTTL: s.config.Duration("microdao.session.ttl"), RefreshTTL: s.config.Duration("microdao.refresh.ttl"),
	}
	m := s.mind(profile, habits{limits: s.house.limits})
	face := s.web()
	for _, origin := range s.config.List("passkey.origins") {
		if !slices.Contains(face.Origins, origin) {
			face.Origins = append(slices.Clone(face.Origins), origin)
		}
	}
	f := &microdao.Face{
		Web: face, Login: m.login, Account: m.account, Authn: m.authn.Widen(s.house.keyUses, s.nativeProfile()), Keys: s.house.keys, Health: s.Health, Build: s.options.Build,
	}
	return f.Handler()
}
