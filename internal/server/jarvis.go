package server

import (
	"net/http"
	"strconv"
	"time"

	"github.com/gatehouse/gatehouse/internal/account"
	"github.com/gatehouse/gatehouse/internal/admin"
	"github.com/gatehouse/gatehouse/internal/authn"
	"github.com/gatehouse/gatehouse/internal/dialect/jarvis"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/limit"
	"github.com/gatehouse/gatehouse/internal/machine"
	"github.com/gatehouse/gatehouse/internal/provision/farewell"
	"github.com/gatehouse/gatehouse/internal/secret"
)

func (s *Server) jarvis() (http.Handler, error) {
	profile := s.shared(jarvis.Name)
	profile.Issuer, profile.ClaimTypes = "", false // its tokens never had either
	profile.AccessClaims, profile.Subject = jarvis.AccessClaims, jarvis.Subject
	m := s.mind(profile, habits{
		limits: s.jarvisLimits(), rules: jarvis.Name, lenient: !s.config.Bool("jarvis.refresh.revoke_on_reuse"),
		home: account.Home{Kind: gate.KindHousehold, Name: "My Home"},
	})
	f := &jarvis.Face{
		Web: s.web(), Login: m.login, Account: m.account, Authn: m.authn, Orgs: s.house.orgs, Machines: &machine.Service{DB: s.house.DB},
		Keys: authn.NewMachines(s.house.DB), Admin: authn.AdminToken{Token: secret.NewText(s.config.String("jarvis.admin_token"))},
		Settings: s.jarvisSettings(), Health: s.Health, Build: s.options.Build, TemporaryFor: s.config.Duration("jarvis.temporary_password.ttl"),
	}
	peers := farewell.New(s.config.String("jarvis.command_center.url"), s.config.String("jarvis.notifications.url"))
	if peers.Any() {
		f.Farewell = peers.RemoveData
	}
	handler, err := f.Handler()
	if remote := s.options.Remote; err == nil && remote != nil {
		handler = remote.Quiet(handler) // what jarvis-logs asks us about a batch is in no batch
	}
	return handler, err
}

// jarvisLimits are the house's, and the face's own where they are on.
func (s *Server) jarvisLimits() limit.Limits {
	l := s.house.limits
	if s.config.Bool("jarvis.limits.enabled") {
		l.RequestsPerIP = limit.Rate{Count: s.config.Int("jarvis.limits.requests_per_minute"), Per: time.Minute}
		l.LoginPerAccount = limit.Rate{Count: s.config.Int("jarvis.limits.login_failures"), Per: s.config.Duration("jarvis.limits.lockout")}
	}
	return l
}

// jarvisSettings are what the original keeps in its database, under its names.
func (s *Server) jarvisSettings() *admin.Settings {
	whole := func(key string, unit time.Duration) string {
		return strconv.FormatInt(int64(s.config.Duration(key)/unit), 10)
	}
	algorithm := s.shared(jarvis.Name).Algorithm
	return &admin.Settings{List: []admin.Setting{
		{Key: "auth.token.access_expire_minutes", Value: whole("jarvis.access.ttl", time.Minute), Type: "int", Category: "auth.token", Description: "Minutes that an access token lives", Env: "ACCESS_TOKEN_EXPIRE_MINUTES"},
		{Key: "auth.token.refresh_expire_days", Value: whole("jarvis.refresh.ttl", 24*time.Hour), Type: "int", Category: "auth.token", Description: "Days that a session lives without being refreshed", Env: "REFRESH_TOKEN_EXPIRE_DAYS"},
		{Key: "auth.token.refresh_grace_seconds", Value: whole("refresh.grace", time.Second), Type: "int", Category: "auth.token", Description: "Seconds in which a used refresh token yields its successor again", Env: "REFRESH_TOKEN_GRACE_SECONDS"},
		{Key: "auth.algorithm", Value: algorithm, Type: "string", Category: "auth", Description: "How access tokens are signed", Env: "AUTH_ALGORITHM"},
	}}
}
