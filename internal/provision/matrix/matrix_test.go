package matrix

import (
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
)

const ada gate.PrincipalID = "0d7c1e9e-8f0b-4a0e-9b43-3a2f6d0c9a11"

const (
	adaLocal = "daarion_0d7c1e9e"
	adaID    = "@daarion_0d7c1e9e:daarion.space"
	testKey  = "daarion_reg_secret_2024" // public: the default of the original
	token    = "syt_an_access_token"
)

// What matrix-gateway computes for itself, so it must never change.
func TestDerivation(t *testing.T) {
	for _, v := range []struct {
		user                            gate.PrincipalID
		nonce, localpart, password, mac string
	}{
		{"00000000-0000-4000-8000-000000000001", "abcd1234", "daarion_00000000", "c3611ea7806f4b9e9e0caa08f62f41fa", "fb48d4dfe7f3c8af2b2da4578742e6b4010c46c2"},
		{ada, "n0nce", adaLocal, "d770f061621a90a097297f559fe319e9", "abb14fa53cbf6415ef7fffd5ae88ba53538bd336"},
	} {
		if got := Localpart(v.user); got != v.localpart {
			t.Errorf("Localpart(%s) = %s, want %s", v.user, got, v.localpart)
		}
		password := Password(v.user, secret.NewText(testKey))
		if password.Reveal() != v.password {
			t.Errorf("Password(%s) = %s, want %s", v.user, password.Reveal(), v.password)
		}
		if got := registrationMAC(secret.NewText(testKey), v.nonce, v.localpart, password); got != v.mac {
			t.Errorf("registrationMAC(%s) = %s, want %s", v.user, got, v.mac)
		}
	}
	for _, odd := range []gate.PrincipalID{"", "a", "é-é-é-é"} {
		_ = Localpart(odd) // must not panic
	}
}

func TestNew(t *testing.T) {
	key := secret.NewText(testKey)
	for _, bad := range []string{
		"", "synapse:8008", "ftp://synapse", "http://", "http://:8008", "http://u:p@synapse", "http://synapse?x=1", "http://synapse/#x", "http://[",
	} {
		if _, err := New(bad, key); err == nil {
			t.Errorf("New(%q) accepted", bad)
		}
	}
	if _, err := New("http://synapse:8008", secret.Text{}); err == nil {
		t.Error("an empty registration secret was accepted")
	}
	for given, want := range map[string]string{
		"http://synapse:8008":          "http://synapse:8008",
		"http://synapse:8008/":         "http://synapse:8008",
		"https://example.org/matrix//": "https://example.org/matrix",
		"http://[::1]:8008/?":          "http://[::1]:8008",
	} {
		if c, err := New(given, key); err != nil || c.base != want {
			t.Errorf("New(%q) = %+v, %v; want base %q", given, c, err, want)
		}
	}
}

func TestProvisionRegisters(t *testing.T) {
	s := newStandIn(t, nonceOK, seatOK, refused)
	id, err := s.client(t).Provision(t.Context(), ada, "Ада Лавлейс 🧮\x00\n")
	if err != nil || id != adaID {
		t.Fatalf("Provision = %q, %v", id, err)
	}
	if got, want := strings.Join(s.calls, ", "), "GET "+registerPath+", POST "+registerPath+", POST "+logoutPath; got != want {
		t.Errorf("calls: %s\nwant:  %s", got, want)
	}
	sent := s.sent["POST "+registerPath]
	for name, want := range map[string]any{
		"nonce": "n0nce", "username": adaLocal, "password": "d770f061621a90a097297f559fe319e9",
		"admin": false, "mac": "abb14fa53cbf6415ef7fffd5ae88ba53538bd336", "displayname": "Ада Лавлейс 🧮",
	} {
		if sent[name] != want {
			t.Errorf("sent %s = %v, want %v", name, sent[name], want)
		}
	}
	if len(sent) != 6 {
		t.Errorf("sent %d fields: %v", len(sent), sent)
	}
	if s.auth != "Bearer "+token {
		t.Errorf("the unused token was not given back: Authorization %q", s.auth)
	}
}

func TestProvisionFindsItsOwnAccount(t *testing.T) {
	for name, register := range map[string]reply{
		"by code": taken,
		"by text": says(400, `{"errcode":"M_UNKNOWN","error":"User ID already taken."}`),
	} {
		t.Run(name, func(t *testing.T) {
			s := newStandIn(t, nonceOK, register, seatOK)
			id, err := s.client(t).Provision(t.Context(), ada, "Ada")
			if err != nil || id != adaID {
				t.Fatalf("Provision = %q, %v", id, err)
			}
			sent := s.sent["POST "+loginPath]
			who, _ := sent["identifier"].(map[string]any)
			if sent["type"] != "m.login.password" || who["type"] != "m.id.user" || who["user"] != adaLocal ||
				sent["password"] != "d770f061621a90a097297f559fe319e9" || sent["device_id"] != checkDevice {
				t.Errorf("sent %v", sent)
			}
			if s.auth != "Bearer "+token {
				t.Errorf("the session was not ended: Authorization %q", s.auth)
			}
		})
	}
}
