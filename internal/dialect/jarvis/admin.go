package jarvis

import (
	"net/http"
	"strconv"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/machine"
	"github.com/gatehouse/gatehouse/internal/web"
)

// adminRoutes are for whoever holds the admin token: installers and deploy
// scripts.
func (f *Face) adminRoutes() []web.Route {
	return forAdmin(
		web.Do(f.Web, http.MethodPost, "/admin/app-clients", "Create an app; its key is shown once", http.StatusCreated, f.admin, f.createApp).Refusing(gate.ErrAppTaken),
		web.Do(f.Web, http.MethodGet, "/admin/app-clients", "All apps", http.StatusOK, f.admin, f.apps),
		web.Do(f.Web, http.MethodPost, "/admin/app-clients/{app_id}/rotate", "Give an app another key", http.StatusOK, f.admin, f.rotateApp).Refusing(gate.ErrAppNotFound),
		web.Do(f.Web, http.MethodPost, "/admin/app-clients/{app_id}/revoke", "Let an app in nowhere any more", http.StatusOK, f.admin, f.revokeApp).Refusing(gate.ErrAppNotFound),
		web.Do(f.Web, http.MethodPost, "/admin/nodes", "Register a node; its key is shown once", http.StatusCreated, f.admin, f.addNode).
			Refusing(gate.ErrNodeTaken, gate.ErrOrgNotFound, gate.ErrUserNotFound, gate.ErrMemberNotFound),
		web.Do(f.Web, http.MethodGet, "/admin/nodes", "All nodes", http.StatusOK, f.admin, f.nodes),
		web.Do(f.Web, http.MethodGet, "/admin/nodes/{node_id}", "One node", http.StatusOK, f.admin, f.node).Refusing(gate.ErrNodeNotFound),
		web.Do(f.Web, http.MethodDelete, "/admin/nodes/{node_id}", "Let a node in nowhere any more", http.StatusOK, f.admin, f.disableNode).Refusing(gate.ErrNodeNotFound),
		web.Do(f.Web, http.MethodPost, "/admin/nodes/{node_id}/rotate-key", "Give a node another key", http.StatusOK, f.admin, f.rotateNode).Refusing(gate.ErrNodeNotFound),
		web.Do(f.Web, http.MethodPost, "/admin/nodes/{node_id}/services", "Let a node in to a service", http.StatusCreated, f.admin, f.grant).
			Refusing(gate.ErrNodeNotFound, gate.ErrGrantTaken),
		web.Do(f.Web, http.MethodDelete, "/admin/nodes/{node_id}/services/{service_id}", "Take a service from a node", http.StatusNoContent, f.admin, f.revokeGrant).
			Refusing(gate.ErrGrantNotFound),
		web.Do(f.Web, http.MethodPut, "/admin/users/{user_id}/superuser", "Make somebody a superuser, or not any more", http.StatusOK, f.admin, f.setSuperuser).
			Refusing(gate.ErrUserNotFound, gate.ErrLastAdmin),
		web.Do(f.Web, http.MethodGet, "/admin/users/by-email/{email}", "A user by address", http.StatusOK, f.admin, f.userByEmail).Refusing(gate.ErrUserNotFound),
		web.Do(f.Web, http.MethodGet, "/admin/users/{user_id}", "A user by id", http.StatusOK, f.admin, f.userByNumber).Refusing(gate.ErrUserNotFound, gate.ErrValidation),
	)
}

type superuserRequest struct {
	IsSuperuser bool `json:"is_superuser"`
}

type superuserChange struct {
	Success     bool   `json:"success"`
	UserID      int64  `json:"user_id"`
	Email       string `json:"email"`
	IsSuperuser bool   `json:"is_superuser"`
	Message     string `json:"message"`
}

type adminUser struct {
	ID          int64   `json:"id"`
	Email       string  `json:"email"`
	Username    *string `json:"username"`
	IsActive    bool    `json:"is_active"`
	IsSuperuser bool    `json:"is_superuser"`
}

func adminUserOf(u gate.User) adminUser {
	return adminUser{ID: u.Number, Email: u.Email, Username: orNull(u.Name()), IsActive: !u.Disabled(), IsSuperuser: u.HasRole(gate.RoleAdmin)}
}

func (f *Face) createApp(r *http.Request, caller gate.Caller, in appRequest) (newApp, error) {
	a, key, err := f.Machines.CreateApp(r.Context(), caller, in.AppID, in.Name)
	return newApp{AppID: a.Name, Name: a.Title, Key: key.Reveal(), CreatedAt: stamp(a.CreatedAt), LastRotatedAt: stampOrNull(a.RotatedAt)}, err
}

func (f *Face) apps(r *http.Request, caller gate.Caller, _ struct{}) ([]app, error) {
	all, err := f.Machines.Apps(r.Context(), caller, "", machine.MaxPage)
	return list(all, appOf), err
}

func (f *Face) rotateApp(r *http.Request, caller gate.Caller, _ struct{}) (rotatedApp, error) {
	a, key, err := f.Machines.RotateApp(r.Context(), caller, web.PathText(r, "app_id"))
	return rotatedApp{AppID: a.Name, Key: key.Reveal(), LastRotatedAt: stampOrNull(a.RotatedAt)}, err
}

func (f *Face) revokeApp(r *http.Request, caller gate.Caller, _ struct{}) (appStatus, error) {
	a, err := f.Machines.RevokeApp(r.Context(), caller, web.PathText(r, "app_id"))
	return appStatus{AppID: a.Name, IsActive: !a.Disabled()}, err
}

func (in nodeRequest) registration() machine.Registration {
	r := machine.Registration{Name: in.NodeID, Title: in.Name, Org: gate.OrgID(in.HouseholdID), Services: in.Services}
	if in.RegisteredByUserID != nil {
		r.RegisteredBy = *in.RegisteredByUserID
	}
	return r
}

func (f *Face) addNode(r *http.Request, caller gate.Caller, in nodeRequest) (newNode, error) {
	n, key, err := f.Machines.RegisterNode(r.Context(), caller, in.registration())
	return newNodeOf(n, key), err
}

func (f *Face) addHouseholdNode(r *http.Request, caller gate.Caller, in nodeRequest) (newNode, error) {
	if gate.OrgID(in.HouseholdID) != householdID(r) {
		return newNode{}, gate.ErrOrgMismatch
	}
	return f.addNode(r, caller, in)
}

func (f *Face) nodes(r *http.Request, caller gate.Caller, _ struct{}) ([]node, error) {
	all, err := f.Machines.Nodes(r.Context(), caller, machine.Page{})
	return list(all, nodeOf), err
}

func (f *Face) householdNodes(r *http.Request, caller gate.Caller, _ struct{}) ([]node, error) {
	all, err := f.Machines.NodesOf(r.Context(), caller, householdID(r), machine.Page{})
	return list(all, nodeOf), err
}

func (f *Face) node(r *http.Request, caller gate.Caller, _ struct{}) (nodeDetail, error) {
	n, err := f.Machines.Node(r.Context(), caller, web.PathText(r, "node_id"))
	return nodeDetailOf(n), err
}

func (f *Face) disableNode(r *http.Request, caller gate.Caller, _ struct{}) (nodeStatus, error) {
	n, err := f.Machines.DisableNode(r.Context(), caller, web.PathText(r, "node_id"))
	return nodeStatus{NodeID: n.Name, IsActive: !n.Disabled()}, toApp(caller, err)
}

func (f *Face) rotateNode(r *http.Request, caller gate.Caller, _ struct{}) (rotatedNode, error) {
	n, key, err := f.Machines.RotateNode(r.Context(), caller, web.PathText(r, "node_id"))
	return rotatedNode{NodeID: n.Name, NodeKey: key.Reveal(), LastRotatedAt: stampOrNull(n.RotatedAt)}, err
}

func (f *Face) grant(r *http.Request, caller gate.Caller, in serviceRequest) (granted, error) {
	g, err := f.Machines.GrantService(r.Context(), caller, web.PathText(r, "node_id"), in.ServiceID)
	return granted{NodeID: web.PathText(r, "node_id"), ServiceID: g.Service, GrantedAt: stamp(g.GrantedAt)}, toApp(caller, err)
}

func (f *Face) revokeGrant(r *http.Request, caller gate.Caller, _ struct{}) (struct{}, error) {
	return struct{}{}, toApp(caller, f.Machines.RevokeService(r.Context(), caller, web.PathText(r, "node_id"), web.PathText(r, "service_id")))
}

// toApp tells an app what it may not: the words for users do not fit.
func toApp(caller gate.Caller, err error) error {
	if e := gate.AsError(err); err != nil && e.Code == gate.ErrForbidden.Code && caller.Kind == gate.KindApp {
		return e.Saying("An app decides about itself and its own nodes alone.")
	}
	return err
}

func (f *Face) setSuperuser(r *http.Request, caller gate.Caller, in superuserRequest) (superuserChange, error) {
	number, err := web.PathNumber(r, "user_id")
	if err != nil {
		return superuserChange{}, err
	}
	u, changed, err := f.Account.SetRoleOf(r.Context(), caller, number, gate.RoleAdmin, in.IsSuperuser)
	if err != nil {
		return superuserChange{}, named(err, number)
	}
	out := superuserChange{Success: true, UserID: u.Number, Email: u.Email, IsSuperuser: in.IsSuperuser}
	switch {
	case !changed && in.IsSuperuser:
		out.Message = "User " + u.Email + " already has is_superuser=True"
	case !changed:
		out.Message = "User " + u.Email + " already has is_superuser=False"
	case in.IsSuperuser:
		out.Message = "Superuser access granted for user " + u.Email
	default:
		out.Message = "Superuser access revoked for user " + u.Email
	}
	return out, nil
}

func (f *Face) userByNumber(r *http.Request, caller gate.Caller, _ struct{}) (adminUser, error) {
	number, err := web.PathNumber(r, "user_id")
	if err != nil {
		return adminUser{}, err
	}
	u, err := f.Account.FindNumber(r.Context(), caller, number)
	return adminUserOf(u), named(err, number)
}

func (f *Face) userByEmail(r *http.Request, caller gate.Caller, _ struct{}) (adminUser, error) {
	address := web.PathText(r, "email")
	u, err := f.Account.FindAddress(r.Context(), caller, address)
	if e := gate.AsError(err); err != nil && e.Code == gate.ErrUserNotFound.Code {
		err = e.Saying("User with email " + gate.Clip(address, 255) + " not found")
	}
	return adminUserOf(u), err
}

// named says which user there is not.
func named(err error, number int64) error {
	if e := gate.AsError(err); err != nil && e.Code == gate.ErrUserNotFound.Code {
		return e.Saying("User with ID " + strconv.FormatInt(number, 10) + " not found")
	}
	return err
}
