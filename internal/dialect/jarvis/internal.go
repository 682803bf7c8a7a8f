package jarvis

import (
	"cmp"
	"errors"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json"

	"github.com/gatehouse/gatehouse/internal/authn"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/web"
)

// internalRoutes are what apps ask: about themselves, nodes, and people.
func (f *Face) internalRoutes() []web.Route {
	own := []web.Route{
		web.PostBy[validateAppRequest, appVerdict]("/internal/validate-app", "Are these an app's name and key?", http.StatusOK, f.validateApp).Unlogged(),
	}
	return append(own, forApp(
		web.Get[ping]("/internal/app-ping", "Which app am I?", f.appPing).Unlogged(),
		web.PostBy[validateNodeRequest, nodeVerdict]("/internal/validate-node", "Is this a node's key, and may it use the service?", http.StatusOK, f.validateNode).Unlogged(),
		web.Do(f.Web, http.MethodPost, "/internal/nodes/register", "Register a node, which may then use the app that does it", http.StatusCreated, f.app, f.registerNode).
			Refusing(gate.ErrNodeTaken, gate.ErrOrgNotFound, gate.ErrUserNotFound, gate.ErrMemberNotFound),
		web.Do(f.Web, http.MethodPost, "/internal/nodes/{node_id}/services", "Let a node in to the app", http.StatusCreated, f.app, f.grant).
			Refusing(gate.ErrForbidden, gate.ErrNodeNotFound, gate.ErrGrantTaken),
		web.Do(f.Web, http.MethodDelete, "/internal/nodes/{node_id}/services/{service_id}", "Do not let a node in to the app any more", http.StatusNoContent, f.app, f.revokeGrant).
			Refusing(gate.ErrForbidden, gate.ErrGrantNotFound),
		web.Do(f.Web, http.MethodDelete, "/internal/nodes/{node_id}", "Let a node of the app in nowhere any more", http.StatusOK, f.app, f.disableNode).
			Refusing(gate.ErrForbidden, gate.ErrNodeNotFound),
		web.Do(f.Web, http.MethodPost, "/internal/validate-household-access", "Is a user in a household what is required?", http.StatusOK, f.app, f.validateAccess),
		web.Do(f.Web, http.MethodPost, "/internal/validate-node-household", "Is a node of a household?", http.StatusOK, f.app, f.validateNodeHousehold),
		web.Do(f.Web, http.MethodGet, "/internal/users/batch", "What users are called", http.StatusOK, f.app, f.userNames).
			Asking(web.Param{Name: "user_ids", Type: "integer", Many: true, Required: true}).Refusing(gate.ErrTooMany, gate.ErrValidation),
	)...)
}

type accessRequest struct {
	UserID       int64  `json:"user_id"`
	HouseholdID  string `json:"household_id"`
	RequiredRole string `json:"required_role" enum:"member,power_user,admin"`
}

type accessVerdict struct {
	Valid       bool    `json:"valid"`
	UserID      *int64  `json:"user_id"`
	HouseholdID *string `json:"household_id"`
	Role        *string `json:"role"`
	Reason      *string `json:"reason"`
}

type nodeHouseholdRequest struct {
	NodeID      string `json:"node_id"`
	HouseholdID string `json:"household_id"`
}

type nodeHouseholdVerdict struct {
	Valid       bool    `json:"valid"`
	NodeID      *string `json:"node_id"`
	HouseholdID *string `json:"household_id"`
	Reason      *string `json:"reason"`
}

type userNames struct {
	Users map[string]string `json:"users"`
}

func (f *Face) appPing(w http.ResponseWriter, r *http.Request) error {
	verified, err := f.verifyApp(r)
	if err != nil {
		return err
	}
	raw, err := verified.Rendered(authn.SlotMe, func(v *authn.VerifiedApp) ([]byte, error) {
		return json.Marshal(ping{AppID: v.App.Name, Name: v.App.Title})
	})
	if err != nil {
		return err
	}
	return web.ReplyJSON(w, http.StatusOK, raw)
}

// validateApp answers for the headers if they are there, else for the body.
func (f *Face) validateApp(w http.ResponseWriter, r *http.Request) error {
	verified, err := f.verifyApp(r)
	if errors.Is(err, gate.ErrMissingKey) {
		in, wrong := web.Decode[validateAppRequest](f.Web, r)
		if wrong != nil {
			return wrong
		}
		verified, err = f.Keys.App(r.Context(), f.Web.Tenant, in.AppID, in.AppKey)
	}
	if e := gate.AsError(err); err != nil && e.Kind == gate.Unauthenticated {
		return web.Reply(w, http.StatusOK, appVerdict{Reason: orNull(words[e.Code])})
	}
	if err != nil {
		return err
	}
	raw, err := verified.Rendered(authn.SlotIntrospect, func(v *authn.VerifiedApp) ([]byte, error) {
		return json.Marshal(appVerdict{Valid: true, AppID: &v.App.Name, Name: &v.App.Title})
	})
	if err != nil {
		return err
	}
	return web.ReplyJSON(w, http.StatusOK, raw)
}

// validateNode is called for every request of every node.
func (f *Face) validateNode(w http.ResponseWriter, r *http.Request) error {
	in, wrong := web.Decode[validateNodeRequest](f.Web, r)
	if wrong != nil {
		_, err := f.verifyApp(r) // first of all, who asks
		return cmp.Or(err, wrong)
	}
	verdict, err := f.Keys.Node(r.Context(), f.Web.Tenant, authn.NodeQuestion{
		App: r.Header.Get(appID), AppKey: header(r, appKey), Node: in.NodeID, NodeKey: in.NodeKey, Service: in.ServiceID,
	})
	if err != nil {
		return err
	}
	raw, err := verdict.Rendered(authn.SlotIntrospect, func(v *authn.NodeVerdict) ([]byte, error) { return json.Marshal(nodeVerdictOf(v)) })
	if err != nil {
		return err
	}
	return web.ReplyJSON(w, http.StatusOK, raw)
}

func (f *Face) registerNode(r *http.Request, caller gate.Caller, in nodeRequest) (nodeKey, error) {
	n, key, err := f.Machines.RegisterNode(r.Context(), caller, in.registration())
	return nodeKey{NodeID: n.Name, NodeKey: key.Reveal()}, err
}

func (f *Face) validateAccess(r *http.Request, caller gate.Caller, in accessRequest) (accessVerdict, error) {
	a, err := f.Orgs.Access(r.Context(), caller, in.UserID, gate.OrgID(in.HouseholdID), gate.OrgRole(in.RequiredRole))
	if err != nil || a.Valid {
		return accessVerdict{Valid: a.Valid, UserID: &in.UserID, HouseholdID: &in.HouseholdID, Role: orNull(string(a.Role))}, err
	}
	reason := "User is not a member of this household"
	if a.Role != "" {
		reason = "User has " + string(a.Role) + " role, requires " + in.RequiredRole + " or higher"
	}
	return accessVerdict{Reason: &reason}, nil
}

func (f *Face) validateNodeHousehold(r *http.Request, caller gate.Caller, in nodeHouseholdRequest) (nodeHouseholdVerdict, error) {
	belongs, err := f.Machines.Belongs(r.Context(), caller, in.NodeID, gate.OrgID(in.HouseholdID))
	var reason string
	switch {
	case errors.Is(err, gate.ErrNodeNotFound):
		reason = "Node not found"
	case err != nil:
		return nodeHouseholdVerdict{}, err
	case !belongs:
		reason = "Node does not belong to this household"
	default:
		return nodeHouseholdVerdict{Valid: true, NodeID: &in.NodeID, HouseholdID: &in.HouseholdID}, nil
	}
	return nodeHouseholdVerdict{Reason: &reason}, nil
}

func (f *Face) userNames(r *http.Request, caller gate.Caller, _ struct{}) (userNames, error) {
	numbers, err := web.QueryNumbers(r, "user_ids")
	if err != nil {
		return userNames{}, err
	}
	names, err := f.Account.Names(r.Context(), caller, numbers)
	out := userNames{Users: map[string]string{}}
	for number, name := range names {
		out.Users[strconv.FormatInt(number, 10)] = name
	}
	return out, err
}
