package store

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"sync"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
)

// lane is an audit chain: where it ends, as far as it is committed.
type lane struct {
	id   string
	seq  int64
	hash string
}

// lanes hands out audit chains. A chain has one writer at a time; a process
// begins as many as it has transactions that write events at once, so nobody
// waits for somebody else's commit. Nobody else ever writes to them, so their
// ends are known without asking the database.
type lanes struct {
	mu   sync.Mutex
	free map[gate.TenantID][]*lane
}

func (l *lanes) take(tenant gate.TenantID) *lane {
	l.mu.Lock()
	defer l.mu.Unlock()
	free := l.free[tenant]
	if len(free) == 0 {
		return &lane{id: secret.ID()}
	}
	l.free[tenant] = free[:len(free)-1]
	return free[len(free)-1]
}

// giveBack frees the lane of a transaction that is over, unless its outcome is
// in doubt: then nobody knows any more where the lane ends.
func (l *lanes) giveBack(tx *Tx, err error) {
	if tx.lane == nil || err != nil && !isGateError(err) {
		return
	}
	if err == nil {
		*tx.lane = tx.end
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.free == nil {
		l.free = map[gate.TenantID][]*lane{}
	}
	l.free[tx.tenant] = append(l.free[tx.tenant], tx.lane)
}

// Record writes an audit event, in this transaction: either the deed and its
// record both happen, or neither does.
func (tx *Tx) Record(e gate.Event) error {
	if tx.lane == nil {
		tx.lane = tx.db.lanes.take(tx.tenant)
		tx.end = *tx.lane
	}
	detail := "{}"
	if len(e.Detail) > 0 {
		text, err := json.Marshal(e.Detail) // map keys come out sorted
		if err != nil {
			return err
		}
		detail = string(text)
	}
	e.ID, e.At = gate.EventID(secret.ID()), tx.now
	row := eventRow{Event: e, lane: tx.end.id, seq: tx.end.seq + 1, detail: detail}
	row.hash = row.chain(tx.db.opts.AuditKey, tx.tenant, tx.end.hash)
	tx.end.seq, tx.end.hash = row.seq, row.hash
	return tx.must(`INSERT INTO events (tenant, lane, seq, id, at, name, actor, subject, session, client, ip, request, detail, hash)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		tx.tenant, row.lane, row.seq, e.ID, e.At.UnixMilli(), e.Name, e.Actor, e.Subject, e.Session, e.Client, e.IP, e.Request, detail, row.hash)
}

type eventRow struct {
	gate.Event
	lane   string
	seq    int64
	detail string
	hash   string
}

// chain is HMAC-SHA-256 over every column and the hash before it. Each part is
// preceded by its length, so that no two rows read alike.
func (r eventRow) chain(key []byte, tenant gate.TenantID, previous string) string {
	mac := hmac.New(sha256.New, key)
	for _, part := range []string{
		previous, string(tenant), r.lane, strconv.FormatInt(r.seq, 10), string(r.ID), strconv.FormatInt(r.At.UnixMilli(), 10),
		r.Name, string(r.Actor), string(r.Subject), string(r.Session), r.Client, r.IP, r.Request, r.detail,
	} {
		mac.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	return hex.EncodeToString(mac.Sum(nil))
}

const eventColumns = `lane, seq, id, at, name, actor, subject, session, client, ip, request, detail, hash`

func scanEvent(row scanner) (r eventRow, err error) {
	err = row.Scan(&r.lane, &r.seq, &r.ID, at(&r.At), &r.Name, &r.Actor, &r.Subject, &r.Session, &r.Client, &r.IP, &r.Request, &r.detail, &r.hash)
	return r, err
}

// eventsOf reads the details. One that somebody tampered with is left out here,
// and found by VerifyEvents.
func eventsOf(rows []eventRow) []gate.Event {
	events := make([]gate.Event, len(rows))
	for i, r := range rows {
		if events[i] = r.Event; r.detail != "{}" {
			_ = json.Unmarshal([]byte(r.detail), &events[i].Detail)
		}
	}
	return events
}

// Events returns at most limit events at or after a moment, oldest first.
func (tx *Tx) Events(since time.Time, limit int) ([]gate.Event, error) {
	rows, err := many(tx, scanEvent, `SELECT `+eventColumns+` FROM events WHERE tenant = $1 AND at >= $2 ORDER BY at, id LIMIT $3`,
		tx.tenant, since.UnixMilli(), limit)
	return eventsOf(rows), err
}

// EventsAbout returns the events of one name about one subject, oldest first.
func (tx *Tx) EventsAbout(subject gate.PrincipalID, name string) ([]gate.Event, error) {
	rows, err := many(tx, scanEvent, `SELECT `+eventColumns+` FROM events WHERE tenant = $1 AND subject = $2 AND name = $3 ORDER BY at, id`,
		tx.tenant, subject, name)
	return eventsOf(rows), err
}

// AuditBreak is a place where a chain does not hold.
type AuditBreak struct {
	Lane string
	Seq  int64
	Why  string
}

// VerifyEvents walks every chain of the tenant and returns how many events it
// read and where a chain is broken: an event changed, removed or inserted.
func (tx *Tx) VerifyEvents() (checked int64, breaks []AuditBreak, err error) {
	laneNames, err := many(tx, scanText, `SELECT DISTINCT lane FROM events WHERE tenant = $1 ORDER BY lane`, tx.tenant)
	for _, lane := range laneNames {
		var seq int64
		previous := ""
		for {
			rows, err := many(tx, scanEvent, `SELECT `+eventColumns+` FROM events WHERE tenant = $1 AND lane = $2 AND seq > $3 ORDER BY seq LIMIT 1000`,
				tx.tenant, lane, seq)
			if err != nil {
				return checked, breaks, err
			}
			if len(rows) == 0 {
				break
			}
			for _, r := range rows {
				if r.seq != seq+1 {
					breaks = append(breaks, AuditBreak{lane, seq + 1, "missing"})
				} else if want := r.chain(tx.db.opts.AuditKey, tx.tenant, previous); !hmac.Equal([]byte(want), []byte(r.hash)) {
					breaks = append(breaks, AuditBreak{lane, r.seq, "changed"})
				}
				seq, previous = r.seq, r.hash
				checked++
			}
		}
	}
	return checked, breaks, err
}
