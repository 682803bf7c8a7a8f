package jarvis

import (
	"github.com/gatehouse/gatehouse/internal/authn"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/machine"
	"github.com/gatehouse/gatehouse/internal/secret"
)

// The wire types of apps and nodes.

type appRequest struct {
	AppID string `json:"app_id" minLength:"1" maxLength:"255"`
	Name  string `json:"name" minLength:"1" maxLength:"255"`
}

type app struct {
	AppID         string  `json:"app_id"`
	Name          string  `json:"name"`
	IsActive      bool    `json:"is_active"`
	CreatedAt     string  `json:"created_at" format:"date-time"`
	LastRotatedAt *string `json:"last_rotated_at"`
}

type newApp struct {
	AppID         string  `json:"app_id"`
	Name          string  `json:"name"`
	Key           string  `json:"key" doc:"shown only now"`
	CreatedAt     string  `json:"created_at" format:"date-time"`
	LastRotatedAt *string `json:"last_rotated_at"`
}

type rotatedApp struct {
	AppID         string  `json:"app_id"`
	Key           string  `json:"key" doc:"shown only now"`
	LastRotatedAt *string `json:"last_rotated_at"`
}

type appStatus struct {
	AppID    string `json:"app_id"`
	IsActive bool   `json:"is_active"`
}

type nodeRequest struct {
	NodeID             string   `json:"node_id" minLength:"1" maxLength:"255"`
	HouseholdID        string   `json:"household_id"`
	Name               string   `json:"name" minLength:"1" maxLength:"255"`
	RegisteredByUserID *int64   `json:"registered_by_user_id,omitempty"`
	Services           []string `json:"services,omitempty" nullable:"true"`
}

type newNode struct {
	NodeID             string     `json:"node_id"`
	Name               string     `json:"name"`
	HouseholdID        gate.OrgID `json:"household_id"`
	RegisteredByUserID *int64     `json:"registered_by_user_id"`
	NodeKey            string     `json:"node_key" doc:"shown only now"`
	CreatedAt          string     `json:"created_at" format:"date-time"`
	Services           []string   `json:"services"`
}

type nodeKey struct {
	NodeID  string `json:"node_id"`
	NodeKey string `json:"node_key" doc:"shown only now"`
}

type rotatedNode struct {
	NodeID        string  `json:"node_id"`
	NodeKey       string  `json:"node_key" doc:"shown only now"`
	LastRotatedAt *string `json:"last_rotated_at"`
}

type nodeStatus struct {
	NodeID   string `json:"node_id"`
	IsActive bool   `json:"is_active"`
}

type node struct {
	NodeID             string     `json:"node_id"`
	Name               string     `json:"name"`
	HouseholdID        gate.OrgID `json:"household_id"`
	RegisteredByUserID *int64     `json:"registered_by_user_id"`
	IsActive           bool       `json:"is_active"`
	CreatedAt          string     `json:"created_at" format:"date-time"`
	UpdatedAt          string     `json:"updated_at" format:"date-time"`
	LastRotatedAt      *string    `json:"last_rotated_at"`
	Services           []string   `json:"services"`
}

type nodeDetail struct {
	NodeID             string        `json:"node_id"`
	Name               string        `json:"name"`
	HouseholdID        gate.OrgID    `json:"household_id"`
	RegisteredByUserID *int64        `json:"registered_by_user_id"`
	IsActive           bool          `json:"is_active"`
	CreatedAt          string        `json:"created_at" format:"date-time"`
	UpdatedAt          string        `json:"updated_at" format:"date-time"`
	LastRotatedAt      *string       `json:"last_rotated_at"`
	Services           []nodeService `json:"services"`
}

type nodeService struct {
	ServiceID string  `json:"service_id"`
	GrantedAt string  `json:"granted_at" format:"date-time"`
	GrantedBy *string `json:"granted_by"`
}

type serviceRequest struct {
	ServiceID string `json:"service_id" minLength:"1" maxLength:"255"`
}

type granted struct {
	NodeID    string `json:"node_id"`
	ServiceID string `json:"service_id"`
	GrantedAt string `json:"granted_at" format:"date-time"`
}

type validateNodeRequest struct {
	NodeID    string      `json:"node_id"`
	NodeKey   secret.Text `json:"node_key"`
	ServiceID string      `json:"service_id"`
}

type nodeVerdict struct {
	Valid              bool     `json:"valid"`
	NodeID             *string  `json:"node_id"`
	HouseholdID        *string  `json:"household_id"`
	HouseholdMemberIDs *[]int64 `json:"household_member_ids"`
	Reason             *string  `json:"reason"`
}

type validateAppRequest struct {
	AppID  string      `json:"app_id"`
	AppKey secret.Text `json:"app_key"`
}

type appVerdict struct {
	Valid  bool    `json:"valid"`
	AppID  *string `json:"app_id"`
	Name   *string `json:"name"`
	Reason *string `json:"reason"`
}

type ping struct {
	AppID string `json:"app_id"`
	Name  string `json:"name"`
}

func appOf(a gate.App) app {
	return app{AppID: a.Name, Name: a.Title, IsActive: !a.Disabled(), CreatedAt: stamp(a.CreatedAt), LastRotatedAt: stampOrNull(a.RotatedAt)}
}

func newNodeOf(n machine.Node, key secret.Text) newNode {
	return newNode{
		NodeID: n.Name, Name: n.Title, HouseholdID: n.Org, RegisteredByUserID: registrar(n), NodeKey: key.Reveal(),
		CreatedAt: stamp(n.CreatedAt), Services: list(n.Services, serviceName),
	}
}

func nodeOf(n machine.Node) node {
	return node{
		NodeID: n.Name, Name: n.Title, HouseholdID: n.Org, RegisteredByUserID: registrar(n), IsActive: !n.Disabled(),
		CreatedAt: stamp(n.CreatedAt), UpdatedAt: stamp(n.UpdatedAt), LastRotatedAt: stampOrNull(n.RotatedAt), Services: list(n.Services, serviceName),
	}
}

func nodeDetailOf(n machine.Node) nodeDetail {
	o := nodeOf(n)
	return nodeDetail{
		o.NodeID, o.Name, o.HouseholdID, o.RegisteredByUserID, o.IsActive, o.CreatedAt, o.UpdatedAt, o.LastRotatedAt,
		list(n.Services, func(g gate.NodeGrant) nodeService {
			return nodeService{ServiceID: g.Service, GrantedAt: stamp(g.GrantedAt), GrantedBy: orNull(string(g.GrantedBy))}
		}),
	}
}

func serviceName(g gate.NodeGrant) string { return g.Service }

func registrar(n machine.Node) *int64 {
	if n.RegistrarNumber == 0 {
		return nil
	}
	return &n.RegistrarNumber
}

// nodeReasons are the original's words.
var nodeReasons = map[authn.NodeReason]string{
	authn.NodeNotFound:    "Node not found",
	authn.NodeInactive:    "Node is inactive",
	authn.NodeCredentials: "Invalid node credentials",
}

func nodeVerdictOf(v *authn.NodeVerdict) nodeVerdict {
	if v.Valid {
		id, household := v.Node.Name, string(v.Node.Org)
		members := append([]int64{}, v.Members...)
		return nodeVerdict{Valid: true, NodeID: &id, HouseholdID: &household, HouseholdMemberIDs: &members}
	}
	reason, ok := nodeReasons[v.Reason]
	if !ok {
		reason = "Node is not authorized to access service '" + v.Service + "'"
	}
	return nodeVerdict{Reason: &reason}
}
