//go:build unix

package account_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/gatehouse/gatehouse/internal/account"
	"github.com/gatehouse/gatehouse/internal/factor/passkey"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/passkeys"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/test/pgtest"
	"github.com/gatehouse/gatehouse/internal/test/softauthn"
	"github.com/gatehouse/gatehouse/internal/test/storetest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const origin = "https://auth.example.org"

var (
	ctx      = context.Background()
	visitor  = gate.Caller{Tenant: gate.DefaultTenant, Client: "native", IP: "192.0.2.1"}
	operator = gate.OperatorCaller(gate.DefaultTenant)
)

// register is a house's accounts, and an authenticator.
type register struct {
	*testing.T
	*account.Service
	m     *storetest.Memory
	authn *softauthn.Authenticator
}

func onBothEngines(t *testing.T, test func(r *register)) {
	storetest.OnBothEngines(t, func(t *testing.T, m *storetest.Memory) {
		db := m.Open(t)
		test(&register{T: t, m: m, authn: softauthn.New(), Service: &account.Service{DB: db, Open: true, Passkeys: &passkeys.Service{
			DB: db, Clock: m.Clock.Now, Party: passkey.Party{ID: "auth.example.org", Name: "Gatehouse", Origins: []string{origin}},
			Challenger: passkey.NewChallenger([32]byte(bytes.Repeat([]byte{7}, 32)), gate.DefaultTenant),
		}}})
	})
}

func (r *register) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *register) want(what string, got, want error) {
	r.Helper()
	if want == nil && got != nil || want != nil && !errors.Is(got, want) {
		r.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func (r *register) write(fn func(tx *store.Tx) error) { r.Helper(); storetest.Write(r.T, r.DB, fn) }

// user makes an account with roles.
func (r *register) user(name string, roles ...gate.Role) gate.PrincipalID {
	r.Helper()
	id := gate.PrincipalID(secret.RandomID())
	email, _ := gate.ParseEmail(name + "@example.org")
	r.write(func(tx *store.Tx) error {
		_, err := tx.AddUser(gate.User{ID: id}, email)
		for _, role := range roles {
			_, err2 := tx.GrantRole(id, role)
			err = errors.Join(err, err2)
		}
		return err
	})
	return id
}

// robot makes an agent that signs in.
func (r *register) robot(name string, roles ...gate.Role) gate.PrincipalID {
	r.Helper()
	id := r.user(name, roles...)
	r.write(func(tx *store.Tx) error { return tx.MakeAgent(id, name) })
	return id
}

// as is who somebody is today, signed in.
func (r *register) as(id gate.PrincipalID) (c gate.Caller) {
	r.Helper()
	storetest.Read(r.T, r.DB, func(tx *store.Tx) error {
		u, err := tx.User(id)
		c = visitor.As(u, "a session")
		return err
	})
	return c
}

func (r *register) events(about gate.PrincipalID, name string) (n int) {
	r.Helper()
	storetest.Read(r.T, r.DB, func(tx *store.Tx) error {
		list, err := tx.EventsAbout(about, name)
		n = len(list)
		return err
	})
	return n
}

// rows counts those of a table.
func (r *register) rows(table string) (n int) {
	r.Helper()
	r.must(r.m.Raw(r.T).QueryRow(`SELECT COUNT(*) FROM ` + table).Scan(&n))
	return n
}

// answer lets the authenticator answer to a request for a passkey.
func (r *register) answer(who gate.Caller, of account.PasskeyFor) []byte {
	r.Helper()
	options, err := r.PasskeyCreation(ctx, who, of)
	r.must(err)
	text, err := json.Marshal(options)
	r.must(err)
	raw, err := r.authn.Create(text, origin)
	r.must(err)
	return raw
}
