package federation

import (
	"context"
	"errors"
	"time"

	"github.com/gatehouse/gatehouse/internal/federation/connector"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
)

// Arrival is what a browser brings back from a provider.
type Arrival struct {
	Provider    string // that the address it comes to is for
	State       secret.Text
	Code        secret.Text
	Issuer      string        // RFC 9207, "" if there was none
	Error       string        // instead of a code, "" for none
	Browsers    []secret.Text // all that it may have kept of a departure
	RedirectURI string        // as at the departure
}

// Return is a flow that has come back.
type Return struct {
	Flow     gate.Flow // empty if it is not known
	Provider Provider
	Profile  connector.Profile
	Again    bool // it came back before, and led to Flow.Session

	state secret.Digest
}

// Arrive takes a browser back, once: whoever comes again within a moment learns
// what became of the first time, and nobody else anything. The Return says which
// flow it was also when it is refused.
//
// Refused: gate.ErrFlow when there is none, when another browser or another
// provider is in play, or when it came back before; gate.ErrProviderRefused,
// gate.ErrProviderAway, gate.ErrProviderSetup, gate.ErrProviderUntrusted, and
// what was refused the first time.
func (s *Service) Arrive(ctx context.Context, tenant gate.TenantID, a Arrival) (Return, error) {
	r := Return{state: secret.DigestOf(a.State)}
	first, err := s.claim(ctx, tenant, a, &r)
	if err != nil {
		return r, err
	}
	if !first {
		return r, s.waitForFirst(ctx, tenant, a, &r)
	}
	if a.Error != "" {
		err = gate.ErrProviderRefused.Because(errors.New("it answers with an error"))
	} else {
		r.Profile, err = r.Provider.Finish(ctx, connector.Answer{
			Code: a.Code, Issuer: a.Issuer, RedirectURI: a.RedirectURI, Nonce: s.derive("nonce", a.State), Verifier: secret.NewText(s.derive("verifier", a.State)),
		})
		err = inOurWords(err)
	}
	if err != nil {
		return r, s.Refuse(ctx, tenant, r, err)
	}
	return r, nil
}

// claim finds the flow and uses it up. It returns false for who came later.
func (s *Service) claim(ctx context.Context, tenant gate.TenantID, a Arrival, r *Return) (first bool, err error) {
	err = s.DB.Write(ctx, tenant, func(tx *store.Tx) error {
		if r.Flow, err = s.find(tx, a, r.state); err != nil {
			return err
		}
		if first, err = tx.UseFlow(r.state); err == nil && !first {
			r.Flow, err = s.find(tx, a, r.state) // since when, if that was just now
		}
		return err
	})
	if err == nil {
		provider, known := s.Providers[a.Provider]
		if r.Provider = provider; !known { // its settings went away meanwhile
			err = gate.ErrProviderUnknown
		}
	}
	return first, err
}

// find returns the flow, if this browser began it with this provider (RFC 9700
// §4.4: mix-up; §4.7: cross-site request forgery).
func (s *Service) find(tx *store.Tx, a Arrival, state secret.Digest) (gate.Flow, error) {
	var browsers []secret.Digest
	for _, b := range a.Browsers {
		if secret.WellFormed("fb", b) {
			browsers = append(browsers, secret.DigestOf(b))
		}
	}
	flow, err := tx.Flow(state, browsers...)
	switch {
	case errors.Is(err, gate.ErrNotFound):
		return gate.Flow{}, gate.ErrFlow.Because(errors.New("unknown, expired, or of another browser"))
	case err != nil:
		return gate.Flow{}, err
	case flow.Connector != a.Provider:
		return gate.Flow{}, gate.ErrFlow.Because(errors.New("begun with another provider"))
	}
	return flow, nil
}

// waitForFirst looks until the first to come back has been told something, and
// tells the same.
func (s *Service) waitForFirst(ctx context.Context, tenant gate.TenantID, a Arrival, r *Return) error {
	for range patience / glance {
		switch f := r.Flow; {
		case s.Clock().Sub(f.UsedAt) > echo:
			return gate.ErrFlow.Because(errors.New("it came back before"))
		case f.Session != "":
			r.Again = true
			return nil
		case f.Refusal != "":
			return refusal(f.Refusal)
		}
		select {
		case <-time.After(glance):
		case <-ctx.Done():
			return ctx.Err()
		}
		err := s.DB.Read(ctx, tenant, func(tx *store.Tx) (err error) {
			r.Flow, err = s.find(tx, a, r.state)
			return err
		})
		if err != nil {
			return err
		}
	}
	return gate.ErrFlow.Because(errors.New("it came back before, and nobody knows what became of it"))
}

// refusal is the declared error with a code.
func refusal(code string) error {
	for _, e := range gate.Catalogue() {
		if e.Code == code {
			return e
		}
	}
	return gate.ErrFlow.Because(errors.New("it was refused before: " + code))
}

// Refuse notes why a flow came to nothing, for who comes back again, and returns
// that.
func (s *Service) Refuse(ctx context.Context, tenant gate.TenantID, r Return, why error) error {
	err := s.DB.Write(ctx, tenant, func(tx *store.Tx) error { return tx.EndFlow(r.state, "", gate.AsError(why).Code) })
	if err != nil && !errors.Is(err, gate.ErrNotFound) {
		return err
	}
	return why
}

// Identity is an identity as the provider describes it today.
func (r Return) Identity(i gate.Identity) gate.Identity {
	i.Connector, i.Issuer, i.Subject = r.Flow.Connector, r.Profile.Issuer, r.Profile.Subject
	i.Email, i.EmailVerified = r.Profile.Email, r.Profile.EmailVerified
	return i
}

// End notes the session that a flow has led to, in the transaction that opens
// it.
func (r Return) End(tx *store.Tx, session gate.SessionID) error {
	return tx.EndFlow(r.state, session, "")
}
