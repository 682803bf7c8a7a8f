package passkey_test

import (
	stdjson "encoding/json"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/gatehouse/gatehouse/internal/factor/passkey"
)

func TestOptionsAreWhatBrowsersRead(t *testing.T) {
	challenge := []byte{0xfb, 0xef, 0xff, 1}
	platform := passkey.CreationOptions(party, ada, challenge, [][]byte{{1, 2}, {3}})
	platform.AuthenticatorSelection.Attachment = "platform"
	platform.ExcludeCredentials[1].Transports = []string{"usb"}
	const (
		head = `{"rp":{"id":"example.com","name":"Example"},"user":{"id":"aGFuZGxlLW9mLWFkYQ","name":"ada@example.com","displayName":"Ada"},` +
			`"challenge":"--__AQ","pubKeyCredParams":[{"type":"public-key","alg":-7},{"type":"public-key","alg":-257},{"type":"public-key","alg":-8}],"timeout":60000,`
		tail = `"residentKey":"required","requireResidentKey":true,"userVerification":"required"},"attestation":"none","extensions":{"credProps":true}}`
	)
	for _, tt := range []struct {
		name string
		made any
		want string
	}{
		{"creation", passkey.CreationOptions(party, ada, challenge, nil), head + `"authenticatorSelection":{` + tail},
		{"creation with more", platform, head + `"excludeCredentials":[{"id":"AQI","type":"public-key"},{"id":"Aw","type":"public-key","transports":["usb"]}],` +
			`"authenticatorSelection":{"authenticatorAttachment":"platform",` + tail},
		{"request", passkey.RequestOptions(party, challenge), `{"challenge":"--__AQ","timeout":60000,"rpId":"example.com","userVerification":"required"}`},
	} {
		got, err := json.Marshal(tt.made)
		if err != nil || string(got) != tt.want {
			t.Errorf("%s:\n got %s\nwant %s\n%v", tt.name, got, tt.want, err)
		}
		if got, err = stdjson.Marshal(tt.made); err != nil || string(got) != tt.want {
			t.Errorf("%s, by the standard library: %s, %v", tt.name, got, err)
		}
	}
}
