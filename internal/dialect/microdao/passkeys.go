package microdao

import (
	"errors"
	"net/http"

	"github.com/gatehouse/gatehouse/internal/account"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/passkeys"
	"github.com/gatehouse/gatehouse/internal/web"
)

type passkeyFor struct {
	Email       string `json:"email" minLength:"3" maxLength:"255"`
	Username    string `json:"username,omitempty" maxLength:"255" doc:"shown for display_name, if that is absent"`
	DisplayName string `json:"display_name,omitempty" maxLength:"100"`
}

func (in passkeyFor) of() account.PasskeyFor {
	of := account.PasskeyFor{Email: in.Email, DisplayName: in.DisplayName}
	if of.DisplayName == "" {
		of.DisplayName = in.Username
	}
	return of
}

type creationOptions struct {
	Options   passkeys.Creation `json:"options"`
	Challenge string            `json:"challenge"`
}

type newPasskey struct {
	Email       string     `json:"email" minLength:"3" maxLength:"255"`
	DisplayName string     `json:"display_name,omitempty" maxLength:"100"`
	Credential  web.Object `json:"credential" doc:"RegistrationResponseJSON"`
}

type added struct {
	Success bool             `json:"success"`
	UserID  gate.PrincipalID `json:"user_id" format:"uuid"`
	Message string           `json:"message"`
}

type signInFor struct {
	Email string `json:"email,omitempty" maxLength:"255" doc:"has no effect"`
}

type requestOptions struct {
	Options   passkeys.Request `json:"options"`
	Challenge string           `json:"challenge"`
}

type passkeyAnswer struct {
	Credential web.Object `json:"credential" doc:"AuthenticationResponseJSON"`
}

// callerOrNewcomer is who is signed in, or nobody yet. A credential that is no
// good makes nobody: as everywhere at this face, it counts for nothing.
func (f *Face) callerOrNewcomer(r *http.Request) (gate.Caller, error) {
	caller, err := f.caller(r)
	if e := gate.AsError(err); err != nil && e.Kind == gate.Unauthenticated && !errors.Is(err, gate.ErrCredentials) {
		return f.Web.Caller(r), nil
	}
	return caller, err
}

func (f *Face) startPasskey(r *http.Request, caller gate.Caller, in passkeyFor) (creationOptions, error) {
	options, err := f.Account.PasskeyCreation(r.Context(), caller, in.of())
	return creationOptions{options, options.Challenge}, err
}

func (f *Face) finishPasskey(r *http.Request, caller gate.Caller, in newPasskey) (added, error) {
	kept, err := f.Account.AddPasskey(r.Context(), caller, account.PasskeyFor{Email: in.Email, DisplayName: in.DisplayName}, in.Credential)
	return added{Success: true, UserID: kept.Principal, Message: "Passkey registered successfully"}, err
}

func (f *Face) startSignIn(_ *http.Request, _ gate.Caller, _ signInFor) (requestOptions, error) {
	options := f.Login.PasskeyRequest()
	return requestOptions{options, options.Challenge}, nil
}

func (f *Face) finishSignIn(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Decode[passkeyAnswer](f.Web, r)
	if err != nil {
		return err
	}
	a, err := f.Login.WithPasskey(r.Context(), f.Web.Caller(r), in.Credential)
	if err != nil {
		return err
	}
	return f.signIn(w, a)
}
