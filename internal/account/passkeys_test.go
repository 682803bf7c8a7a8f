//go:build unix

package account_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gatehouse/gatehouse/internal/account"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/store"
	"github.com/gatehouse/gatehouse/internal/test/softauthn"
	"github.com/gatehouse/gatehouse/internal/test/storetest"
)

// TestNobodyComesWithANameThatIsNone: opening an account with a passkey asks of a
// name what opening one with a password does, when it begins and when it ends.
func TestNobodyComesWithANameThatIsNone(t *testing.T) {
	onBothEngines(t, func(r *register) {
		raw := r.answer(visitor, account.PasskeyFor{Email: "ada@example.org", DisplayName: "Ada"})
		for _, name := range []string{"\x00", "A\nB", "\xff", "A\x1b[31m", "A\u0085B", "\t"} {
			of := account.PasskeyFor{Email: "ada@example.org", DisplayName: name}
			_, start := r.PasskeyCreation(ctx, visitor, of)
			_, finish := r.AddPasskey(ctx, visitor, of, raw)
			for what, err := range map[string]error{"start": start, "finish": finish} {
				r.want(fmt.Sprintf("%s with %q", what, name), err, gate.ErrValidation)
				if problems := gate.AsError(err).Problems; len(problems) != 1 || strings.Join(problems[0].Path, ".") != "display_name" {
					r.Errorf("%s with %q: problems %+v", what, name, problems)
				}
			}
		}
		for _, address := range []string{"", "ada", "ada@example.org\x00", "\xff@example.org"} {
			_, err := r.AddPasskey(ctx, visitor, account.PasskeyFor{Email: address, DisplayName: "Ada"}, raw)
			r.want(fmt.Sprintf("finish with the address %q", address), err, gate.ErrValidation)
		}
		if n := r.rows("principals"); n != 0 {
			r.Errorf("refusals left %d accounts behind", n)
		}
		kept, err := r.AddPasskey(ctx, visitor, account.PasskeyFor{Email: "ada@example.org", DisplayName: "Ada Ö", Label: "Phone"}, raw)
		if r.want("and with a good one it works", err, nil); kept.Label != "Phone" || kept.Principal == "" {
			r.Errorf("kept %+v", kept)
		}
	})
}

// TestAnAgentBeginsNoPasskey, also one that signs in: passkeys are for hands.
func TestAnAgentBeginsNoPasskey(t *testing.T) {
	onBothEngines(t, func(r *register) {
		robot, ada := r.as(r.robot("rex")), r.as(r.user("ada"))
		of := account.PasskeyFor{Email: "new@example.org", DisplayName: "New"}
		raw := r.answer(ada, of)
		app := visitor.AsApp(gate.App{ID: robot.Principal, Name: "rex"})
		app.Session = "a session"
		byKey := visitor.AsKey(gate.Principal{ID: robot.Principal, Kind: gate.KindAgent}, "a key")
		for what, c := range map[string]struct {
			who  gate.Caller
			want error
		}{"an agent": {robot, gate.ErrForbidden}, "an app": {app, gate.ErrForbidden}, "an agent by key": {byKey, gate.ErrNeedsSession}} {
			_, err := r.PasskeyCreation(ctx, c.who, of)
			r.want(what+" begins", err, c.want)
			_, err = r.AddPasskey(ctx, c.who, of, raw)
			r.want(what+" finishes", err, c.want)
		}
		if n := r.rows("passkeys"); n != 0 {
			r.Errorf("%d passkeys are kept", n)
		}
		_, err := r.AddPasskey(ctx, ada, of, raw)
		r.want("ada, whose it is", err, nil)
	})
}

// newcomer opens an account with a passkey.
func (r *register) newcomer(name string) (gate.Caller, gate.Passkey) {
	r.Helper()
	of := account.PasskeyFor{Email: name + "@example.org", DisplayName: name}
	kept, err := r.AddPasskey(ctx, visitor, of, r.answer(visitor, of))
	r.must(err)
	return r.as(kept.Principal), kept
}

// another adds a passkey on another authenticator.
func (r *register) another(who gate.Caller, label string) gate.Passkey {
	r.Helper()
	r.authn = softauthn.New()
	kept, err := r.AddPasskey(ctx, who, account.PasskeyFor{Label: label}, r.answer(who, account.PasskeyFor{}))
	r.must(err)
	return kept
}

func TestNobodyLocksThemselvesOut(t *testing.T) {
	onBothEngines(t, func(r *register) {
		ada, first := r.newcomer("ada")
		r.want("the only way in", r.RemovePasskey(ctx, ada, first.ID), gate.ErrLastWayIn)
		second := r.another(ada, "Key")
		r.want("one of two", r.RemovePasskey(ctx, ada, first.ID), nil)
		r.want("again", r.RemovePasskey(ctx, ada, first.ID), gate.ErrPasskeyAbsent)
		r.want("the other", r.RemovePasskey(ctx, ada, second.ID), gate.ErrLastWayIn)
		r.write(func(tx *store.Tx) error { return tx.SetPasswordVerifier(ada.Principal, "a verifier") })
		r.want("with a password", r.RemovePasskey(ctx, ada, second.ID), nil)
		if n := r.events(ada.Principal, gate.EventPasskeyRemoved); n != 2 || r.rows("passkeys") != 0 {
			r.Errorf("%d removals are recorded, %d passkeys are left; want 2 and 0", n, r.rows("passkeys"))
		}
	})
}

// TestOfTwoRemovedAtOnceOneStays.
func TestOfTwoRemovedAtOnceOneStays(t *testing.T) {
	onBothEngines(t, func(r *register) {
		ada, _ := r.newcomer("ada")
		for round := range 20 {
			r.another(ada, "")
			both, err := r.MyPasskeys(ctx, ada)
			if r.must(err); len(both) != 2 {
				r.Fatalf("round %d: %d passkeys, want 2", round, len(both))
			}
			var removed atomic.Int64
			storetest.Race(10, func(i int) {
				err := r.RemovePasskey(ctx, ada, both[i%2].ID)
				if err == nil {
					removed.Add(1)
				} else if !errors.Is(err, gate.ErrLastWayIn) && !errors.Is(err, gate.ErrPasskeyAbsent) {
					r.Errorf("%d: %v", i, err)
				}
			})
			if removed.Load() != 1 {
				r.Fatalf("round %d: %d of two were removed, want 1", round, removed.Load())
			}
		}
	})
}

// TestAPasskeyIsItsOwnersAffair: to others it does not exist.
func TestAPasskeyIsItsOwnersAffair(t *testing.T) {
	onBothEngines(t, func(r *register) {
		ada, hers := r.newcomer("ada")
		r.authn = softauthn.New()
		bob, _ := r.newcomer("bob")
		byKey := visitor.AsKey(gate.Principal{ID: ada.Principal, Kind: gate.KindUser}, "a key")
		for what, c := range map[string]struct {
			who  gate.Caller
			id   gate.PasskeyID
			want error
		}{
			"nobody": {visitor, hers.ID, gate.ErrNotAuthenticated}, "bob": {bob, hers.ID, gate.ErrPasskeyAbsent}, "her key": {byKey, hers.ID, gate.ErrNeedsSession},
			"an unknown one": {ada, "unknown", gate.ErrPasskeyAbsent}, "none": {ada, "", gate.ErrPasskeyAbsent}, "NUL": {ada, "\x00", gate.ErrPasskeyAbsent}, "bytes": {ada, "\xff", gate.ErrPasskeyAbsent},
		} {
			r.want(what+" renames", r.RenamePasskey(ctx, c.who, c.id, "Mine"), c.want)
			r.want(what+" removes", r.RemovePasskey(ctx, c.who, c.id), c.want)
		}
		for what, c := range map[string]struct {
			label string
			want  error
		}{
			"empty": {"", nil}, "the longest": {strings.Repeat("я", 255), nil}, "one longer": {strings.Repeat("я", 256), gate.ErrValidation},
			"a break": {"a\nb", gate.ErrValidation}, "NUL": {"\x00", gate.ErrValidation}, "bytes": {"\xff", gate.ErrValidation},
		} {
			r.want("rename: "+what, r.RenamePasskey(ctx, ada, hers.ID, c.label), c.want)
		}
		r.want("rename", r.RenamePasskey(ctx, ada, hers.ID, "Phone"), nil)
		mine, err := r.MyPasskeys(ctx, ada)
		if r.want("list", err, nil); len(mine) != 1 || mine[0].Label != "Phone" || r.events(ada.Principal, gate.EventPasskeyRenamed) != 3 {
			r.Errorf("%+v after %d renamings", mine, r.events(ada.Principal, gate.EventPasskeyRenamed))
		}
	})
}
