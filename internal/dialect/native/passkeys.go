package native

import (
	"net/http"
	"time"

	"github.com/gatehouse/gatehouse/internal/account"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/passkeys"
	"github.com/gatehouse/gatehouse/internal/web"
)

// passkeyRoutes are about passkeys (W3C Web Authentication Level 3): those of
// whoever is signed in, and signing in with one. What browsers are told and
// what they answer is JSON as PublicKeyCredential.parse…FromJSON and toJSON
// have it.
func (f *Face) passkeyRoutes() []web.Route {
	const all, one = "/api/v1/passkeys", "/api/v1/passkeys/{id}"
	mine := func(r web.Route) web.Route { return f.credential(r).Refusing(gate.ErrNeedsSession) }
	return []web.Route{
		mine(web.Do(f.Web, http.MethodGet, all, "List my passkeys, the oldest first", http.StatusOK, f.caller, f.listPasskeys)),
		mine(web.Do(f.Web, http.MethodPost, all+"/options", "Begin to add a passkey", http.StatusOK, f.caller, f.beginPasskey)).
			Describing("Hand the answer to navigator.credentials.create."),
		mine(web.Do(f.Web, http.MethodPost, all, "Add the passkey that the browser made", http.StatusCreated, f.caller, f.addPasskey)).
			Refusing(gate.ErrChallenge, gate.ErrPasskey, gate.ErrPasskeyTaken, gate.ErrPasskeyLimit),
		mine(web.Do(f.Web, http.MethodPatch, one, "Call one of my passkeys something else", http.StatusNoContent, f.caller, f.renamePasskey)).
			Refusing(gate.ErrPasskeyAbsent),
		mine(web.Do(f.Web, http.MethodDelete, one, "Remove one of my passkeys", http.StatusNoContent, f.caller, f.removePasskey)).
			Describing("Not the last thing that one can sign in with.").Refusing(gate.ErrPasskeyAbsent, gate.ErrLastWayIn),
		web.Post(f.Web, "/api/v1/login/passkey/options", "Begin to sign in with a passkey", http.StatusOK, f.beginPasskeyLogin).
			Describing("Hand the answer to navigator.credentials.get. It is the same for everybody: the authenticator knows whose passkeys it has.").
			WithoutDatabase(nil),
		web.Post(f.Web, "/api/v1/login/passkey", "Sign in with a passkey", http.StatusOK, f.passkeyLogin).
			Refusing(gate.ErrChallenge, gate.ErrPasskey, gate.ErrPasskeyUnknown, gate.ErrDisabled),
	}
}

type passkeyView struct {
	ID         gate.PasskeyID `json:"id" format:"uuid"`
	Label      string         `json:"label"`
	AAGUID     string         `json:"aaguid" doc:"the model of authenticator"`
	Transports []string       `json:"transports"`
	BackedUp   bool           `json:"backed_up" doc:"it is on other devices of its owner, too"`
	CreatedAt  string         `json:"created_at" format:"date-time"`
	UsedAt     string         `json:"used_at,omitempty" format:"date-time"`
}

func passkeyViewOf(k gate.Passkey) passkeyView {
	view := passkeyView{
		ID: k.ID, Label: k.Label, AAGUID: k.AAGUID, Transports: append([]string{}, k.Transports...), BackedUp: k.BackedUp,
		CreatedAt: k.CreatedAt.Format(time.RFC3339Nano),
	}
	if !k.UsedAt.IsZero() {
		view.UsedAt = k.UsedAt.Format(time.RFC3339Nano)
	}
	return view
}

type passkeyList struct {
	Items []passkeyView `json:"items"`
}

type freshPasskey struct {
	Label      string     `json:"label,omitempty" maxLength:"255" example:"My phone"`
	Credential web.Object `json:"credential" doc:"RegistrationResponseJSON"`
}

type labelRequest struct {
	Label string `json:"label" maxLength:"255"`
}

type assertionRequest struct {
	Credential web.Object `json:"credential" doc:"AuthenticationResponseJSON"`
}

func (f *Face) listPasskeys(r *http.Request, caller gate.Caller, _ struct{}) (passkeyList, error) {
	kept, err := f.Account.MyPasskeys(r.Context(), caller)
	list := passkeyList{Items: []passkeyView{}}
	for _, k := range kept {
		list.Items = append(list.Items, passkeyViewOf(k))
	}
	return list, err
}

func (f *Face) beginPasskey(r *http.Request, caller gate.Caller, _ struct{}) (passkeys.Creation, error) {
	return f.Account.PasskeyCreation(r.Context(), caller, account.PasskeyFor{})
}

func (f *Face) addPasskey(r *http.Request, caller gate.Caller, in freshPasskey) (passkeyView, error) {
	kept, err := f.Account.AddPasskey(r.Context(), caller, account.PasskeyFor{Label: in.Label}, in.Credential)
	return passkeyViewOf(kept), err
}

func (f *Face) renamePasskey(r *http.Request, caller gate.Caller, in labelRequest) (struct{}, error) {
	return struct{}{}, f.Account.RenamePasskey(r.Context(), caller, gate.PasskeyID(web.PathText(r, "id")), in.Label)
}

func (f *Face) removePasskey(r *http.Request, caller gate.Caller, _ struct{}) (struct{}, error) {
	return struct{}{}, f.Account.RemovePasskey(r.Context(), caller, gate.PasskeyID(web.PathText(r, "id")))
}

func (f *Face) beginPasskeyLogin(*http.Request, gate.Caller, struct{}) (passkeys.Request, error) {
	return f.Login.PasskeyRequest(), nil
}

func (f *Face) passkeyLogin(r *http.Request, caller gate.Caller, in assertionRequest) (signedIn, error) {
	a, err := f.Login.WithPasskey(r.Context(), caller, in.Credential)
	return signedIn{Tokens: tokensOf(a), User: userOf(a.User)}, err
}
