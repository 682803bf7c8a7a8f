// Package actor writes a principal as an ActorIdentity, the way the services of a
// microDAO city know humans, agents and services: in the answers of the
// microdao face and in the claim "actor" of native tokens. Roles and memberships
// are those of the moment it is written.
package actor

import (
	"slices"
	"strconv"

	"github.com/gatehouse/gatehouse/internal/gate"
)

// Identity is an ActorIdentity.
type Identity struct {
	ActorID     string   `json:"actor_id" example:"user:93"`
	ActorType   string   `json:"actor_type" enum:"human,agent,service"`
	MicroDAOs   []string `json:"microdao_ids" example:"microdao:daarion"`
	Roles       []string `json:"roles" doc:"system_admin, member, admin, microdao_owner, agent"`
	UserID      string   `json:"user_id,omitempty" doc:"of a human, the number alone" example:"93"`
	DisplayName string   `json:"display_name,omitempty"`
}

// The roles, in the order in which they are written.
const (
	systemAdmin   = "system_admin"   // administers the house
	member        = "member"         // of a microDAO, or a human without other roles
	admin         = "admin"          // power user of a microDAO
	microDAOOwner = "microdao_owner" // administers a microDAO
	agent         = "agent"
)

var order = []string{systemAdmin, member, admin, microDAOOwner, agent}

var orgRoles = map[gate.OrgRole]string{gate.OrgMember: member, gate.OrgPowerUser: admin, gate.OrgAdmin: microDAOOwner}

// Of returns a principal's identity.
func Of(p gate.Principal) Identity {
	who := Identity{MicroDAOs: []string{}, Roles: []string{}, DisplayName: p.Title}
	held := map[string]bool{systemAdmin: p.HasRole(gate.RoleAdmin)}
	for _, m := range p.Memberships {
		if m.Kind == gate.KindMicroDAO {
			who.MicroDAOs = append(who.MicroDAOs, "microdao:"+string(m.Org))
			held[orgRoles[m.Role]] = true
		}
	}
	switch p.Kind {
	case gate.KindAgent:
		who.ActorID, who.ActorType = "agent:"+p.Name, "agent"
		held[agent], held[member] = true, false // what membership is for a human, agent is for an agent
	case gate.KindApp:
		who.ActorID, who.ActorType = "service:"+p.Name, "service"
	default:
		who.UserID = strconv.FormatInt(p.Number, 10)
		who.ActorID, who.ActorType = "user:"+who.UserID, "human"
	}
	for _, role := range order {
		if held[role] {
			who.Roles = append(who.Roles, role)
		}
	}
	if p.Kind == gate.KindUser && len(who.Roles) == 0 && slices.Contains(p.Roles, gate.RoleUser) {
		who.Roles = append(who.Roles, member)
	}
	return who
}
