package native

import (
	"net/http"
	"time"

	"github.com/gatehouse/gatehouse/internal/apikey"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/web"
)

// agents are the routes of one kind of principals that people own.
type agents struct {
	*Face
	kind gate.PrincipalKind
	path string
	one  string
}

func (k agents) routes() []web.Route {
	own := k.path + "/{name}"
	return []web.Route{
		k.credential(web.Do(k.Web, http.MethodPost, k.path, "Create "+k.one, http.StatusCreated, k.caller, k.create)).
			Describing("It may never do more than its owner: you, unless an org or (for administrators) another user is named.").
			Refusing(gate.ErrNeedsSession, gate.ErrForbidden, gate.ErrNotMember, gate.ErrAgentTaken, gate.ErrOrgLimit, gate.ErrUserNotFound),
		k.credential(web.Do(k.Web, http.MethodGet, k.path, "List those that I manage, by name", http.StatusOK, k.caller, k.list)).
			Asking(web.Param{Name: "after", Doc: "begin behind this name"}, web.Param{Name: "limit", Type: "integer", Doc: "from 1 to 1000"}).
			Refusing(gate.ErrForbidden, gate.ErrValidation),
		k.credential(web.Do(k.Web, http.MethodGet, own, "Show "+k.one+", its orgs and its keys", http.StatusOK, k.caller, k.get)).Refusing(gate.ErrAgentNotFound),
		k.managed(web.Do(k.Web, http.MethodDelete, own, "Remove "+k.one, http.StatusNoContent, k.caller, k.remove)),
		k.managed(web.Do(k.Web, http.MethodPost, own+"/disable", "Let nothing of it work any more", http.StatusNoContent, k.caller, k.disable)),
		k.managed(web.Do(k.Web, http.MethodPost, own+"/enable", "Let it work again", http.StatusNoContent, k.caller, k.enable)),
		k.managed(web.Do(k.Web, http.MethodPut, own+"/orgs/{org}", "Make it a member of an org, or give it another role there", http.StatusNoContent, k.caller, k.enter)).
			Describing("At most the role that you have there.").Refusing(gate.ErrAgentRights, gate.ErrOrgLimit),
		k.managed(web.Do(k.Web, http.MethodDelete, own+"/orgs/{org}", "End its membership", http.StatusNoContent, k.caller, k.leave)).
			Refusing(gate.ErrMemberNotFound),
		k.managed(web.Do(k.Web, http.MethodPut, own+"/roles/{role}", "Give it a role of the house", http.StatusNoContent, k.caller, k.grant)).
			Describing("None that you do not hold; it reaches as far as its owner holds it.").Refusing(gate.ErrAgentRights),
		k.managed(web.Do(k.Web, http.MethodDelete, own+"/roles/{role}", "Take a role from it", http.StatusNoContent, k.caller, k.withdraw)),
		k.managed(web.Do(k.Web, http.MethodPost, own+"/keys", "Create an API key for it, which is shown this once", http.StatusCreated, k.caller, k.createKey)).
			Refusing(gate.ErrScope, gate.ErrAPIKeyLimit, gate.ErrAgentDisabled),
		k.managed(web.Do(k.Web, http.MethodDelete, own+"/keys/{id}", "Revoke one of its API keys", http.StatusNoContent, k.caller, k.revokeKey)).
			Refusing(gate.ErrAPIKeyNotFound),
	}
}

func (k agents) managed(r web.Route) web.Route {
	return k.credential(r).Refusing(gate.ErrNeedsSession, gate.ErrAgentNotFound)
}

func (k agents) create(r *http.Request, caller gate.Caller, in agentRequest) (AgentView, error) {
	a, err := k.Agents.Create(r.Context(), caller, gate.Agent{
		Kind: k.kind, Name: in.Name, Title: in.Title, Owner: gate.Owner{User: gate.PrincipalID(in.OwnerUser), Org: gate.OrgID(in.OwnerOrg)},
	})
	return agentViewOf(a), err
}

func (k agents) list(r *http.Request, caller gate.Caller, _ struct{}) (agentList, error) {
	limit, err := web.QueryNumber(r, "limit", 0, 1, 1000)
	if err != nil {
		return agentList{}, err
	}
	found, err := k.Agents.List(r.Context(), caller, k.kind, r.URL.Query().Get("after"), int(limit))
	list := agentList{Items: []AgentView{}}
	for _, a := range found {
		list.Items = append(list.Items, agentViewOf(a))
	}
	return list, err
}

func (k agents) get(r *http.Request, caller gate.Caller, _ struct{}) (wholeAgent, error) {
	w, err := k.Agents.Get(r.Context(), caller, k.kind, web.PathText(r, "name"))
	whole := wholeAgent{AgentView: agentViewOf(w.Agent), Roles: append([]gate.Role{}, w.Roles...), Orgs: []membership{}, Keys: apiKeysOf(w.Keys, k.Web.Clock())}
	for _, m := range w.Memberships {
		whole.Orgs = append(whole.Orgs, membership{m.Org, m.Kind, m.Role})
	}
	return whole, err
}

func (k agents) remove(r *http.Request, caller gate.Caller, _ struct{}) (struct{}, error) {
	return struct{}{}, k.Agents.Remove(r.Context(), caller, k.kind, web.PathText(r, "name"))
}

func (k agents) disable(r *http.Request, caller gate.Caller, _ struct{}) (struct{}, error) {
	return struct{}{}, k.Agents.SetDisabled(r.Context(), caller, k.kind, web.PathText(r, "name"), true)
}

func (k agents) enable(r *http.Request, caller gate.Caller, _ struct{}) (struct{}, error) {
	return struct{}{}, k.Agents.SetDisabled(r.Context(), caller, k.kind, web.PathText(r, "name"), false)
}

func (k agents) enter(r *http.Request, caller gate.Caller, in roleRequest) (struct{}, error) {
	return struct{}{}, k.Agents.Place(r.Context(), caller, k.kind, web.PathText(r, "name"), gate.OrgID(web.PathText(r, "org")), gate.OrgRole(in.Role))
}

func (k agents) leave(r *http.Request, caller gate.Caller, _ struct{}) (struct{}, error) {
	return struct{}{}, k.Agents.Place(r.Context(), caller, k.kind, web.PathText(r, "name"), gate.OrgID(web.PathText(r, "org")), "")
}

func (k agents) grant(r *http.Request, caller gate.Caller, _ struct{}) (struct{}, error) {
	return struct{}{}, k.Agents.SetRole(r.Context(), caller, k.kind, web.PathText(r, "name"), gate.Role(web.PathText(r, "role")), true)
}

func (k agents) withdraw(r *http.Request, caller gate.Caller, _ struct{}) (struct{}, error) {
	return struct{}{}, k.Agents.SetRole(r.Context(), caller, k.kind, web.PathText(r, "name"), gate.Role(web.PathText(r, "role")), false)
}

func (k agents) createKey(r *http.Request, caller gate.Caller, in keyRequest) (newKey, error) {
	key, shown, err := k.Agents.CreateKey(r.Context(), caller, k.kind, web.PathText(r, "name"), in.wish())
	return newKey{APIKey: apiKeyOf(key, k.Web.Clock()), Key: shown.Reveal()}, err
}

func (k agents) revokeKey(r *http.Request, caller gate.Caller, _ struct{}) (struct{}, error) {
	return struct{}{}, k.Agents.RevokeKey(r.Context(), caller, k.kind, web.PathText(r, "name"), gate.APIKeyID(web.PathText(r, "id")))
}

type agentRequest struct {
	Name      string `json:"name" minLength:"1" maxLength:"255" doc:"what it calls itself by" example:"sofia"`
	Title     string `json:"title" minLength:"1" maxLength:"255" doc:"what people call it"`
	OwnerUser string `json:"owner_user,omitempty" doc:"a user's id, for administrators"`
	OwnerOrg  string `json:"owner_org,omitempty" doc:"an org's id, for its administrators"`
}

type roleRequest struct {
	Role string `json:"role" enum:"member,power_user,admin"`
}

// AgentView is an agent or a service.
type AgentView struct {
	ID        gate.PrincipalID   `json:"id" format:"uuid"`
	Kind      gate.PrincipalKind `json:"kind" example:"agent"`
	Name      string             `json:"name"`
	Title     string             `json:"title"`
	OwnerUser gate.PrincipalID   `json:"owner_user,omitempty"`
	OwnerOrg  gate.OrgID         `json:"owner_org,omitempty"`
	Disabled  bool               `json:"disabled"`
	CreatedAt string             `json:"created_at" format:"date-time"`
}

func agentViewOf(a gate.Agent) AgentView {
	return AgentView{
		ID: a.ID, Kind: a.Kind, Name: a.Name, Title: a.Title, OwnerUser: a.Owner.User, OwnerOrg: a.Owner.Org, Disabled: a.Disabled(),
		CreatedAt: a.CreatedAt.Format(time.RFC3339Nano),
	}
}

type agentList struct {
	Items []AgentView `json:"items"`
}

type membership struct {
	Org  gate.OrgID   `json:"org"`
	Kind gate.OrgKind `json:"kind"`
	Role gate.OrgRole `json:"role"`
}

type wholeAgent struct {
	AgentView
	Roles []gate.Role  `json:"roles"`
	Orgs  []membership `json:"orgs"`
	Keys  []APIKey     `json:"keys"`
}

type keyRequest struct {
	Description string   `json:"description,omitempty" maxLength:"255"`
	ExpiresDays *int64   `json:"expires_days,omitempty" minimum:"0" maximum:"3650" nullable:"true" doc:"0 or absent: never"`
	Scopes      []string `json:"scopes,omitempty" doc:"*, roles:<role>, roles:*, orgs:<id>, orgs:*; none: only who it is"`
}

func (in keyRequest) wish() apikey.Wish {
	wish := apikey.Wish{Prefix: secret.NativeKey, Label: in.Description, Scopes: in.Scopes}
	if in.ExpiresDays != nil {
		wish.Days = *in.ExpiresDays
	}
	return wish
}

// APIKey is a key without the key itself.
type APIKey struct {
	ID          gate.APIKeyID `json:"id" format:"uuid"`
	Preview     string        `json:"preview" doc:"how the key begins"`
	Description string        `json:"description"`
	Scopes      []string      `json:"scopes"`
	CreatedAt   string        `json:"created_at" format:"date-time"`
	ExpiresAt   string        `json:"expires_at,omitempty" format:"date-time"`
	UsedAt      string        `json:"used_at,omitempty" format:"date-time"`
	Active      bool          `json:"active"`
}

type newKey struct {
	APIKey
	Key string `json:"key" doc:"shown this once"`
}

type apiKeys struct {
	Items []APIKey `json:"items"`
}

func apiKeyOf(k gate.APIKey, now time.Time) APIKey {
	view := APIKey{
		ID: k.ID, Preview: k.Preview, Description: k.Label, Scopes: k.Scopes, CreatedAt: k.CreatedAt.Format(time.RFC3339Nano), Active: k.Good(now),
	}
	if view.Scopes == nil {
		view.Scopes = []string{}
	}
	if !k.ExpiresAt.IsZero() {
		view.ExpiresAt = k.ExpiresAt.Format(time.RFC3339Nano)
	}
	if !k.UsedAt.IsZero() {
		view.UsedAt = k.UsedAt.Format(time.RFC3339Nano)
	}
	return view
}

func apiKeysOf(keys []gate.APIKey, now time.Time) []APIKey {
	views := []APIKey{}
	for _, k := range keys {
		views = append(views, apiKeyOf(k, now))
	}
	return views
}
