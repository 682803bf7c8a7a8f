// Package matrix gives a user an account on a Synapse homeserver, through
// Synapse's shared-secret registration API.
//
// It promises three things. The names and passwords are those of the service
// that Gatehouse replaces, because other programs compute them too and log in
// with them. An account is only ever taken for the user's own after its
// password was tried: a name has just 32 bits, so two users can collide, and
// "it exists" does not mean "it is theirs". And no error tells the registration
// secret, a password, a MAC or an access token, whatever the other side answers.
//
// It remembers nothing and never tries twice; when to try again, and where the
// result is kept, is the business of package provision.
package matrix

import (
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the algorithm of Synapse's API, not our choice
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
)

const (
	registerPath = "/_synapse/admin/v1/register"
	loginPath    = "/_matrix/client/v3/login"
	logoutPath   = "/_matrix/client/v3/logout"

	// The device of the ownership check. It is always the same one, so a token
	// that could not be given back dies at the next check.
	checkDevice = "GATEHOUSE_PROVISION"

	maxDisplayName = 400 // bytes: 100 characters in any script
)

// Client speaks to one Synapse. It is safe for concurrent use.
type Client struct {
	base   string
	secret secret.Text
	http   *http.Client
}

// New returns a client for the Synapse at adminURL, which is where both its
// admin and its client API answer. The URL comes from the operator, so it may
// well be a private address.
func New(adminURL string, registrationSecret secret.Text) (*Client, error) {
	base, err := parseBase(adminURL)
	if err != nil {
		return nil, err
	}
	if registrationSecret.Empty() {
		return nil, errors.New("the Matrix registration secret is empty")
	}
	return &Client{base: base, secret: registrationSecret, http: newHTTPClient()}, nil
}

// Localpart is the user's name on the homeserver: "daarion_" and the first eight
// characters of the user's id, less any dashes.
func Localpart(user gate.PrincipalID) string {
	head := string(user)[:min(8, len(user))]
	return "daarion_" + strings.ReplaceAll(head, "-", "")
}

// Password is the user's password on the homeserver: the first 32 hexadecimal
// digits of the SHA-256 of "<user id>:<registration secret>". Whoever holds the
// secret holds every account; that is the price of a password that other
// services can compute.
func Password(user gate.PrincipalID, registrationSecret secret.Text) secret.Text {
	sum := sha256.Sum256([]byte(string(user) + ":" + registrationSecret.Reveal()))
	return secret.NewText(hex.EncodeToString(sum[:])[:32])
}

// Provision makes sure that the user has their account and returns its Matrix
// user id. It may be called again for the same user as often as one likes, also
// at the same time. The account is never an administrator's.
//
// An error for which Permanent holds will come back however often it is tried:
// ErrTaken, ErrOtherUser. Every other error is about the other side being away,
// busy or set up wrongly, and may be gone the next time.
func (c *Client) Provision(ctx context.Context, user gate.PrincipalID, displayName string) (string, error) {
	if id, err := uuid.Parse(string(user)); err != nil || id.String() != string(user) {
		return "", errors.New("matrix: the user id is not a lower-case UUID")
	}
	nonce, err := c.nonce(ctx)
	if err != nil {
		return "", err
	}
	seat, err := c.register(ctx, nonce, user, displayName)
	if isTaken(err) {
		seat, err = c.login(ctx, user)
	}
	if err != nil {
		return "", err
	}
	c.logout(ctx, seat)
	if !belongs(seat.UserID, Localpart(user)) {
		return "", ErrOtherUser
	}
	return seat.UserID, nil
}

// seat is what Synapse answers to a registration and to a login alike.
type seat struct {
	UserID      string `json:"user_id"`
	AccessToken string `json:"access_token"`
}

func (c *Client) sit(ctx context.Context, r request) (seat, error) {
	var answer seat
	if err := c.call(ctx, r, &answer); err != nil {
		return seat{}, err
	}
	if answer.UserID == "" {
		return seat{}, &answerError{step: r.step, status: http.StatusOK, problem: "the answer holds no user id"}
	}
	return answer, nil
}

func (c *Client) nonce(ctx context.Context) (string, error) {
	var answer struct {
		Nonce string `json:"nonce"`
	}
	if err := c.call(ctx, request{step: "nonce", method: http.MethodGet, path: registerPath}, &answer); err != nil {
		return "", err
	}
	if answer.Nonce == "" {
		return "", &answerError{step: "nonce", status: http.StatusOK, problem: "the answer holds no nonce"}
	}
	return answer.Nonce, nil
}

// register asks for the account. That it is not an administrator's is written
// out here and signed by the MAC; nothing that a user typed reaches either.
func (c *Client) register(ctx context.Context, nonce string, user gate.PrincipalID, displayName string) (seat, error) {
	password := Password(user, c.secret)
	body := struct {
		Nonce       string `json:"nonce"`
		Username    string `json:"username"`
		Password    string `json:"password"`
		Admin       bool   `json:"admin"`
		MAC         string `json:"mac"`
		DisplayName string `json:"displayname,omitempty"`
	}{
		Nonce:       nonce,
		Username:    Localpart(user),
		Password:    password.Reveal(),
		Admin:       false,
		MAC:         registrationMAC(c.secret, nonce, Localpart(user), password),
		DisplayName: gate.Clip(displayName, maxDisplayName),
	}
	return c.sit(ctx, request{step: "register", method: http.MethodPost, path: registerPath, body: body})
}

// registrationMAC signs a registration of an ordinary user, as Synapse's
// documentation of the API lays down.
func registrationMAC(registrationSecret secret.Text, nonce, localpart string, password secret.Text) string {
	mac := hmac.New(sha1.New, []byte(registrationSecret.Reveal()))
	mac.Write([]byte(strings.Join([]string{nonce, localpart, password.Reveal(), "notadmin"}, "\x00")))
	return hex.EncodeToString(mac.Sum(nil))
}

// login is the ownership check of an account that exists already: only the
// user's own has the user's password. It is tried only after Synapse accepted
// our MAC, so a refusal cannot be due to a wrong registration secret; it can be
// due to an earlier one, or to a password that was changed at Synapse. Then the
// services that compute the password are locked out too, and telling an
// administrator is right.
func (c *Client) login(ctx context.Context, user gate.PrincipalID) (seat, error) {
	type identifier struct {
		Type string `json:"type"`
		User string `json:"user"`
	}
	body := struct {
		Type       string     `json:"type"`
		Identifier identifier `json:"identifier"`
		Password   string     `json:"password"`
		DeviceID   string     `json:"device_id"`
		DeviceName string     `json:"initial_device_display_name"`
	}{
		Type:       "m.login.password",
		Identifier: identifier{Type: "m.id.user", User: Localpart(user)},
		Password:   Password(user, c.secret).Reveal(),
		DeviceID:   checkDevice,
		DeviceName: "Gatehouse",
	}
	answer, err := c.sit(ctx, request{step: "login", method: http.MethodPost, path: loginPath, body: body})
	if isForbidden(err) {
		err = ErrTaken
	}
	return answer, err
}

// logout gives back the access token that came with a registration or a login:
// nobody here uses it, so it should not live. Failing is no reason to fail the
// whole, and the caller's giving up is no reason to leave the token behind.
func (c *Client) logout(ctx context.Context, s seat) {
	if s.AccessToken == "" {
		return
	}
	_ = c.call(context.WithoutCancel(ctx), request{
		step: "logout", method: http.MethodPost, path: logoutPath,
		body: struct{}{}, bearer: secret.NewText(s.AccessToken),
	}, &struct{}{})
}

// belongs reports whether a Matrix user id has the given localpart. Which server
// it is on is for Synapse to say.
func belongs(userID, localpart string) bool {
	server, ok := strings.CutPrefix(userID, "@"+localpart+":")
	return ok && server != "" && len(userID) <= 255 && gate.CleanText(server) && !strings.ContainsAny(server, " @/")
}
