//go:build unix

package nt_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/test/house"
)

// chosen is what nobody chooses for themselves, each with a value that would
// show.
var chosen = map[string]string{
	"roles": `["admin"]`, "role": `"admin"`, "is_admin": `true`, "admin": `true`, "is_active": `false`, "disabled": `true`, "disabled_at": `1`,
	"id": `"00000000-0000-4000-8000-000000000001"`, "user_id": `"00000000-0000-4000-8000-000000000001"`, "number": `4711`,
	"tenant": `"other"`, "org_id": `"other"`, "email_verified": `true`, "email_key": `"victim@example.org"`,
	"matrix_user_id": `"@victim:daarion.space"`, "short_id": `"00000000"`, "created_at": `"1999-01-01T00:00:00Z"`,
	"password_hash": `"$2b$04$abcdefghijklmnopqrstuu"`, "verifier": `"x"`, "avatar_url": `"https://evil.example/a.png"`,
	"meta": `{"is_admin":true}`, "metadata": `{"roles":["admin"]}`, "user": `{"is_admin":true}`, "$set": `{"is_admin":true}`, "__proto__": `{"is_admin":true}`,
}

// NT-PW-10: ZITADEL CVE-2026-27946, CVE-2026-54693; also authentik
// CVE-2026-49443, Better Auth CVE-2025-61928.
func TestNT_PW_10_NobodyChoosesWhatTheyAre(t *testing.T) {
	onEveryFace(t, house.Options{}, func(t *testing.T, h *house.House, m mouth) {
		n := 0
		for name, value := range chosen {
			for _, spelling := range []string{name, strings.ToUpper(name), strings.ReplaceAll(name, "s", "\u017f"), strings.ReplaceAll(name, "k", "\u212a")} {
				n++
				email := fmt.Sprintf("u%d@example.org", n)
				body := fmt.Sprintf(`{"email":%q,"password":%q,%q:%s}`, email, house.Password, spelling, value)
				a := h.Post(m.face, m.register, body)
				if m.face == "native" {
					want(t, "register with "+spelling, a, http.StatusUnprocessableEntity)
					continue
				}
				want(t, "register with "+spelling, a, http.StatusCreated)
				if n%8 == 0 { // signing in is dear, and the rows are looked at below
					plain(t, h, m, again(t, h, m, email, house.Password))
				}
			}
		}
		db := raw(t, h)
		for what, query := range map[string]string{
			"an administrator":       `SELECT COUNT(*) FROM role_grants WHERE role <> 'user'`,
			"a disabled account":     `SELECT COUNT(*) FROM principals WHERE disabled_at IS NOT NULL`,
			"an account from 1999":   `SELECT COUNT(*) FROM principals WHERE created_at < 1700000000000`,
			"a chosen tenant":        `SELECT COUNT(*) FROM principals WHERE tenant <> 'main'`,
			"a chosen id":            `SELECT COUNT(*) FROM users WHERE id LIKE '00000000%' OR short_id = '00000000' OR number = 4711`,
			"a chosen Matrix user":   `SELECT COUNT(*) FROM users WHERE matrix_user_id IS NOT NULL OR avatar_url <> ''`,
			"a chosen canonical key": `SELECT COUNT(*) FROM users WHERE email_key <> email`,
			"a chosen verifier":      `SELECT COUNT(*) FROM credentials WHERE verifier NOT LIKE '$argon2id$%'`,
		} {
			if n := count(t, db, query); n != 0 {
				t.Errorf("%s: %d", what, n)
			}
		}
	})
}

// plain fails unless the user is what registration makes.
func plain(t *testing.T, h *house.House, m mouth, who house.Tokens) {
	t.Helper()
	var me struct{ Roles []string }
	h.Get(m.face, m.me, who.Bearer()).JSON(t, &me)
	if len(me.Roles) != 1 || me.Roles[0] != "user" {
		t.Errorf("roles: %v", me.Roles)
	}
}

// NT-GO-1: encoding/json takes the last of two, folds case, takes "ſ" for "s",
// and ignores what follows the document.
func TestNT_GO_1_ABodyIsReadInOneWayOnly(t *testing.T) {
	onEveryFace(t, house.Options{}, func(t *testing.T, h *house.House, m mouth) {
		enter(t, h, m, "victim@example.org")
		good := credentials("a@example.org", house.Password)
		refused := map[string]string{
			"a name twice":             `{"email":"a@example.org","password":"` + house.Password + `","email":"victim@example.org"}`,
			"a name twice, escaped":    `{"email":"a@example.org","password":"` + house.Password + `","\u0065mail":"victim@example.org"}`,
			"an unknown name twice":    `{"email":"a@example.org","password":"` + house.Password + `","x":1,"x":2}`,
			"a nested name twice":      `{"email":"a@example.org","password":"` + house.Password + `","x":{"y":1,"y":2}}`,
			"only other cases":         `{"Email":"a@example.org","PASSWORD":"` + house.Password + `"}`,
			"only folded letters":      `{"email":"a@example.org","pa\u017fsword":"` + house.Password + `"}`,
			"trailing document":        good + good,
			"trailing bracket":         good + "}",
			"trailing text":            good + " x",
			"leading byte order mark":  "\ufeff" + good,
			"an array":                 "[" + good + "]",
			"a text":                   `"` + "x" + `"`,
			"null":                     "null",
			"nothing":                  "",
			"a comment":                "/* */" + good,
			"a trailing comma":         strings.TrimSuffix(good, "}") + ",}",
			"single quotes":            strings.ReplaceAll(good, `"`, "'"),
			"a number for a text":      `{"email":"a@example.org","password":12345678}`,
			"an array for a text":      `{"email":["a@example.org"],"password":"` + house.Password + `"}`,
			"an object for a text":     `{"email":"a@example.org","password":{"$ne":""}}`,
			"null for a text":          `{"email":"a@example.org","password":null}`,
			"a broken escape":          `{"email":"a@example.org\x","password":"` + house.Password + `"}`,
			"an unfinished document":   strings.TrimSuffix(good, "}"),
			"a bare control character": "{\"email\":\"a@example.org\",\"password\":\"long\nenough\"}",
		}
		for what, body := range refused {
			wantRefusal(t, "register with "+what, h.Post(m.face, m.register, body))
			wantRefusal(t, "login with "+what, h.Post(m.face, m.login, strings.ReplaceAll(body, "a@example.org", "victim@example.org")))
		}
		if n := count(t, raw(t, h), `SELECT COUNT(*) FROM users`); n != 1 {
			t.Errorf("%d accounts, only the victim's is due", n)
		}
		want(t, "the same, well-formed", h.Post(m.face, m.register, good), http.StatusCreated)
	})
}

// NT-GO-1, unknown names: the native face refuses them; the daarion face ignores
// them as its original does, but never takes one for a known name.
func TestNT_GO_1_AnUnknownNameIsNeverTakenForAKnownOne(t *testing.T) {
	onEveryFace(t, house.Options{}, func(t *testing.T, h *house.House, m mouth) {
		for _, extra := range []string{`"Email":"evil@example.org"`, `"EMAIL":"evil@example.org"`, `"email ":"evil@example.org"`, `"pa\u017fsword":"another one"`} {
			body := strings.TrimSuffix(credentials("a@example.org", house.Password), "}") + "," + extra + "}"
			a := h.Post(m.face, m.register, body)
			if m.face == "native" {
				want(t, extra, a, http.StatusUnprocessableEntity)
				continue
			}
			want(t, extra, a, http.StatusCreated, http.StatusBadRequest) // created once, taken from then on
		}
		if m.face != "native" {
			again(t, h, m, "a@example.org", house.Password)
		}
		want(t, "the other name", h.Post(m.face, m.login, credentials("evil@example.org", house.Password)), http.StatusUnauthorized)
	})
}
