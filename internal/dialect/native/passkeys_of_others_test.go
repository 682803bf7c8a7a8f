//go:build unix

package native_test

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dialect/native"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/test/house"
	"github.com/gatehouse/gatehouse/internal/test/softauthn"
)

// NT-PK-2: Better Auth GHSA-4vcf-q4xf-f48m. What is another's is to everybody
// else, administrators among them, exactly what does not exist.
func TestNT_PK_2_AnothersPasskeyIsNoPasskey(t *testing.T) {
	withHolder(t, func(h *holder) {
		t := h.T
		ada := h.user("ada@example.org")
		id := h.add(ada, "My phone")
		hers := h.device
		before := h.list(ada)
		for who, bearer := range map[string]string{
			"another user": h.user("bob@example.org"), "one with a passkey": h.newcomer("eve@example.org"), "an administrator": h.user("boss@example.org", gate.RoleAdmin),
		} {
			own := h.list(bearer)
			unknown := secret.ID()
			for what, change := range map[string]func(bearer, id string) house.Answer{
				"rename": func(bearer, id string) house.Answer { return h.rename(bearer, id, "Mine now") },
				"remove": h.remove,
			} {
				a, nothing := change(bearer, id), change(bearer, unknown)
				h.want(who+": "+what, a, http.StatusNotFound, "passkey_not_found")
				if got, want := without(a), without(nothing); got != want {
					t.Errorf("%s, %s: hers can be told from one that there is not:\n%s\n%s", who, what, got, want)
				}
				for _, other := range []string{strings.ToUpper(id), id + "%20", id[:len(id)-1], "%00", id + "%00", "%ff", "*", "'"} {
					if b := change(bearer, other); b.Status/100 != 4 {
						t.Errorf("%s, %s %s: %d %s", who, what, other, b.Status, b.Body)
					}
				}
			}
			if after := h.list(bearer); !reflect.DeepEqual(after, own) {
				t.Errorf("%s had %+v and has %+v", who, own, after)
			}
		}
		if after := h.list(ada); !reflect.DeepEqual(after, before) {
			t.Errorf("hers were %+v and are %+v", before, after)
		}
		h.device = hers
		h.byPasskey()
	})
}

// without is an answer without what differs between any two.
func without(a house.Answer) string {
	header, id := a.Header.Clone(), a.Header.Get("X-Request-Id")
	header.Del("X-Request-Id")
	header.Del("Date")
	return fmt.Sprintf("%d %v %s", a.Status, header, strings.ReplaceAll(a.Body, id, ""))
}

// NT-PK-2, ids that no engine could be asked for.
func TestNT_PK_2_AnIDThatCannotBeStoredIsNoPasskey(t *testing.T) {
	withHolder(t, func(h *holder) {
		t := h.T
		ada := h.user("ada@example.org")
		id := h.add(ada, "My phone")
		before := h.list(ada)
		for _, odd := range []string{"%00", id + "%00", "%00" + id, "a%00b", "%ff", id + "%ff", "%c3%28", "%0a", strings.Repeat("x", 5000), "%27%20OR%201=1--"} {
			h.want("rename "+odd, h.rename(ada, odd, "Other"), http.StatusNotFound, "passkey_not_found")
			h.want("remove "+odd, h.remove(ada, odd), http.StatusNotFound, "passkey_not_found")
		}
		if after := h.list(ada); !reflect.DeepEqual(after, before) {
			t.Errorf("they were %+v and are %+v", before, after)
		}
	})
}

// NT-PK-2, by a key: whoever found one learns of no passkey, and changes none.
func TestNT_PK_2_AKeyHasNothingToDoWithPasskeys(t *testing.T) {
	withHolder(t, func(h *holder) {
		t := h.T
		ada := h.user("ada@example.org", gate.RoleAdmin)
		id := h.add(ada, "My phone")
		before := h.list(ada)
		h.device = softauthn.New()
		fresh := h.begun(ada)
		for name, header := range asShown(h.ask(http.MethodPost, "/api/v1/api-keys", `{"scopes":["*"]}`, ada).Field("key")) {
			for what, a := range map[string]house.Answer{
				"list":   h.ask(http.MethodGet, passkeyRoutes, "", header),
				"begin":  h.ask(http.MethodPost, passkeyRoutes+"/options", "", header),
				"add":    h.keep(header, "", fresh),
				"rename": h.rename(header, id, "Mine now"),
				"remove": h.remove(header, id),
			} {
				h.want(name+": "+what, a, http.StatusForbidden, "session_needed")
			}
		}
		if after := h.list(ada); !reflect.DeepEqual(after, before) {
			t.Errorf("they were %+v and are %+v", before, after)
		}
		h.want("it was the key", h.keep(ada, "", fresh), http.StatusCreated, "")
	})
}

// asShown are the two ways to show a key.
func asShown(key string) map[string]string {
	return map[string]string{"as X-API-Key": "X-API-Key: " + key, "as bearer": "Authorization: Bearer " + key}
}

// NT-PK-2, the last factor: whoever has no password keeps a passkey, and who has
// one may do without.
func TestNT_PK_2_TheLastWayInStays(t *testing.T) {
	withHolder(t, func(h *holder) {
		t := h.T
		eve := h.newcomer("eve@example.org")
		first, device := h.list(eve)[0].ID, h.device
		for range 2 {
			h.want("the only one", h.remove(eve, first), http.StatusConflict, "last_way_in")
		}
		h.byPasskey()
		second := h.add(eve, "Another")
		h.want("the first of two", h.remove(eve, first), http.StatusNoContent, "")
		h.want("the one that is left", h.remove(eve, second), http.StatusConflict, "last_way_in")
		if kept := h.list(eve); len(kept) != 1 || kept[0].ID != second {
			t.Errorf("she has %+v", kept)
		}
		h.byPasskey()
		h.device = device
		h.want("the removed one signs in no more", h.signIn(h.signed()), http.StatusUnauthorized, "passkey_unknown")

		ada := h.user("ada@example.org")
		id := h.add(ada, "The only one")
		h.want("with a password", h.remove(ada, id), http.StatusNoContent, "")
		h.want("the removed one signs in no more", h.signIn(h.signed()), http.StatusUnauthorized, "passkey_unknown")
		h.session("ada@example.org")

		me := gate.PrincipalID(h.ask(http.MethodGet, "/api/v1/me", "", eve).Field("id"))
		if err := h.Server.House().Account.SetPassword(t.Context(), house.Operator, me, secret.NewText(house.Password)); err != nil {
			t.Fatal(err)
		}
		h.want("the last one, once there is a password", h.remove(h.session("eve@example.org"), second), http.StatusNoContent, "")
	})
}

// NT-PK-2, all at once: however many passkeys are removed together, one stays.
func TestNT_PK_2_OfRemovalsAtOnceOnePasskeyIsLeft(t *testing.T) {
	withHolder(t, func(h *holder) {
		t := h.T
		eve := h.newcomer("eve@example.org")
		race := func(count int) {
			t.Helper()
			for len(h.list(eve)) < count {
				h.add(eve, "")
			}
			kept, answers := h.list(eve), make([]house.Answer, count)
			var all sync.WaitGroup
			start := make(chan struct{})
			for n, k := range kept {
				all.Go(func() {
					<-start
					answers[n], _ = h.Try(http.MethodDelete, native.Name, passkeyRoutes+"/"+k.ID, "", eve)
				})
			}
			close(start)
			all.Wait()
			tally := map[string]int{}
			for _, a := range answers {
				tally[fmt.Sprint(a.Status, a.Field("code"))]++
			}
			if want := map[string]int{"204": count - 1, "409last_way_in": 1}; !reflect.DeepEqual(tally, want) || len(h.list(eve)) != 1 {
				t.Errorf("of %d at once: %v, want %v; %d are left", count, tally, want, len(h.list(eve)))
			}
		}
		for range 20 {
			race(2)
		}
		race(20)
	})
}

// NT-PK-2, while it signs in: a passkey that is removed at that moment either let
// in before, or not at all.
func TestNT_PK_2_APasskeyRemovedMeanwhileLetsNobodyIn(t *testing.T) {
	withHolder(t, func(h *holder) {
		t := h.T
		ada := h.user("ada@example.org")
		for range 10 {
			id := h.add(ada, "")
			body := fmt.Sprintf(`{"credential":%s}`, h.signed())
			var signedIn, removed house.Answer
			var both sync.WaitGroup
			both.Go(func() {
				signedIn, _ = h.Try(http.MethodPost, native.Name, byPasskey, body, "Content-Type: application/json")
			})
			both.Go(func() { removed, _ = h.Try(http.MethodDelete, native.Name, passkeyRoutes+"/"+id, "", ada) })
			both.Wait()
			h.want("remove", removed, http.StatusNoContent, "")
			switch code := signedIn.Field("code"); {
			case signedIn.Status == http.StatusOK, signedIn.Status == http.StatusUnauthorized && code == "passkey_unknown":
			case signedIn.Status == http.StatusBadRequest && code == "passkey_refused":
			default:
				t.Errorf("%d %s", signedIn.Status, signedIn.Body)
			}
			h.want("afterwards", h.signIn(h.signed()), http.StatusUnauthorized, "passkey_unknown")
		}
	})
}

// NT-PK-2, an expired temporary password is no way in, so it does not make the
// last passkey one to do without.
func TestNT_PK_2_AnExpiredPasswordIsNoWayIn(t *testing.T) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		clock := &house.Clock{}
		h := newClockedHolder(t, engine, clock)
		eve := h.newcomer("eve@example.org")
		number := h.ask(http.MethodGet, "/api/v1/me", "", eve)
		var me struct{ Number int64 }
		number.JSON(t, &me)
		given := secret.NewText(house.Password)
		if _, err := h.Server.House().Account.SetTemporaryPassword(t.Context(), house.Operator, me.Number, given, time.Hour); err != nil {
			t.Fatal(err)
		}
		clock.Forward(2 * time.Hour)
		eve = h.byPasskey()
		a := h.ask(http.MethodPost, "/api/v1/login", fmt.Sprintf(`{"email":"eve@example.org","password":%q}`, house.Password))
		if a.Status != http.StatusUnauthorized {
			t.Fatalf("the password is not expired: %d %s", a.Status, a.Body)
		}
		h.want("the last passkey", h.remove(eve, h.list(eve)[0].ID), http.StatusConflict, "last_way_in")
	})
}
