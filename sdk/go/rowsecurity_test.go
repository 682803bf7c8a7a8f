package gatehouse

import (
	"database/sql"
	"encoding/json"
	"testing"
	"unicode/utf8"
)

// What is really set is tested against a real Postgres, in internal/rowsecurity.

func TestSetRowSecurityRefusesToSetNothing(t *testing.T) {
	db := sql.OpenDB(nil)
	t.Cleanup(func() { _ = db.Close() })
	for name, tx := range map[string]Tx{"a *sql.DB": db, "a *sql.Conn": &sql.Conn{}} {
		t.Run(name, func(t *testing.T) {
			if err := SetRowSecurity(t.Context(), tx, adaActor()); err == nil {
				t.Error("it does not mind")
			}
		})
	}
}

func TestSetRowSecurityNeedsAnActor(t *testing.T) {
	for name, actor := range map[string]*Actor{"nobody": nil, "without an id": {Type: Human, UserID: "93"}} {
		t.Run(name, func(t *testing.T) {
			if err := SetRowSecurity(t.Context(), &sql.Tx{}, actor); err == nil {
				t.Error("it does not mind")
			}
		})
	}
}

func FuzzListsAreJSONThatReadsTheSame(f *testing.F) {
	f.Add("a", `"\`)
	f.Add("<&>\u2028", "\x00\x1f\x7f")
	f.Fuzz(func(t *testing.T, a, b string) {
		if !utf8.ValidString(a) || !utf8.ValidString(b) {
			return // Postgres refuses it
		}
		var back []string
		if err := json.Unmarshal([]byte(jsonList([]string{a, b})), &back); err != nil || back[0] != a || back[1] != b || len(back) != 2 {
			t.Errorf("%q comes back as %q, %v", []string{a, b}, back, err)
		}
	})
}
