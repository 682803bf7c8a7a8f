package machine

import (
	"context"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/policy"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
)

// CreateApp makes an app and its key, for an administrator.
//
// Refused: gate.ErrForbidden, gate.ErrValidation, gate.ErrAppTaken.
func (s *Service) CreateApp(ctx context.Context, caller gate.Caller, name, title string) (app gate.App, key secret.Text, err error) {
	if err := policy.May(caller, policy.ManageMachines); err != nil {
		return app, key, err
	}
	if err := refuse(append(checkText("name", name), checkText("title", title)...)); err != nil {
		return app, key, err
	}
	made := newKey()
	err = s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) (err error) {
		if app, err = tx.AddApp(gate.App{ID: newID(), Name: name, Title: title}); err != nil {
			return err
		}
		if err := tx.SetKey(app.ID, secret.DigestOf(made)); err != nil {
			return err
		}
		return tx.Record(caller.Event(gate.EventAppCreated, app.ID, "", map[string]string{"name": name}))
	})
	if err != nil {
		return gate.App{}, key, err
	}
	return app, made, nil
}

// Apps returns at most limit apps whose name comes after the given one, by name,
// for an administrator. A limit of 0 is MaxPage.
//
// Refused: gate.ErrForbidden.
func (s *Service) Apps(ctx context.Context, caller gate.Caller, after string, limit int) (apps []gate.App, err error) {
	if err := policy.May(caller, policy.ManageMachines); err != nil {
		return nil, err
	}
	err = s.DB.Read(ctx, caller.Tenant, func(tx *store.Tx) (err error) {
		apps, err = tx.Apps(after, page(limit))
		return err
	})
	return apps, err
}

// RotateApp gives an app a new key, for an administrator. The old one stops
// working at once. An app that was revoked stays revoked: a new key is not a
// pardon.
//
// Refused: gate.ErrForbidden, gate.ErrAppNotFound.
func (s *Service) RotateApp(ctx context.Context, caller gate.Caller, name string) (app gate.App, key secret.Text, err error) {
	made := newKey()
	app, err = s.changeApp(ctx, caller, name, func(tx *store.Tx, app gate.App) error {
		if err := tx.RotateKey(app.ID, secret.DigestOf(made)); err != nil {
			return err
		}
		return tx.Record(caller.Event(gate.EventKeyRotated, app.ID, "", nil))
	})
	if err != nil {
		return app, key, err
	}
	return app, made, nil
}

// RevokeApp disables an app, for an administrator. Doing it again does nothing.
//
// Refused: gate.ErrForbidden, gate.ErrAppNotFound.
func (s *Service) RevokeApp(ctx context.Context, caller gate.Caller, name string) (gate.App, error) {
	return s.setAppDisabled(ctx, caller, name, true, gate.EventAppDisabled)
}

// EnableApp lets an app that was revoked act again, with the key it has now, for
// an administrator. Doing it again does nothing.
//
// Refused: gate.ErrForbidden, gate.ErrAppNotFound.
func (s *Service) EnableApp(ctx context.Context, caller gate.Caller, name string) (gate.App, error) {
	return s.setAppDisabled(ctx, caller, name, false, gate.EventAppEnabled)
}

func (s *Service) setAppDisabled(ctx context.Context, caller gate.Caller, name string, disabled bool, event string) (gate.App, error) {
	return s.changeApp(ctx, caller, name, func(tx *store.Tx, app gate.App) error {
		changed, err := tx.SetDisabled(app.ID, disabled)
		if err != nil || !changed {
			return err
		}
		return tx.Record(caller.Event(event, app.ID, "", nil))
	})
}

// changeApp does something to an app and returns what it is after that.
func (s *Service) changeApp(ctx context.Context, caller gate.Caller, name string, change func(*store.Tx, gate.App) error) (app gate.App, err error) {
	if err := policy.May(caller, policy.ManageMachines); err != nil {
		return app, err
	}
	err = s.DB.Write(ctx, caller.Tenant, func(tx *store.Tx) error {
		found, err := tx.App(name)
		if err != nil {
			return or(err, gate.ErrAppNotFound)
		}
		if err := change(tx, found); err != nil {
			return err
		}
		app, err = tx.App(name)
		return err
	})
	if err != nil {
		return gate.App{}, err
	}
	return app, nil
}
