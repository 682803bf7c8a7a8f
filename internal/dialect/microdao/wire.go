package microdao

import (
	"time"

	"github.com/gatehouse/gatehouse/internal/apikey"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/login"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/web/actor"
)

type loginRequest struct {
	Email    string      `json:"email" maxLength:"320" example:"user@daarion.city"`
	Password secret.Text `json:"password,omitempty"`
}

type refreshRequest struct {
	RefreshToken secret.Text `json:"refresh_token"`
}

type signedIn struct {
	SessionToken string         `json:"session_token"`
	Actor        actor.Identity `json:"actor"`
	ExpiresAt    string         `json:"expires_at" format:"date-time" doc:"when the session token expires"`
	RefreshToken string         `json:"refresh_token" doc:"for the next session token; works once"`
}

func signedInOf(a login.Admission) signedIn {
	return signedIn{SessionToken: a.Access.Reveal(), Actor: actor.Of(a.User.Principal()), ExpiresAt: stamp(a.ExpiresAt), RefreshToken: a.Refresh.Reveal()}
}

type status struct {
	Status string `json:"status"`
}

type keyRequest struct {
	Description string   `json:"description,omitempty" maxLength:"255"`
	ExpiresDays *int64   `json:"expires_days,omitempty" minimum:"0" maximum:"3650" nullable:"true" doc:"0 or absent: never"`
	Scopes      []string `json:"scopes,omitempty" doc:"* (without scopes), roles:<role>, roles:*, orgs:<id>, orgs:*"`
}

// wish is for a key that reaches as far as its actor, unless scopes say
// otherwise: the original knew none.
func (in keyRequest) wish() apikey.Wish {
	wish := apikey.Wish{Prefix: secret.MicroDAOKey, Label: in.Description, Scopes: apikey.Everything()}
	if in.ExpiresDays != nil {
		wish.Days = *in.ExpiresDays
	}
	if in.Scopes != nil {
		wish.Scopes = in.Scopes
	}
	return wish
}

type newKey struct {
	ID          gate.APIKeyID  `json:"id"`
	Key         string         `json:"key" doc:"shown this once"`
	ActorID     string         `json:"actor_id"`
	Actor       actor.Identity `json:"actor"`
	Description string         `json:"description"`
	Scopes      []string       `json:"scopes"`
	CreatedAt   string         `json:"created_at" format:"date-time"`
	ExpiresAt   *string        `json:"expires_at" format:"date-time"`
	LastUsed    *string        `json:"last_used" format:"date-time"`
	Active      bool           `json:"is_active"`
}

func newKeyOf(k gate.APIKey, shown secret.Text, who actor.Identity) newKey {
	return newKey{
		ID: k.ID, Key: shown.Reveal(), ActorID: who.ActorID, Actor: who, Description: k.Label, Scopes: k.Scopes,
		CreatedAt: stamp(k.CreatedAt), ExpiresAt: stampOrNull(k.ExpiresAt), Active: true,
	}
}

type listedKey struct {
	ID          gate.APIKeyID `json:"id"`
	Preview     string        `json:"key_preview" example:"dk_abc12..."`
	Description string        `json:"description"`
	Scopes      []string      `json:"scopes"`
	CreatedAt   string        `json:"created_at" format:"date-time"`
	ExpiresAt   *string       `json:"expires_at" format:"date-time"`
	LastUsed    *string       `json:"last_used" format:"date-time"`
	Active      bool          `json:"is_active"`
}

func listedKeyOf(k gate.APIKey, now time.Time) listedKey {
	scopes := k.Scopes
	if scopes == nil {
		scopes = []string{}
	}
	return listedKey{
		ID: k.ID, Preview: k.Preview + "...", Description: k.Label, Scopes: scopes,
		CreatedAt: stamp(k.CreatedAt), ExpiresAt: stampOrNull(k.ExpiresAt), LastUsed: stampOrNull(k.UsedAt), Active: k.Good(now),
	}
}

type revokedKey struct {
	Status string `json:"status"`
	KeyID  string `json:"key_id"`
}

type health struct {
	Status  string `json:"status" example:"ok"`
	Service string `json:"service"`
	Cause   string `json:"cause,omitempty"`
	Detail  string `json:"detail,omitempty"`
	Fix     string `json:"fix,omitempty"`
}

// stamp is Python's isoformat with a Z.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

func stampOrNull(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := stamp(t)
	return &text
}
