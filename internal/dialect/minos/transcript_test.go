//go:build unix

package minos_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dialect/minos"
	"github.com/gatehouse/gatehouse/internal/test/house"
	"github.com/gatehouse/gatehouse/internal/test/pgtest"
	"github.com/gatehouse/gatehouse/internal/test/transcript"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// TestTranscripts plays every endpoint and every refusal on both engines, and
// holds each answer against the documentation.
func TestTranscripts(t *testing.T) {
	contract := transcript.Contract{Face: minos.Name}
	transcript.Play(t, minos.Name, "testdata/*.http", func(t *testing.T, h *house.House, e transcript.Exchange) {
		e.Path = minos.Home(e.Path)
		contract.Check(t, h, e)
	})
	contract.Complete(t)
}

// TestARefreshTokenInTheAddressIsNotLogged: the original's clients send it there,
// good or bad, and at any of the addresses.
func TestARefreshTokenInTheAddressIsNotLogged(t *testing.T) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		h := house.Start(t, house.Options{Engine: engine})
		a := h.Post(minos.Name, "/api/v1/auth/register", `{"email":"ada@example.org","password":"correct horse battery"}`)
		token := a.Field("refresh_token")
		if a.Status != 200 || token == "" {
			t.Fatal(a.Status, a.Body)
		}
		for _, path := range []string{"/api/v1/auth/refresh", "/auth/refresh", "/auth/nothing", "/api/v1/auth/refresh/"} {
			h.Do("POST", minos.Name, path+"?refresh_token="+token, "")
			h.Do("GET", minos.Name, path+"?refresh_token="+token, "")
		}
		h.Do("POST", minos.Name, "/auth/refresh?refresh_token="+url.QueryEscape("no token at all"), "")
		if log := h.Log.String(); !strings.Contains(log, "route=/api/v1/auth/refresh") {
			t.Errorf("the requests themselves are not logged:\n%s", log)
		} else if strings.Contains(log, token) || strings.Contains(log, token[len(token)-43:]) || strings.Contains(log, "no token at all") {
			t.Errorf("the log has the token:\n%s", log)
		}
	})
}
