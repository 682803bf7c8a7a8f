//go:build unix

package proof

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/test/house"
)

// spellings returns addresses that differ in bytes and are one account: in
// case, width, ligatures and letters that only look special.
func spellings(round int) (key string, all []string) {
	plain := fmt.Sprintf("kassel.office.strasse.%d@example.org", round)
	for _, turn := range []*strings.Replacer{
		strings.NewReplacer(),
		strings.NewReplacer("kassel", "Kassel"),
		strings.NewReplacer("kassel", "KASSEL", "office", "OFFICE", "strasse", "STRASSE"),
		strings.NewReplacer("kassel", "\u212Aassel"),             // the Kelvin sign
		strings.NewReplacer("kassel", "ｋａｓｓｅｌ"),                  // full width
		strings.NewReplacer("office", "o\uFB03ce"),               // ﬃ, one letter
		strings.NewReplacer("office", "O\uFB00ice"),              // ﬀ
		strings.NewReplacer("strasse", "straße"),                 // folds to ss
		strings.NewReplacer("strasse", "\u017Ftra\u017F\u017Fe"), // the long s
		strings.NewReplacer("example", "EXAMPLE"),
		strings.NewReplacer("example.org", "ｅｘａｍｐｌｅ.org"),
	} {
		all = append(all, turn.Replace(plain))
	}
	return plain, all
}

// Check-then-insert lets 20 of 50 racers win; a lower() in the database lets
// through whatever it does not fold.
func TestProofOneAccountPerAddress(t *testing.T) {
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		f := startFleet(t, house.Options{Engine: engine, Set: withoutSynapse()})
		const racers = 50
		total := rounds(100, 2)
		started := time.Now()
		for round := range total {
			key, all := spellings(round)
			created := 0
			for i, o := range atOnce(racers, func(i int) (house.Answer, error) { return register(f.at(i).Visitor, all[i%len(all)]) }) {
				switch {
				case o.err == nil && o.Status == http.StatusCreated:
					created++
				case o.err == nil && o.Status == http.StatusBadRequest && o.Body == `{"detail":"Email already registered"}`:
				default:
					t.Errorf("round %d, %q: %d %s (%v)", round, all[i%len(all)], o.Status, o.Body, o.err)
				}
			}
			if created != 1 {
				t.Errorf("round %d: %d of %d were told that they have the account", round, created, racers)
			}
			f.mustBeOneAccount(key)
		}
		for table, want := range map[string]int{"principals": total, "users": total, "credentials": total, "role_grants": total, "outbox": total} {
			if n := f.count(`SELECT COUNT(*) FROM ` + table); n != want {
				t.Errorf("%d rows in %s after %d rounds: the losers left something behind", n, table, total)
			}
		}
		if n := f.count(`SELECT COUNT(*) FROM events WHERE name = $1`, gate.EventUserCreated); n != total {
			t.Errorf("%d events %s, want %d", n, gate.EventUserCreated, total)
		}
		t.Logf("%d × %d registrations of one address over %d replicas: 1 account in %d of %d rounds, %v",
			total, racers, len(f.houses), f.count(`SELECT COUNT(DISTINCT email_key) FROM users`), total, time.Since(started).Round(time.Millisecond))
	})
}

// withoutSynapse asks for Matrix accounts from nobody: each wish stays in the
// outbox, where it can be counted.
func withoutSynapse() map[string]string {
	return map[string]string{"matrix.admin_url": "http://127.0.0.1:1", "matrix.registration_secret": "nobody listens there", "matrix.wait": "1ms"}
}

func (f *fleet) mustBeOneAccount(key string) {
	f.t.Helper()
	var id string
	if err := f.rows.QueryRow(`SELECT id FROM users WHERE email_key = $1`, key).Scan(&id); err != nil {
		f.t.Errorf("%s: %v", key, err)
		return
	}
	for what, query := range map[string]string{
		"passwords": `SELECT COUNT(*) FROM credentials WHERE principal = $1 AND kind = 'password'`,
		"roles":     `SELECT COUNT(*) FROM role_grants WHERE principal = $1 AND role = 'user'`,
		"wishes":    `SELECT COUNT(*) FROM outbox WHERE subject = $1 AND kind = 'matrix.provision'`,
		"events":    `SELECT COUNT(*) FROM events WHERE subject = $1 AND name = 'user.created'`,
	} {
		if n := f.count(query, id); n != 1 {
			f.t.Errorf("%s has %d %s, want 1", key, n, what)
		}
	}
}
