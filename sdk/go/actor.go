package gatehouse

import (
	"slices"
	"strings"
)

// ActorType is what kind of actor calls.
type ActorType string

// The kinds of actors.
const (
	Human   ActorType = "human"
	Agent   ActorType = "agent"
	Service ActorType = "service"
)

// Role is what an actor is in the house or in one of its microDAOs. One that is
// not among these constants is passed on as it is.
type Role string

// The roles. SystemAdmin passes every check of roles.
const (
	SystemAdmin   Role = "system_admin"
	MicroDAOOwner Role = "microdao_owner"
	Admin         Role = "admin"
	Member        Role = "member"
	AgentRole     Role = "agent"
)

// Actor is who is calling: an ActorIdentity, as on the wire.
type Actor struct {
	ID        string    `json:"actor_id"`     // such as "user:93"; never empty
	Type      ActorType `json:"actor_type"`   // Human, Agent or Service
	MicroDAOs []string  `json:"microdao_ids"` // such as "microdao:7"; may be empty
	Roles     []Role    `json:"roles"`        // may be empty
	UserID    string    `json:"user_id"`      // such as "93"; "" when the actor is not human
}

// RequireRole returns nil for an actor that has one of these roles, or is a
// SystemAdmin. Otherwise, and for no actor at all, it is ErrForbidden.
func (a *Actor) RequireRole(role Role, others ...Role) error {
	wanted := append([]Role{role}, others...)
	if a != nil {
		for _, held := range a.Roles {
			if held == SystemAdmin || held != "" && slices.Contains(wanted, held) {
				return nil
			}
		}
	}
	names := make([]string, len(wanted))
	for i, role := range wanted {
		names[i] = string(role)
	}
	return forbidden("this needs the role " + strings.Join(names, " or "))
}

// clone lets whoever gets an actor change it: others have the same from the cache.
func (a *Actor) clone() *Actor {
	out := *a
	out.MicroDAOs, out.Roles = slices.Clone(a.MicroDAOs), slices.Clone(a.Roles)
	return &out
}

// readActor reads an identity from parsed JSON. Anything that is not exactly one
// is nil; members that nobody knows are left out.
func readActor(value any) *Actor {
	object, _ := value.(map[string]any)
	id, hasID := object["actor_id"].(string)
	kind, _ := object["actor_type"].(string)
	microDAOs, hasMicroDAOs := readTexts[string](object["microdao_ids"])
	roles, hasRoles := readTexts[Role](object["roles"])
	if !hasID || id == "" || !hasMicroDAOs || !hasRoles {
		return nil
	}
	actor := &Actor{ID: id, Type: ActorType(kind), MicroDAOs: microDAOs, Roles: roles}
	if actor.Type != Human && actor.Type != Agent && actor.Type != Service {
		return nil
	}
	switch userID := object["user_id"].(type) {
	case string:
		actor.UserID = userID
	case nil: // absent or null: not human
	default:
		return nil
	}
	return actor
}

func readTexts[T ~string](value any) ([]T, bool) {
	list, ok := value.([]any)
	texts := make([]T, 0, len(list))
	for _, item := range list {
		text, isText := item.(string)
		ok = ok && isText
		texts = append(texts, T(text))
	}
	return texts, ok
}
