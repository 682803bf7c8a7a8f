//go:build unix

package native_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dialect/native"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/test/house"
)

// keyless are the operations of the native face that change something and do not
// ask for a key: the answer to one that shows a key all the same. Every other
// one that changes something is refused with session_needed.
var keyless = map[string]struct {
	body   string // {key} is the key itself
	status int
}{
	"POST /api/v1/register":              {`{"email":"bad","password":"{key}"}`, http.StatusUnprocessableEntity},
	"POST /api/v1/login":                 {`{"email":"ada@example.org","password":"{key}"}`, http.StatusUnauthorized},
	"POST /api/v1/login/passkey/options": {``, http.StatusOK},
	"POST /api/v1/login/passkey":         {`{"credential":{}}`, http.StatusBadRequest},
	"POST /api/v1/refresh":               {`{"refresh_token":"{key}"}`, http.StatusUnauthorized},
	"POST /api/v1/logout":                {``, http.StatusUnauthorized},
	"POST /api/v1/introspect":            {`token={key}`, http.StatusUnauthorized},
	"POST /setup":                        {`token={key}&email=eve%40example.org&password=correct+horse+battery`, http.StatusBadRequest},
}

// changing are the bodies of the others; those that are not in here have none.
var changing = map[string]string{
	"POST /api/v1/agents":                    `{"name":"vera","title":"Vera"}`,
	"POST /api/v1/services":                  `{"name":"vera","title":"Vera"}`,
	"PUT /api/v1/agents/{name}/orgs/{org}":   `{"role":"member"}`,
	"PUT /api/v1/services/{name}/orgs/{org}": `{"role":"member"}`,
	"POST /api/v1/agents/{name}/keys":        `{"scopes":["*"]}`,
	"POST /api/v1/services/{name}/keys":      `{"scopes":["*"]}`,
	"POST /api/v1/api-keys":                  `{"scopes":["*"]}`,
	"POST /api/v1/passkeys":                  `{"credential":{credential}}`,
	"PATCH /api/v1/passkeys/{id}":            `{"label":"Mine now"}`,
}

// NT-KEY-4: whoever found a key of an administrator, or of an agent or a service
// that is one, can do nothing with it that outlives the key.
func TestNT_KEY_4_AKeyIsNoSessionAtTheNativeFace(t *testing.T) {
	withHolder(t, func(h *holder) {
		t := h.T
		v := newVault(h)
		before := v.contents()
		asked := 0
		for _, op := range operations(t, h.House, native.Name) {
			if strings.HasPrefix(op, "GET ") && op != "GET /api/v1/passkeys" {
				continue
			}
			asked++
			for whose, key := range v.keys {
				for how, shown := range asShown(key) {
					v.try(op, whose+" "+how, key, shown)
				}
			}
		}
		if asked < 30 {
			t.Errorf("only %d operations change anything", asked)
		}
		for _, op := range []string{"POST /api/v1/api-keys", "POST /api/v1/passkeys/options", "DELETE /api/v1/agents/{name}"} {
			v.try(op, "ada's beside her session", v.keys["ada's"], "X-API-Key: "+v.keys["ada's"], v.ada)
		}
		if after := v.contents(); after != before {
			t.Errorf("something changed:\n%s\n%s", before, after)
		}
		h.session("ada@example.org")
		h.byPasskey()
		h.want("the new passkey, by herself", h.keep(v.ada, "", v.credential), http.StatusCreated, "")
	})
}

// vault is what an administrator has: everything that one could sign in with,
// and keys for all of it.
type vault struct {
	*holder
	ada        string // her session
	credential []byte // a passkey that she made and has not added yet
	keys       map[string]string
	ids        map[string]string // by the beginning of the address that they are for
	org        string
}

func newVault(h *holder) *vault {
	v := &vault{holder: h, ada: h.user("ada@example.org", gate.RoleAdmin), keys: map[string]string{}, ids: map[string]string{}, org: secret.RandomID()}
	v.ids[passkeyRoutes] = h.add(v.ada, "My phone")
	v.credential = newDevice(h).begun(v.ada)
	me := gate.PrincipalID(h.ask(http.MethodGet, "/api/v1/me", "", v.ada).Field("id"))
	h.Tx(func(tx *store.Tx) error {
		if _, err := tx.AddOrg(gate.Org{ID: gate.OrgID(v.org), Kind: gate.KindWorkspace, Name: "Mill"}); err != nil {
			return err
		}
		_, err := tx.AddMember(gate.OrgID(v.org), me, gate.OrgAdmin)
		return err
	})
	const everything = `{"scopes":["*"]}`
	for _, path := range []string{"/api/v1/agents", "/api/v1/services"} {
		h.want("make", h.ask(http.MethodPost, path, `{"name":"sofia","title":"Sofia"}`, v.ada), http.StatusCreated, "")
		h.want("place", h.ask(http.MethodPut, path+"/sofia/orgs/"+v.org, `{"role":"admin"}`, v.ada), http.StatusNoContent, "")
		h.want("grant", h.ask(http.MethodPut, path+"/sofia/roles/admin", "", v.ada), http.StatusNoContent, "")
		key := h.ask(http.MethodPost, path+"/sofia/keys", everything, v.ada)
		v.ids[path], v.keys["the one of "+path] = key.Field("id"), key.Field("key")
	}
	key := h.ask(http.MethodPost, "/api/v1/api-keys", everything, v.ada)
	v.ids["/api/v1/api-keys"], v.keys["ada's"] = key.Field("id"), key.Field("key")
	v.keys["ada's for nothing"] = h.ask(http.MethodPost, "/api/v1/api-keys", `{}`, v.ada).Field("key")
	return v
}

// try asks for an operation with a key and wants it refused, or answered as to
// anybody.
func (v *vault) try(op, who, key string, headers ...string) {
	v.Helper()
	method, path, _ := strings.Cut(op, " ")
	body, open := changing[op], false
	status, code := http.StatusForbidden, "session_needed"
	if as, ok := keyless[op]; ok {
		body, status, code, open = as.body, as.status, "", true
	}
	body = strings.NewReplacer("{key}", key, "{credential}", string(v.credential)).Replace(body)
	if strings.HasPrefix(body, "token=") {
		headers = append(headers, "Content-Type: application/x-www-form-urlencoded")
	} else if body != "" {
		headers = append(headers, "Content-Type: application/json")
	}
	id := ""
	for begins, of := range v.ids {
		if strings.HasPrefix(path, begins+"/") {
			id = of
		}
	}
	path = strings.NewReplacer("{name}", "sofia", "{org}", v.org, "{role}", "admin", "{id}", id).Replace(path)
	a := v.Do(method, native.Name, path, body, headers...)
	if a.Status != status || !open && a.Field("code") != code {
		v.Errorf("%s with the key %s: %d %s, want %d %s", op, who, a.Status, a.Body, status, code)
	}
	if cookies := a.Header.Values("Set-Cookie"); len(cookies) > 0 {
		v.Errorf("%s with the key %s: got the cookies %q", op, who, cookies)
	}
}

var lastUse = regexp.MustCompile(`"used_at":"[^"]*",?`)

// contents are all that one can sign in with, and who can, but for when it was
// used.
func (v *vault) contents() string {
	v.Helper()
	var all strings.Builder
	for _, path := range []string{
		"/api/v1/agents", "/api/v1/agents/sofia", "/api/v1/services", "/api/v1/services/sofia", "/api/v1/api-keys", passkeyRoutes,
	} {
		a := v.ask(http.MethodGet, path, "", v.ada)
		v.want(path, a, http.StatusOK, "")
		fmt.Fprintln(&all, lastUse.ReplaceAllString(a.Body, ""))
	}
	return all.String()
}

// operations are all that a face documents: "POST /path".
func operations(t *testing.T, h *house.House, face string) (all []string) {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]json.RawMessage
	}
	h.Get(face, "/openapi.json").JSON(t, &doc)
	for path, methods := range doc.Paths {
		for method := range methods {
			all = append(all, strings.ToUpper(method)+" "+path)
		}
	}
	return all
}

// passwords are the operations, of whatever face, with which people change what
// they sign in with, or remove themselves. Each is sent with the right password.
var passwords = map[string]map[string]string{
	"jarvis": {
		"POST /auth/change-password":                    `{"current_password":"correct horse battery","new_password":"staple battery horse 7"}`,
		"POST /api/v0/auth/change-password":             `{"current_password":"correct horse battery","new_password":"staple battery horse 7"}`,
		"POST /superuser/users/{user_id}/temp-password": `{}`,
		"DELETE /auth/me":                               `{"password":"correct horse battery"}`,
		"DELETE /api/v0/auth/me":                        `{"password":"correct horse battery"}`,
	},
	"minos": {
		"POST /api/v1/auth/change-password": `{"current_password":"correct horse battery","new_password":"staple battery horse 7"}`,
		"PUT /api/v1/auth/profile":          `{"email":"eve@example.org","password":"staple battery horse 7"}`,
	},
	"daarion": {}, "microdao": {}, "native": {},
}

// NT-KEY-4, passwords: no face takes a key for the session of its owner, not even
// beside the right password.
func TestNT_KEY_4_NoFaceChangesAPasswordForAKey(t *testing.T) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		h := newClockedHolder(t, engine, &house.Clock{})
		ada := h.user("ada@example.org", gate.RoleAdmin)
		var me struct{ Number int }
		h.ask(http.MethodGet, "/api/v1/me", "", ada).JSON(t, &me)
		keys := map[string]string{
			"for everything": h.ask(http.MethodPost, "/api/v1/api-keys", `{"scopes":["*"]}`, ada).Field("key"),
			"of the city":    h.Post("microdao", "/auth/api-keys", `{}`, ada).Field("key"),
		}
		for face, known := range passwords {
			for _, op := range operations(t, h.House, face) {
				method, path, _ := strings.Cut(op, " ")
				body, ok := known[op]
				if !ok {
					if strings.Contains(path, "password") || strings.HasSuffix(path, "/me") && method != http.MethodGet {
						t.Errorf("%s: %s is not in this test", face, op)
					}
					continue
				}
				path = strings.ReplaceAll(path, "{user_id}", fmt.Sprint(me.Number))
				for name, key := range keys {
					if key == "" {
						t.Fatalf("there is no key %s", name)
					}
					for how, shown := range asShown(key) {
						a := h.Do(method, face, path, body, "Content-Type: application/json", shown)
						refused := a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden // minos says 403 to nobody
						if !refused || a.Header.Get("Set-Cookie") != "" {
							t.Errorf("%s: %s with a key %s %s: %d %q %s", face, op, name, how, a.Status, a.Header.Get("Set-Cookie"), a.Body)
						}
					}
				}
			}
		}
		h.session("ada@example.org")
	})
}

// NT-KEY-4, at the faces that know no keys: showing one is showing nothing, and
// yields neither a cookie nor a token.
func TestNT_KEY_4_WhereKeysAreUnknownAKeyIsNothing(t *testing.T) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		h := newClockedHolder(t, engine, &house.Clock{})
		key := h.ask(http.MethodPost, "/api/v1/api-keys", `{"scopes":["*"]}`, h.user("ada@example.org", gate.RoleAdmin)).Field("key")
		refused := 0
		for _, face := range []string{"daarion", "jarvis", "minos"} {
			for _, op := range operations(t, h.House, face) {
				method, path, _ := strings.Cut(op, " ")
				body := fmt.Sprintf(`{"token":%q,"refresh_token":%q,"password":%q,"email":"ada@example.org"}`, key, key, key)
				if strings.HasSuffix(path, "/register") || strings.HasSuffix(path, "/setup") { // these take any password
					body = `{}`
				}
				nobody := h.Do(method, face, path, body, "Content-Type: application/json", "Authorization: Bearer rubbish")
				for how, shown := range asShown(key) {
					a := h.Do(method, face, path, body, "Content-Type: application/json", shown)
					if a.Status/100 != nobody.Status/100 || a.Header.Get("Set-Cookie") != "" || a.Field("access_token")+a.Field("token")+a.Field("refresh_token") != "" {
						t.Errorf("%s: %s with a key %s: %d %q %s; with rubbish %d", face, op, how, a.Status, a.Header.Get("Set-Cookie"), a.Body, nobody.Status)
					}
				}
				if nobody.Status == http.StatusUnauthorized {
					refused++
				}
			}
		}
		if refused < 50 {
			t.Errorf("only %d operations refuse strangers", refused)
		}
	})
}
