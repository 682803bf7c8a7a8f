//go:build unix

package transcript

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/test/house"
)

// direct does what a directive says.
func (on *stage) direct(s step) error {
	name, rest, _ := strings.Cut(s.argument, " ")
	switch s.directive {
	case "face":
		on.face = name
		if on.house.Server.Address(name) == "" {
			return fmt.Errorf("there is no face %q", name)
		}
	case "advance":
		d, err := time.ParseDuration(name)
		on.ahead.Add(int64(d))
		return err
	case "operator":
		return on.operate(s.argument)
	case "mint":
		return on.mint(name, rest)
	case "decode":
		return on.decode(name, rest)
	case "setup":
		return on.takeLink(name)
	case "outage":
		return on.house.Server.House().DB.Close()
	default:
		return errors.New("there is no such directive")
	}
	return nil
}

var setupLink = regexp.MustCompile(`/setup\?token=(\S+)`)

// takeLink waits until the house has printed the link for the first
// administrator, and binds its token.
func (on *stage) takeLink(name string) error {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if m := setupLink.FindStringSubmatch(on.house.Log.String()); m != nil {
			on.bound[name] = m[1]
			return nil
		}
	}
	return errors.New("the house prints no link")
}

// operate does what an operator does at the command line.
func (on *stage) operate(argument string) error {
	filled, missing := on.bound.fill(argument)
	words := strings.SplitN(filled, " ", 3)
	if missing != "" || len(words) < 2 {
		return errors.New("it wants a verb and a user, whose address or id is bound")
	}
	rest := strings.Join(words[2:], "")
	ctx, accounts := context.Background(), on.house.Server.House().Account
	user, err := accounts.Find(ctx, house.Operator, words[1])
	if err != nil {
		return err
	}
	switch words[0] {
	case "disable", "enable":
		return accounts.SetDisabled(ctx, house.Operator, user.ID, words[0] == "disable")
	case "grant":
		return accounts.GrantRole(ctx, house.Operator, user.ID, gate.Role(rest))
	case "revoke":
		return accounts.RevokeRole(ctx, house.Operator, user.ID, gate.Role(rest))
	case "set-password":
		return accounts.SetPassword(ctx, house.Operator, user.ID, secret.NewText(rest))
	}
	return fmt.Errorf("operators do not %q", words[0])
}

// mint signs claims as somebody does who has the shared secret.
func (on *stage) mint(name, claims string) error {
	filled, missing := on.bound.fill(claims)
	if _, ok := decode(filled); !ok || missing != "" {
		return fmt.Errorf("these are no claims: %s", filled)
	}
	signed := encode(`{"alg":"HS256","typ":"JWT"}`) + "." + encode(filled)
	on.bound[name] = signed + "." + signature(signed)
	return nil
}

// decode looks into a bound token as another service does: with the shared
// secret, if it is signed with that.
func (on *stage) decode(name, expected string) error {
	token, _ := on.bound[name].(string)
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return fmt.Errorf("{{%s}} is no token: %s", name, token)
	}
	header, err1 := base64.RawURLEncoding.DecodeString(parts[0])
	claims, err2 := base64.RawURLEncoding.DecodeString(parts[1])
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	got, ok := decode("[" + string(header) + "," + string(claims) + "]")
	want, written := decode("[" + strings.Replace(expected, "} {", "}, {", 1) + "]")
	if !ok || !written {
		return errors.New("it wants a name, a header and claims, both as JSON objects")
	}
	if fitted := on.bound.reconcile(want, got); !reflect.DeepEqual(fitted, got) {
		return fmt.Errorf("the token says something else (- expected, + came):\n%s", diff(pretty(fitted), pretty(got)))
	}
	if strings.Contains(string(header), "HS256") && parts[2] != signature(parts[0]+"."+parts[1]) {
		return errors.New("the token is not signed with the shared secret")
	}
	return nil
}

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// signature is HMAC-SHA-256 with the secret that test houses have (RFC 7515 §A.1).
func signature(signed string) string {
	mac := hmac.New(sha256.New, []byte(house.Secret))
	mac.Write([]byte(signed))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
