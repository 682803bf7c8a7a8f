package store

import (
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
)

const (
	appColumns = `p.id, a.name, p.display_name, p.disabled_at, p.created_at, a.rotated_at`
	appTables  = `principals p JOIN apps a ON a.tenant = p.tenant AND a.id = p.id`
)

func appFields(a *gate.App) []any {
	return []any{&a.ID, &a.Name, &a.Title, at(&a.DisabledAt), at(&a.CreatedAt), at(&a.RotatedAt)}
}

func scanApp(row scanner) (a gate.App, err error) {
	err = row.Scan(appFields(&a)...)
	return a, err
}

// AddApp inserts an app that has no key yet. It returns gate.ErrAppTaken when
// another app has the name, which leaves the transaction usable.
func (tx *Tx) AddApp(a gate.App) (gate.App, error) {
	a.CreatedAt = tx.now
	if err := tx.addMachine(a.ID, gate.KindApp, a.Title); err != nil {
		return a, err
	}
	n, err := tx.exec(`INSERT INTO apps (tenant, id, name) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, tx.tenant, a.ID, a.Name)
	if err == nil && n == 0 {
		err = gate.ErrAppTaken
	}
	return a, err
}

// addMachine inserts the principal that an app or a node is.
func (tx *Tx) addMachine(id gate.PrincipalID, kind gate.PrincipalKind, title string) error {
	return tx.must(`INSERT INTO principals (tenant, id, kind, display_name, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5)`,
		tx.tenant, id, kind, title, tx.now.UnixMilli())
}

// App returns the app with this name, or gate.ErrNotFound.
func (tx *Tx) App(name string) (gate.App, error) {
	return one(tx, scanApp, `SELECT `+appColumns+` FROM `+appTables+` WHERE p.tenant = $1 AND a.tenant = $1 AND a.name = $2`, tx.tenant, name)
}

// Apps returns at most limit apps whose name is greater than after, by name as
// the engine sorts text.
func (tx *Tx) Apps(after string, limit int) ([]gate.App, error) {
	return many(tx, scanApp, `SELECT `+appColumns+` FROM `+appTables+` WHERE p.tenant = $1 AND a.tenant = $1 AND a.name > $2 ORDER BY a.name LIMIT $3`,
		tx.tenant, after, limit)
}

// AppKey is an app with what its key is checked against, "" for one without a
// key. While the user who answers for it is disabled, so is the app.
type AppKey struct {
	App      gate.App
	Owner    gate.PrincipalID // "" for one that an org or the operator answers for
	Verifier string
}

// AppKey returns the app with this name and its key, or gate.ErrNotFound.
func (tx *Tx) AppKey(name string) (AppKey, error) {
	scan := func(row scanner) (k AppKey, err error) {
		var since time.Time
		err = row.Scan(append(appFields(&k.App), &k.Verifier, &k.Owner, at(&since))...)
		if !k.App.Disabled() {
			k.App.DisabledAt = since
		}
		return k, err
	}
	return one(tx, scan, `SELECT `+appColumns+`, COALESCE(c.verifier, ''), COALESCE(a.owner_user, ''), o.disabled_at FROM `+appTables+`
		LEFT JOIN principals o ON o.tenant = a.tenant AND o.id = a.owner_user
		LEFT JOIN credentials c ON c.tenant = p.tenant AND c.principal = p.id AND c.kind = 'key'
		WHERE p.tenant = $1 AND a.tenant = $1 AND a.name = $2`, tx.tenant, name)
}
