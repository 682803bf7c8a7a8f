//go:build unix

package native_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/gatehouse/gatehouse/internal/apikey"
	"github.com/gatehouse/gatehouse/internal/dialect/native"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/test/house"
	"github.com/gatehouse/gatehouse/internal/test/pgtest"
	"github.com/gatehouse/gatehouse/internal/test/transcript"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// TestTranscripts plays every endpoint and every refusal on both engines, and
// holds each answer against the documentation.
func TestTranscripts(t *testing.T) {
	contract := transcript.Contract{Face: native.Name}
	transcript.Play(t, native.Name, "testdata/*.http", contract.Check)
	t.Run("what no transcript can show", func(t *testing.T) {
		house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
			theLimits(t, engine, &contract)
			withAnAuthenticator(t, engine, &contract)
		})
	})
	contract.Complete(t)
}

// theLimits of what one principal may have: a hundred keys, a hundred orgs. What
// comes before the last is made without HTTP.
func theLimits(t *testing.T, engine house.Engine, contract *transcript.Contract) {
	h := house.Start(t, house.Options{Engine: engine})
	ada := h.SignUp("ada@example.org")
	h.Tx(func(tx *store.Tx) error {
		_, err := tx.GrantRole(gate.PrincipalID(ada.UserID), gate.RoleAdmin)
		return err
	})
	in := h.Post(native.Name, "/api/v1/login", fmt.Sprintf(`{"email":"ada@example.org","password":%q}`, house.Password))
	header := http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + in.Field("access_token")}}
	ask := func(method, path, body string, status int) string {
		t.Helper()
		a := h.Do(method, native.Name, path, body, "Content-Type: application/json", "Authorization: "+header.Get("Authorization"))
		if a.Status != status {
			t.Fatalf("%s %s: %d %s, want %d", method, path, a.Status, a.Body, status)
		}
		contract.Check(t, h, transcript.Exchange{Face: native.Name, Method: method, Path: path, Header: header, Body: body, Answer: a})
		return a.Field("id")
	}
	of := map[string]gate.PrincipalID{"/api/v1/api-keys": gate.PrincipalID(ada.UserID)}
	for _, path := range []string{"/api/v1/agents", "/api/v1/services"} {
		of[path+"/sofia/keys"] = gate.PrincipalID(ask(http.MethodPost, path, `{"name":"sofia","title":"Sofia"}`, http.StatusCreated))
	}
	orgs := [101]gate.OrgID{}
	h.Tx(func(tx *store.Tx) error { // ada is in all of them, around her own limit
		for i := range orgs {
			orgs[i] = gate.OrgID(secret.RandomID())
			if _, err := tx.AddOrg(gate.Org{ID: orgs[i], Kind: gate.KindWorkspace, Name: "Mill"}); err != nil {
				return err
			}
			if _, err := tx.AddMember(orgs[i], gate.PrincipalID(ada.UserID), gate.OrgAdmin); err != nil {
				return err
			}
		}
		return nil
	})
	for path, id := range of {
		h.Tx(func(tx *store.Tx) error {
			for range apikey.MaxKeys {
				if _, err := apikey.Make(tx, house.Operator, id, apikey.Wish{}, secret.NewAPIKey(secret.NativeKey)); err != nil {
					return err
				}
			}
			return nil
		})
		ask(http.MethodPost, path, `{}`, http.StatusConflict)
		if path == "/api/v1/api-keys" {
			continue
		}
		for i, org := range orgs {
			status := http.StatusNoContent
			if i == len(orgs)-1 {
				status = http.StatusConflict
			}
			ask(http.MethodPut, path[:len(path)-len("/keys")]+"/orgs/"+string(org), `{"role":"member"}`, status)
		}
	}
}
