package authn

import (
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
)

// AdminToken lets who knows a secret of the configuration act as the operator.
// Without a secret it lets nobody in.
type AdminToken struct{ Token secret.Text }

// Caller returns the caller acting as the operator, through the face that it
// came through, or gate.ErrAdminToken when the token is not set, or the one
// presented is missing or wrong.
func (a AdminToken) Caller(anonymous gate.Caller, presented secret.Text) (gate.Caller, error) {
	if a.Token.Empty() || !secret.Equal(a.Token, presented) {
		return anonymous, gate.ErrAdminToken
	}
	operator := gate.OperatorCaller(anonymous.Tenant)
	anonymous.Principal, anonymous.Kind, anonymous.Name, anonymous.Session, anonymous.Roles = operator.Principal, operator.Kind, "", "", operator.Roles
	return anonymous, nil
}
