//go:build unix

package storetest

import (
	"errors"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/store"
)

var single = store.Bucket{Name: "single", Burst: 1, Interval: time.Hour}

// world is what the first tenant owns: at least one row of everything.
type world struct {
	user    gate.User
	email   gate.Email
	session gate.Session
	job     gate.JobID
	later   time.Time
}

func populate(b *bench) world {
	b.m.AddTenant(b, other)
	b.m.Exec(b, `INSERT INTO roles (tenant, id, description) VALUES ('main', 'only-main', '')`)
	w := world{user: b.user(ada, "ada"), email: email(b, "ada@example.org"), session: b.session(session1, ada, "192.0.2.1"), later: b.now().Add(100 * time.Hour)}
	w.job = enqueue(b, "ada")
	b.org(home, "Home", ada)
	b.org(work, "Work")
	b.invitation("code", 200*time.Hour)
	b.write(func(tx *store.Tx) error {
		_, err := tx.GrantRole(ada, gate.RoleAdmin)
		_, err2 := tx.TakeFrom(single)
		_, err3 := tx.AddSigningKey(store.SigningKey{ID: "kid", Algorithm: "EdDSA"})
		return errors.Join(err, err2, err3, tx.SetPasswordVerifier(ada, "verifier"),
			tx.AddOneTimeToken(digest("link"), "reset", "subject", b.now().Add(time.Hour)),
			tx.AddOneTimeToken(digest("fresh"), "reset", "somebody", b.now().Add(1000*time.Hour)),
			tx.Record(gate.Event{Name: "test", Subject: ada}))
	})
	populateMachines(b)
	populateKeys(b)
	populateFederation(b)
	b.m.Clock.Forward(48 * time.Hour) // everything that can expire has expired
	return w
}
