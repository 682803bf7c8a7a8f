// Package machine keeps the lives of apps (services) and nodes (devices): who
// they are, their keys, and which services a node may be let in to. What their
// keys prove is decided in authn.
//
// A key is shown once, when it is made. It is 48 random bytes, so its SHA-256 is
// enough to check it by; nothing can show it again. Each verb is one transaction
// with its audit events.
package machine

import (
	"encoding/base64"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/policy"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/store"
)

// Service keeps the apps and nodes of a house.
type Service struct{ DB *store.DB }

// MaxPage bounds how much one list shows.
const MaxPage = 10_000

// maxName bounds names and titles in code points, maxServices how many a node
// may be registered with.
const (
	maxName     = 255
	maxServices = 100
)

// newKey makes a key of 64 URL-safe characters.
func newKey() secret.Text {
	return secret.NewText(base64.RawURLEncoding.EncodeToString(secret.Bytes(48)))
}

func newID() gate.PrincipalID { return gate.PrincipalID(secret.RandomID()) }

// checkText holds what somebody called something against what may be stored.
func checkText(field, text string) []gate.Problem {
	problem := gate.Problem{Path: []string{field}}
	switch {
	case strings.TrimSpace(text) == "":
		problem.Rule, problem.Limit = gate.RuleTooShort, 1
	case utf8.RuneCountInString(text) > maxName:
		problem.Rule, problem.Limit = gate.RuleTooLong, maxName
	case !gate.CleanText(text):
		problem.Rule, problem.Words = gate.RuleValue, "text without control characters"
	default:
		return nil
	}
	return []gate.Problem{problem}
}

func refuse(problems []gate.Problem) error {
	if len(problems) > 0 {
		return gate.ErrValidation.At(problems...)
	}
	return nil
}

// or replaces the store's "no such thing" by what it means here.
func or(err error, refusal *gate.Error) error {
	if errors.Is(err, gate.ErrNotFound) {
		return refusal
	}
	return err
}

func page(limit int) int {
	if limit <= 0 || limit > MaxPage {
		return MaxPage
	}
	return limit
}

// everywhere reports whether the caller may do it whatever their place in an
// org. If not, only such a place can help; who is nobody is refused.
func everywhere(caller gate.Caller, action policy.Action) (bool, error) {
	err := policy.May(caller, action)
	if errors.Is(err, gate.ErrForbidden) && caller.Kind == gate.KindUser {
		return false, nil
	}
	return err == nil, err
}

// mustBe refuses a caller who is less than that in the org today. An org that
// does not exist and one of others look alike.
func mustBe(tx *store.Tx, caller gate.Caller, org gate.OrgID, role gate.OrgRole) error {
	m, err := tx.Membership(org, caller.Principal)
	if err != nil {
		return or(err, gate.ErrNotMember)
	}
	if !m.Role.AtLeast(role) {
		return gate.ErrOrgRole.At(gate.Problem{Path: []string{"role"}, Rule: gate.RuleValue, Words: string(role)})
	}
	return nil
}
