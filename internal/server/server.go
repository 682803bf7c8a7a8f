// Package server wires the house: one function that reads like a table of
// contents, and a Run that opens the doors and closes them in order. What is
// wired to what is decided here and nowhere else.
package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/gatehouse/gatehouse/internal/account"
	"github.com/gatehouse/gatehouse/internal/admission"
	"github.com/gatehouse/gatehouse/internal/agent"
	"github.com/gatehouse/gatehouse/internal/apikey"
	"github.com/gatehouse/gatehouse/internal/authn"
	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/internal/demo"
	"github.com/gatehouse/gatehouse/internal/dialect/daarion"
	"github.com/gatehouse/gatehouse/internal/dialect/jarvis"
	"github.com/gatehouse/gatehouse/internal/dialect/microdao"
	"github.com/gatehouse/gatehouse/internal/dialect/minos"
	"github.com/gatehouse/gatehouse/internal/dialect/native"
	"github.com/gatehouse/gatehouse/internal/directory"
	"github.com/gatehouse/gatehouse/internal/factor/passkey"
	"github.com/gatehouse/gatehouse/internal/factor/password"
	"github.com/gatehouse/gatehouse/internal/factor/password/strength"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/jobs"
	"github.com/gatehouse/gatehouse/internal/limit"
	"github.com/gatehouse/gatehouse/internal/login"
	"github.com/gatehouse/gatehouse/internal/org"
	"github.com/gatehouse/gatehouse/internal/pages/setup"
	"github.com/gatehouse/gatehouse/internal/passkeys"
	"github.com/gatehouse/gatehouse/internal/proving"
	"github.com/gatehouse/gatehouse/internal/provision"
	"github.com/gatehouse/gatehouse/internal/provision/breach"
	"github.com/gatehouse/gatehouse/internal/provision/matrix"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/session"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/telemetry"
	"github.com/gatehouse/gatehouse/internal/telemetry/remotelog"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/web"
)

// Options are what the world around the process provides.
type Options struct {
	Build  gate.Build
	Clock  gate.Clock
	Log    *slog.Logger
	Remote *remotelog.Handler // where log lines go besides, nil for nowhere
	Demo   bool               // serve a database of Demonstrate's, which nobody else does
	Out    io.Writer          // where the greeting goes: addresses, docs, the first administrator's link
}

// Server is a whole Gatehouse that is not serving yet.
type Server struct {
	config   *config.Config
	options  Options
	house    *House
	metrics  *telemetry.Metrics
	doors    []*door
	stopping chan struct{}
}

// House is everything behind the faces, for one tenant.
type House struct {
	DB      *store.DB
	Account *account.Service
	Agents  *agent.Service
	Jobs    *jobs.Runner

	orgs      *org.Service
	keys      *apikey.Service
	keyUses   *apikey.Uses
	directory *directory.Directory
	hasher    *password.Hasher
	limits    limit.Limits
	failures  limit.Failures
	tokens    *token.Issuer
	rules     session.Rules
}

// NewHouse wires what is behind the faces. The command line uses it as a guest,
// beside a running server.
func NewHouse(c *config.Config, options Options, guest bool) (*House, error) {
	master, err := masterKey(c)
	if err != nil {
		return nil, err
	}
	db := store.Open(storeOptions(c, c.Database().DSN, options.Clock, master, func(o *store.Options) {
		o.AutoMigrate, o.Guest, o.Demo, o.Log = c.Bool("database.auto_migrate"), guest, guest || options.Demo, options.Log
	}))
	h, err := furnish(c, options, db, master)
	if err != nil {
		return nil, joinClose(err, db)
	}
	return h, nil
}

func furnish(c *config.Config, options Options, db *store.DB, master []byte) (*House, error) {
	hasher, err := password.NewHasher(password.Params{
		MemoryKiB: uint32(c.Int("password.argon2.memory")), Passes: uint32(c.Int("password.argon2.passes")), Lanes: uint8(c.Int("password.argon2.lanes")),
	}, c.Int("password.slots"))
	if err != nil {
		return nil, err
	}
	box, err := secret.NewBox(master, "signing-keys")
	if err != nil {
		return nil, err
	}
	h := &House{DB: db, directory: directory.New(db), hasher: hasher, limits: limits(c)}
	h.Agents = &agent.Service{DB: db}
	h.keys, h.keyUses = &apikey.Service{DB: db}, apikey.NewUses(db, options.Log)
	h.tokens = &token.Issuer{
		Keys: &token.Keys{DB: db, Box: box, Clock: options.Clock}, Opaque: secret.Derive(master, "opaque-refresh"), Clock: options.Clock,
	}
	h.rules = session.Rules{Absolute: c.Duration("session.lifetime"), Grace: c.Duration("refresh.grace"), Pepper: secret.Derive(master, "refresh-successor")}
	h.Jobs = &jobs.Runner{DB: db, Clock: options.Clock, Log: options.Log, Tenant: gate.DefaultTenant, Handlers: map[string]jobs.Handler{}}
	codes, err := secret.NewBox(master, "invitations")
	if err != nil {
		return nil, err
	}
	h.orgs = &org.Service{DB: db, Box: codes, Guess: h.limits.Guess}
	passwords := account.Passwords{Strength: strengthOf(c, ""), Log: options.Log}
	if address := c.String("password.breach.url"); address != "" {
		if passwords.Breach, err = breach.New(address); err != nil {
			return nil, err
		}
	}
	h.Account = &account.Service{
		Passwords: passwords,
		DB:        db, Orgs: h.orgs, Hasher: hasher, Limits: h.limits, Proving: h.proving(h.limits, false), Open: c.Bool("registration.open"), MatrixWait: c.Duration("matrix.wait"), Jobs: h.Jobs,
	}
	h.Account.Passkeys = &passkeys.Service{
		DB: db, Clock: options.Clock, Challenger: passkey.NewChallenger([32]byte(secret.Derive(master, "passkey-challenges")), gate.DefaultTenant),
		Party: passkey.Party{ID: c.String("passkey.rp_id"), Name: c.String("passkey.rp_name"), Origins: c.List("passkey.origins")},
	}
	if shared := secret.NewText(c.String("matrix.registration_secret")); !shared.Empty() {
		client, err := matrix.New(c.String("matrix.admin_url"), shared)
		if err != nil {
			return nil, err
		}
		h.Account.Matrix = &provision.Matrix{DB: db, Client: client}
		h.Jobs.Handlers[provision.MatrixJob] = h.Account.Matrix.Handle
	}
	return h, nil
}

// New wires a server. Nothing is opened yet but the database, in the background.
func New(c *config.Config, options Options) (*Server, error) {
	house, err := NewHouse(c, options, false)
	if err != nil {
		return nil, err
	}
	s := &Server{
		config: c, options: options, house: house, stopping: make(chan struct{}),
		metrics: telemetry.NewMetrics(options.Build.Version, options.Build.Commit),
	}
	s.metrics.Gauge("gatehouse_database_up", "1 while the database can be used.", func() float64 {
		if house.DB.Health() == nil {
			return 1
		}
		return 0
	})
	if remote := options.Remote; remote != nil {
		s.metrics.Counter("gatehouse_remote_log_sent_total", "Log lines that the remote log has taken.", remote.Sent)
		s.metrics.Counter("gatehouse_remote_log_dropped_total", "Log lines that are only on the console.", remote.Dropped)
		s.metrics.Gauge("gatehouse_remote_log_queued", "Log lines that wait for the remote log.", func() float64 { return float64(remote.Queued()) })
	}
	for _, face := range []struct {
		name  string
		build func() (http.Handler, error)
	}{
		{native.Name, s.native},
		{daarion.Name, s.daarion},
		{microdao.Name, s.microdao},
		{jarvis.Name, s.jarvis},
		{minos.Name, s.minos},
	} {
		if as := c.As(); as != "" && as != face.name {
			continue
		}
		handler, err := face.build()
		if err != nil {
			return nil, fmt.Errorf("face %s: %w", face.name, joinClose(err, house.DB))
		}
		s.doors = append(s.doors, &door{name: face.name, handler: handler, address: fmt.Sprintf("%s:%d", host(c), c.Int("listen."+face.name+".port"))})
	}
	if address := c.String("ops.address"); address != "" {
		s.doors = append(s.doors, &door{name: "ops", handler: s.metrics.OpsHandler(), address: address, ops: true})
	}
	return s, nil
}

// nativeProfile is what tokens of the native face look like. Other faces take
// them, too.
func (s *Server) nativeProfile() token.Profile {
	return token.Profile{
		Tenant: gate.DefaultTenant, Face: native.Name, Issuer: s.publicURL(), Algorithm: "ES256", HeaderType: "at+jwt",
		AccessTTL: s.config.Duration("native.access.ttl"), RefreshTTL: s.config.Duration("native.refresh.ttl"),
		AccessClaims: native.AccessClaims,
	}
}

func (s *Server) native() (http.Handler, error) {
	profile := s.nativeProfile()
	face, m := s.web(), s.mind(profile, habits{limits: s.house.limits})
	f := &native.Face{
		Web: face, Login: m.login, Account: m.account, Authn: m.authn.Widen(s.house.keyUses), Agents: s.house.Agents, Keys: s.house.keys,
		Health: s.Health, Build: s.options.Build,
		Pages: setup.Routes(face, s.house.Account),
	}
	return f.Handler()
}

func (s *Server) daarion() (http.Handler, error) {
	profile := s.shared(daarion.Name)
	profile.Issuer = s.config.String("daarion.jwt.issuer")
	profile.AccessClaims, profile.RefreshClaims = daarion.AccessClaims, daarion.RefreshClaims
	m := s.mind(profile, habits{limits: s.house.limits, rules: daarion.Name})
	f := &daarion.Face{
		Web: s.web(), Login: m.login, Account: m.account, Authn: m.authn, Health: s.Health, Build: s.options.Build,
		ServiceName: s.config.String("service.name"), ServiceVersion: s.config.String("service.version"),
	}
	return f.Handler()
}

// mind is what a face of people conducts: the ways in, and their accounts.
type mind struct {
	login   *login.Service
	account *account.Service
	authn   *authn.Service
}

// habits are what one face does differently.
type habits struct {
	limits    limit.Limits
	rules     string // whose rules for passwords, "" for the house's
	usernames bool   // sign in by user name, too
	lenient   bool   // see session.Rules
	home      account.Home
}

func (s *Server) mind(profile token.Profile, face habits) mind {
	h := s.house
	rules := h.rules
	rules.Lenient = face.lenient
	office := &admission.Office{Rules: rules, Tokens: h.tokens, Profile: profile, Clock: s.options.Clock}
	prover := h.proving(face.limits, face.usernames)
	own := *h.Account
	own.Passwords.Strength = strengthOf(s.config, face.rules)
	own.Limits, own.Proving, own.Office, own.Home = face.limits, prover, office, face.home
	return mind{
		login:   &login.Service{DB: h.DB, Directory: h.directory, Proving: prover, Passkeys: own.Passkeys, Office: office, PerOrg: face.home != account.Home{}},
		account: &own,
		authn:   authn.New(h.DB, h.tokens, profile, s.options.Clock),
	}
}

func (h *House) proving(limits limit.Limits, usernames bool) *proving.Service {
	return &proving.Service{DB: h.DB, Hasher: h.hasher, Limits: limits, Failures: &h.failures, Usernames: usernames}
}

// web is what the faces share. The dialect adds its name, words and statuses.
func (s *Server) web() *web.Face {
	return &web.Face{
		Tenant: gate.DefaultTenant, Log: s.options.Log, Clock: s.options.Clock, Metrics: s.metrics,
		Proxies: prefixes(s.config.List("proxy.trusted")), OneHop: s.config.Bool("proxy.one_hop"), Origins: s.config.List("cors.origins"),
		Secure: strings.HasPrefix(s.publicURL(), "https://"),
	}
}

// Health is nil while requests can be served, else why not.
func (s *Server) Health() *gate.Cause {
	select {
	case <-s.stopping:
		return gate.CauseStopping
	default:
		return s.house.DB.Health()
	}
}

// Demonstrate furnishes the house with the people of the demo, before the doors
// open.
func (s *Server) Demonstrate(ctx context.Context) error {
	if err := s.house.Ready(ctx); err != nil {
		return err
	}
	return demo.Furnish(ctx, s.house.DB, s.house.hasher)
}

// House gives tests and the command line what is behind the faces.
func (s *Server) House() *House { return s.house }

func (s *Server) publicURL() string {
	if public := s.config.String("public.url"); public != "" {
		return strings.TrimSuffix(public, "/")
	}
	return fmt.Sprintf("http://localhost:%d", s.config.Int("listen.native.port"))
}

// strengthOf is what new passwords must be at a face.
func strengthOf(c *config.Config, face string) strength.Policy {
	if face != "" {
		face += "."
	}
	kinds := c.List("password.composition")
	return strength.Policy{
		MinLength: c.Int(face + "password.min_length"), MinScore: c.Int(face + "password.min_score"),
		MaxLength: c.Int("password.max_length"), Common: c.Bool("password.common"),
		Composition: strength.Composition{
			Upper: slices.Contains(kinds, "upper"), Lower: slices.Contains(kinds, "lower"),
			Digit: slices.Contains(kinds, "digit"), Symbol: slices.Contains(kinds, "symbol"),
		},
	}
}

func limits(c *config.Config) limit.Limits {
	rate := func(key string) limit.Rate {
		r := c.Rate(key)
		if r.Off {
			return limit.Rate{}
		}
		return limit.Rate{Count: r.Count, Per: r.Per}
	}
	return limit.Limits{
		LoginPerAccount: rate("limits.login_per_account"), LoginPerAccountTotal: rate("limits.login_per_account_total"),
		LoginPerIP: rate("limits.login_per_ip"), RegisterPerIP: rate("limits.register_per_ip"), GuessesPerIP: rate("limits.guesses_per_ip"),
	}
}

func host(c *config.Config) string {
	if h := c.String("listen.host"); strings.Contains(h, ":") && !strings.HasPrefix(h, "[") {
		return "[" + h + "]"
	}
	return c.String("listen.host")
}

// prefixes were checked when the settings were read.
func prefixes(list []string) []netip.Prefix {
	var out []netip.Prefix
	for _, text := range list {
		if prefix, err := netip.ParsePrefix(text); err == nil {
			out = append(out, prefix)
		} else if addr, err := netip.ParseAddr(text); err == nil {
			out = append(out, netip.PrefixFrom(addr, addr.BitLen()))
		}
	}
	return out
}

func joinClose(err error, db *store.DB) error {
	return errors.Join(err, db.Close())
}

// Close gives everything back that New or NewHouse opened.
func (h *House) Close() error { return h.DB.Close() }

// Ready waits until the database can be used.
func (h *House) Ready(ctx context.Context) error { return h.DB.Ready(ctx) }
