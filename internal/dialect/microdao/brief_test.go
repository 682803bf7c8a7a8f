//go:build unix

package microdao_test

import (
	"encoding/json"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dialect/microdao"
	"github.com/gatehouse/gatehouse/internal/test/house"
)

// The command lines of the original's documentation, letter by letter.
const (
	briefLogin = `curl -X POST http://localhost:7011/auth/login \
-H "Content-Type: application/json" \
-d '{
"email": "user@daarion.city",
"password": "any"
}'`
	briefMe = `curl http://localhost:7011/auth/me \
-H "Authorization: Bearer <session_token>"`
	briefLogout = `curl -X POST http://localhost:7011/auth/logout \
-H "Authorization: Bearer <session_token>"`
	briefCreateKey = `curl -X POST http://localhost:7011/auth/api-keys \
-H "Authorization: Bearer <session_token>" \
-H "Content-Type: application/json" \
-d '{
"description": "My API key",
"expires_days": 30
}'`
	briefListKeys = `curl http://localhost:7011/auth/api-keys \
-H "Authorization: Bearer <session_token>"`
	briefDeleteKey = `curl -X DELETE http://localhost:7011/auth/api-keys/key-123 \
-H "Authorization: Bearer <session_token>"`
)

// The actor of the documentation's first example. display_name and user_id are
// ours.
var briefActor = members{
	"actor_id": "user:93", "actor_type": "human", "microdao_ids": []any{"microdao:daarion", "microdao:7"},
	"roles": []any{"member", "microdao_owner"}, "user_id": "93", "display_name": "User",
}

// shell runs command lines of the documentation against a house.
type shell struct {
	*testing.T
	*house.House
	session, key string // what the placeholders stand for
}

// run runs a line with another port and without placeholders, and decodes what
// it prints.
func (s *shell) run(line string, into any) {
	s.T.Helper()
	line = strings.NewReplacer(
		"http://localhost:7011", s.URL(microdao.Name, ""), "<session_token>", s.session, "key-123", s.key,
	).Replace(line)
	out, err := exec.CommandContext(s.T.Context(), "sh", "-c", line).Output()
	if err != nil {
		s.T.Fatalf("%s\n%v", line, err)
	}
	if err := json.Unmarshal(out, into); err != nil {
		s.T.Fatalf("%s\n%v: %s", line, err, out)
	}
}

// want runs a line that prints exactly that.
func (s *shell) want(line string, want any) {
	s.T.Helper()
	var got any
	s.run(line, &got)
	text, err := json.Marshal(want)
	if err != nil {
		s.T.Fatal(err)
	}
	var wanted any
	if err := json.Unmarshal(text, &wanted); err != nil || !reflect.DeepEqual(got, wanted) {
		s.T.Errorf("%s\nprints %v, want %v (%v)", line, got, wanted, err)
	}
}

// TestTheDocumentationsOwnLinesWork: whoever follows the original's README finds
// what it promises. Its people live in a house with the demo.
func TestTheDocumentationsOwnLinesWork(t *testing.T) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		s := &shell{T: t, House: house.Start(t, house.Options{Engine: engine, Demo: true}), key: "key-123"}
		var login struct {
			Session string  `json:"session_token"`
			Actor   members `json:"actor"`
			Expires string  `json:"expires_at"`
		}
		s.run(briefLogin, &login)
		expires, err := time.Parse("2006-01-02T15:04:05.000000Z", login.Expires)
		if week := time.Until(expires); err != nil || week < 167*time.Hour || week > 169*time.Hour {
			t.Errorf("expires_at %q is not in a week (%v)", login.Expires, err)
		}
		if s.session = login.Session; s.session == "" || !reflect.DeepEqual(login.Actor, briefActor) {
			t.Fatalf("signed in as %v, want %v", login.Actor, briefActor)
		}
		s.want(briefMe, briefActor)
		s.keys()
		s.want(briefLogout, members{"status": "logged_out"})
		s.want(briefMe, members{"detail": "Unauthorized: No valid session token or API key"})
	})
}

// keys makes a key, sees it in the list, and deletes it.
func (s *shell) keys() {
	s.T.Helper()
	var made members
	s.run(briefCreateKey, &made)
	key, _ := made["key"].(string)
	created, err1 := time.Parse(time.RFC3339Nano, made["created_at"].(string))
	expires, err2 := time.Parse(time.RFC3339Nano, made["expires_at"].(string))
	if err1 != nil || err2 != nil || !expires.Equal(created.AddDate(0, 0, 30)) {
		s.T.Errorf("made at %v for 30 days, until %v", made["created_at"], made["expires_at"])
	}
	if !strings.HasPrefix(key, "dk_") || len(key) < 46 || made["actor_id"] != "user:93" || made["description"] != "My API key" {
		s.T.Fatalf("made %v", made)
	}
	s.want(briefListKeys, []any{members{
		"id": made["id"], "key_preview": key[:8] + "...", "description": "My API key", "scopes": []any{"*"},
		"created_at": made["created_at"], "expires_at": made["expires_at"], "last_used": nil, "is_active": true,
	}})
	s.want(strings.Replace(briefMe, "Authorization: Bearer <session_token>", "X-API-Key: "+key, 1), briefActor)
	s.want(briefDeleteKey, members{"detail": "API key not found"}) // nobody has key-123
	s.key = made["id"].(string)
	s.want(briefDeleteKey, members{"status": "deleted", "key_id": s.key})
}
