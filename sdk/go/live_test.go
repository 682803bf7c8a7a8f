//go:build live

package gatehouse

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// These run against a real Gatehouse with the demo's people in it:
// sdk/with-gatehouse sdk/go/check live

const (
	demoUser     = "user@daarion.city"
	demoAdmin    = "admin@daarion.city"
	demoAgent    = "sofia@agents.daarion.city"
	demoPassword = "any"
)

func environment(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set: these tests need a Gatehouse, which sdk/with-gatehouse starts", name)
	}
	return value
}

// liveVerifier is made from the environment alone, as services do. It remembers
// nothing of other verifiers.
func liveVerifier(t *testing.T) *Verifier {
	t.Helper()
	environment(t, "AUTH_SERVICE_URL")
	environment(t, "GATEHOUSE_ISSUER")
	v, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func liveClient(t *testing.T) *Client {
	t.Helper()
	environment(t, "AUTH_SERVICE_URL")
	client, err := NewClient(Options{})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func login(t *testing.T, client *Client, email string) *Session {
	t.Helper()
	session, err := client.Login(t.Context(), email, demoPassword)
	if err != nil {
		t.Fatal(err)
	}
	return session
}

// nativeToken signs in at the issuer and returns its JWT.
func nativeToken(t *testing.T, email string) string {
	t.Helper()
	body, err := json.Marshal(map[string]string{"email": email, "password": demoPassword})
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Post(environment(t, "GATEHOUSE_ISSUER")+"/api/v1/login", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || response.StatusCode != 200 || !hasFormOfJWT(answer.Token) {
		t.Fatalf("the issuer answers %d, %v, a JWT: %v", response.StatusCode, err, hasFormOfJWT(answer.Token))
	}
	return answer.Token
}

func TestLiveSession(t *testing.T) {
	client := liveClient(t)
	session := login(t, client, demoUser)
	me, err := client.Me(t.Context(), session.Token)
	if err != nil || !reflect.DeepEqual(me, session.Actor) || me.Type != Human || me.ID != "user:"+me.UserID {
		t.Fatalf("me is %+v, %v; signed in as %+v", me, err, session.Actor)
	}
	shown := map[string][]string{
		"bearer": {"Authorization", "Bearer " + session.Token}, "cookie": {"Cookie", "session_token=" + session.Token},
		"header of keys": {"X-API-Key", session.Token},
	}
	for name, headers := range shown {
		t.Run(name, func(t *testing.T) {
			actor, err := liveVerifier(t).Verify(t.Context(), requestWith(headers...))
			if err != nil || !reflect.DeepEqual(actor, me) {
				t.Errorf("it is %+v, %v; want %+v", actor, err, me)
			}
		})
	}
	if err := client.Logout(t.Context(), session.Token); err != nil {
		t.Fatal(err)
	}
	for name, headers := range shown {
		t.Run(name+", signed out", func(t *testing.T) {
			_, err := liveVerifier(t).Verify(t.Context(), requestWith(headers...))
			mustBe(t, err, ErrUnauthenticated)
		})
	}
}

func TestLiveAPIKey(t *testing.T) {
	client := liveClient(t)
	session := login(t, client, demoUser)
	key, err := client.CreateAPIKey(t.Context(), session.Token, NewAPIKey{Description: "live test", ExpiresDays: 30})
	if err != nil {
		t.Fatal(err)
	}
	if !WellFormedKey(key.Key) || key.Description != "live test" || !key.Active || key.ExpiresAt == nil || key.ExpiresAt.Before(key.CreatedAt.AddDate(0, 0, 29)) {
		t.Errorf("the key's description is %q, it ends at %v, well formed: %v", key.Description, key.ExpiresAt, WellFormedKey(key.Key))
	}
	for _, headers := range [][]string{{"X-API-Key", key.Key}, {"Authorization", "Bearer " + key.Key}} {
		actor, err := liveVerifier(t).Verify(t.Context(), requestWith(headers...))
		if err != nil || !reflect.DeepEqual(actor, session.Actor) {
			t.Errorf("by %s it is %+v, %v", headers[0], actor, err)
		}
	}
	isMine := func(k APIKey) bool { return k.ID == key.ID && k.Key == "" && k.Preview != "" }
	if keys, err := client.ListAPIKeys(t.Context(), session.Token); err != nil || !slices.ContainsFunc(keys, isMine) {
		t.Errorf("%d keys, %v; not the new one", len(keys), err)
	}
	if err := client.DeleteAPIKey(t.Context(), session.Token, key.ID); err != nil {
		t.Fatal(err)
	}
	_, err = liveVerifier(t).Verify(t.Context(), requestWith("X-API-Key", key.Key))
	mustBe(t, err, ErrUnauthenticated)
	refusal := mustBe(t, client.DeleteAPIKey(t.Context(), session.Token, "no-such-key"), ErrRejected)
	if refusal.Status != http.StatusNotFound {
		t.Errorf("of an unknown key: %v", refusal)
	}
}

func TestLiveJWTIsVerifiedHereAsTheAuthServiceDoes(t *testing.T) {
	for _, email := range []string{demoUser, demoAdmin} {
		t.Run(email, func(t *testing.T) {
			token := nativeToken(t, email)
			here, err := New(Options{AuthURL: "http://127.0.0.1:1", Issuer: environment(t, "GATEHOUSE_ISSUER")}) // there is nobody to ask
			if err != nil {
				t.Fatal(err)
			}
			actor, err := verifyToken(t, here, token)
			if err != nil {
				t.Fatal(err)
			}
			there, err := liveClient(t).Me(t.Context(), token)
			if err != nil || !reflect.DeepEqual(actor, there) {
				t.Errorf("here it is %+v; there %+v, %v", actor, there, err)
			}
		})
	}
}

func TestLiveForgeriesAreRefused(t *testing.T) {
	token := nativeToken(t, demoUser)
	cut := strings.LastIndexByte(token, '.') + 1
	v := liveVerifier(t)
	for name, credential := range map[string]string{
		"another signature": token[:cut] + strings.Repeat("A", len(token)-cut),
		"no signature":      token[:cut],
		"nobody's key":      "dk_00000000000000000000000000000000000000000003xMPgs",
		"nobody's session":  "nobody",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := v.Verify(t.Context(), requestWith("Authorization", "Bearer "+credential))
			mustBe(t, err, ErrUnauthenticated)
			if strings.Contains(err.Error(), credential) {
				t.Error("the error has the credential")
			}
		})
	}
}

func TestLiveRoles(t *testing.T) {
	client := liveClient(t)
	for email, passes := range map[string]bool{demoUser: false, demoAdmin: true, demoAgent: false} {
		t.Run(email, func(t *testing.T) {
			session := login(t, client, email)
			w := serve(RequireRole(liveVerifier(t), SystemAdmin)(hello), "Authorization", "Bearer "+session.Token)
			if want := map[bool]int{true: 200, false: 403}[passes]; w.Code != want {
				t.Errorf("answered %d, want %d: %s", w.Code, want, w.Body)
			}
		})
	}
}

func TestLiveAgent(t *testing.T) {
	session := login(t, liveClient(t), demoAgent)
	actor, err := liveVerifier(t).Verify(t.Context(), requestWith("Authorization", "Bearer "+session.Token))
	if err != nil || actor.Type != Agent || actor.UserID != "" || !strings.HasPrefix(actor.ID, "agent:") {
		t.Errorf("it is %+v, %v", actor, err)
	}
}

func TestLiveNobodyGetsInWithoutAnAccount(t *testing.T) {
	_, err := liveClient(t).Login(t.Context(), "nobody@daarion.city", "wrong")
	if !errors.Is(err, ErrUnauthenticated) || strings.Contains(err.Error(), "wrong") {
		t.Errorf("it is %v", err)
	}
}
