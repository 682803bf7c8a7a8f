package passkey_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/factor/passkey"
	"github.com/gatehouse/gatehouse/internal/test/softauthn"
)

// foreign are origins that look like the party's.
var foreign = []string{
	"https://evil.login.example.com", "https://example.com", "https://login.example.com.evil.test", "https://loginXexample.com",
	"https://login.example.com:8443", "https://login.example.com:443", "http://login.example.com", "http://login.example.com:443",
	"https://login.example.com/", "https://login.example.com/x", "https://login.example.com?", "https://login.example.com#",
	"https://ada@login.example.com", "HTTPS://LOGIN.EXAMPLE.COM", "https://Login.example.com", "https://login.example.com.",
	" https://login.example.com", "https://login.example.com\x00", "login.example.com", "example.com", "null", "*",
	"android:apk-key-hash:AAAA", "chrome-extension://login.example.com",
}

// lies are told at either ceremony. Everything else about them is right, the
// signature too.
func lies() map[string]struct {
	tell   func(*softauthn.Lies)
	reason string
} {
	type lie = struct {
		tell   func(*softauthn.Lies)
		reason string
	}
	all := map[string]lie{
		"another RP ID":            {func(l *softauthn.Lies) { l.RPID = "example.org" }, passkey.WrongParty},
		"a sub-domain as RP ID":    {func(l *softauthn.Lies) { l.RPID = "login.example.com" }, passkey.WrongParty},
		"the origin as RP ID":      {func(l *softauthn.Lies) { l.RPID = origin }, passkey.WrongParty},
		"nobody verified":          {func(l *softauthn.Lies) { l.ClearFlags = softauthn.UV }, passkey.NotVerified},
		"nobody present":           {func(l *softauthn.Lies) { l.ClearFlags = softauthn.UP }, passkey.NotPresent},
		"backed up, not eligible":  {func(l *softauthn.Lies) { l.SetFlags = softauthn.BS }, passkey.BackupState},
		"a frame of others":        {func(l *softauthn.Lies) { l.CrossOrigin = true }, passkey.CrossOrigin},
		"a top origin":             {func(l *softauthn.Lies) { l.TopOrigin = "https://evil.test" }, passkey.CrossOrigin},
		"our own top origin":       {func(l *softauthn.Lies) { l.TopOrigin = origin }, passkey.CrossOrigin},
		"no origin":                {replace(`"origin":"`+origin+`",`, ``), passkey.WrongOrigin},
		"two origins in a list":    {replace(`"`+origin+`"`, `["`+origin+`"]`), passkey.Malformed},
		"another challenge":        {func(l *softauthn.Lies) { l.Challenge = bytes.Repeat([]byte{1}, 40) }, passkey.WrongChallenge},
		"no challenge":             {replace(`"challenge":`, `"chall":`), passkey.WrongChallenge},
		"an unknown type":          {func(l *softauthn.Lies) { l.Type = "payment.get" }, passkey.WrongType},
		"no type":                  {replace(`"type":`, `"kind":`), passkey.WrongType},
		"the type in another case": {replace(`"type":`, `"Type":`), passkey.WrongType},
		"client data twice over":   {replace(`}`, `}{}`), passkey.Malformed},
		"an origin twice":          {replace(`"origin":`, `"origin":"https://evil.test","origin":`), passkey.Malformed},
		"client data cut off":      {replace(`}`, ``), passkey.Malformed},
		"invalid UTF-8":            {replace(`}`, ",\"x\":\"\xff\"}"), passkey.Malformed},
		"a null for client data":   {func(l *softauthn.Lies) { l.ClientDataJSON = func([]byte) []byte { return []byte("null") } }, passkey.WrongChallenge},
		"extensions that are none": {func(l *softauthn.Lies) { l.Extensions = []byte{0xff} }, passkey.Malformed},
		"extensions without end":   {func(l *softauthn.Lies) { l.Extensions = []byte{0xbf, 0x61, 'a', 1, 0xff} }, passkey.Malformed},
		"a flag for extensions":    {func(l *softauthn.Lies) { l.SetFlags = softauthn.ED }, passkey.Malformed},
		"bytes left over":          {func(l *softauthn.Lies) { l.AuthData = func(b []byte) []byte { return append(b, 0) } }, passkey.Malformed},
	}
	for _, o := range foreign {
		all["origin "+o] = lie{func(l *softauthn.Lies) { l.Origin = o }, passkey.WrongOrigin}
	}
	return all
}

// replace changes the text of the client data.
func replace(old, with string) func(*softauthn.Lies) {
	return func(l *softauthn.Lies) {
		l.ClientDataJSON = func(text []byte) []byte { return bytes.Replace(text, []byte(old), []byte(with), 1) }
	}
}

func TestNT_PK_1_ARegistrationThatLiesIsRefused(t *testing.T) {
	all := lies()
	for name, tell := range map[string]func(*softauthn.Lies){
		"another credential id":       func(l *softauthn.Lies) { l.AttestedID = []byte("of another passkey") },
		"a credential id, named only": func(l *softauthn.Lies) { l.CredentialID = []byte("of another passkey") },
	} {
		all[name] = struct {
			tell   func(*softauthn.Lies)
			reason string
		}{tell, passkey.WrongCredential}
	}
	for name, lie := range all {
		a := softauthn.New()
		lie.tell(&a.Lies)
		raw, challenge := create(t, a)
		_, err := passkey.FinishRegistration(party, raw, challenge)
		refused(t, name, err, lie.reason)
	}

	a := softauthn.New()
	a.Lies.Type = "webauthn.get"
	raw, challenge := create(t, a)
	_, err := passkey.FinishRegistration(party, raw, challenge)
	refused(t, "a type of the other ceremony", err, passkey.WrongType)

	a = softauthn.New()
	a.Lies.ClientDataJSON = func([]byte) []byte {
		return []byte(`{"type":"webauthn.create","challenge":"","origin":"` + origin + `"}`)
	}
	raw, _ = create(t, a)
	_, err = passkey.FinishRegistration(party, raw, nil)
	refused(t, "no challenge at all, on both sides", err, passkey.WrongChallenge)
}

func TestNT_PK_1_AnAssertionThatLiesIsRefused(t *testing.T) {
	for name, lie := range lies() {
		a := softauthn.New()
		c := enrol(t, a)
		lie.tell(&a.Lies)
		_, err := signIn(get(t, a), c)
		refused(t, name, err, lie.reason)
	}
	a := softauthn.New()
	c := enrol(t, a)
	a.Lies.Type = "webauthn.create"
	_, err := signIn(get(t, a), c)
	refused(t, "a type of the other ceremony", err, passkey.WrongType)
}

func TestNT_PK_1_APasskeyServesItsOwnerOnly(t *testing.T) {
	a := softauthn.New()
	c := enrol(t, a)
	a.Lies.UserHandle = []byte("handle-of-bob")
	_, err := signIn(get(t, a), c)
	refused(t, "a handle of somebody else", err, passkey.WrongUser)
	a.Lies.UserHandle = ada.Handle[:5]
	_, err = signIn(get(t, a), c)
	refused(t, "half a handle", err, passkey.WrongUser)
	a.Lies.UserHandle = bytes.Repeat([]byte{1}, 65)
	_, err = signIn(get(t, a), c)
	refused(t, "a handle of 65 bytes", err, passkey.Malformed)

	a.Lies = softauthn.Lies{}
	read, err := passkey.ReadAssertion(get(t, a))
	if err != nil {
		t.Fatal(err)
	}
	_, err = read.Verify(party, c, nil)
	refused(t, "an owner without a handle", err, passkey.WrongUser)
	other := c
	other.ID = slices.Concat(c.ID, []byte{0})
	_, err = read.Verify(party, other, ada.Handle)
	refused(t, "another passkey of hers", err, passkey.WrongCredential)
	_, err = passkey.Assertion{}.Verify(party, passkey.Credential{}, nil)
	refused(t, "nothing at all", err, passkey.WrongCredential)
	_, err = passkey.Registration{}.Verify(party)
	refused(t, "no registration at all", err, passkey.WrongType)
}

func TestNT_PK_1_OnlyTheKeySigns(t *testing.T) {
	for _, algorithm := range []int{softauthn.ES256, softauthn.RS256, softauthn.EdDSA} {
		a := softauthn.New()
		a.Algorithm = algorithm
		c, other := enrol(t, a), enrol(t, a)
		a.Passkeys = a.Passkeys[:1]
		for name, forge := range map[string]func([]byte) []byte{
			"nothing":        func([]byte) []byte { return nil },
			"one bit":        func(s []byte) []byte { s[len(s)-1] ^= 1; return s },
			"one byte less":  func(s []byte) []byte { return s[:len(s)-1] },
			"one byte more":  func(s []byte) []byte { return append(s, 0) },
			"zeros":          func(s []byte) []byte { return make([]byte, len(s)) },
			"zeros as DER":   func([]byte) []byte { return []byte{0x30, 6, 2, 1, 0, 2, 1, 0} },
			"64 plain bytes": func([]byte) []byte { return bytes.Repeat([]byte{1}, 64) },
		} {
			a.Lies.Signature = forge
			_, err := signIn(get(t, a), c)
			refused(t, name, err, passkey.WrongSignature)
		}
		a.Lies.Signature = nil

		swapped := c
		swapped.PublicKey = other.PublicKey
		_, err := signIn(get(t, a), swapped)
		refused(t, "the key of another passkey", err, passkey.WrongSignature)

		for name, change := range map[string]func(_, r map[string]any){
			"flags": func(_, r map[string]any) {
				d := unb64(t, r["authenticatorData"])
				d[32] |= softauthn.BE
				r["authenticatorData"] = b64(d)
			},
			"counter": func(_, r map[string]any) {
				d := unb64(t, r["authenticatorData"])
				d[33]++
				r["authenticatorData"] = b64(d)
			},
			"client data": func(_, r map[string]any) { r["clientDataJSON"] = b64(append(unb64(t, r["clientDataJSON"]), ' ')) },
		} {
			_, err := signIn(edit(t, get(t, a), change), c)
			refused(t, name+" changed after it was signed", err, passkey.WrongSignature)
		}
		if _, err := signIn(get(t, a), c); err != nil {
			t.Errorf("and the honest one: %v", err)
		}
	}
}

// Token binding is gone since Level 3; byte order marks are dropped (§7.2 step 8).
func TestWhatClientDataSaysBesidesIsNotLookedAt(t *testing.T) {
	for name, tell := range map[string]func(*softauthn.Lies){
		"token binding":      replace(`}`, `,"tokenBinding":{"status":"of my own"}}`),
		"no token binding":   replace(`}`, `,"tokenBinding":7}`),
		"new keys":           replace(`{`, `{"new_keys_may_be_added_here":"do not compare clientDataJSON against a template",`),
		"a byte order mark":  replace(`{`, "\xef\xbb\xbf{"),
		"an app by its name": replace(`}`, `,"androidPackageName":"com.android.chrome"}`),
		"no frames":          replace(`,"crossOrigin":false`, ``),
		"extensions": func(l *softauthn.Lies) {
			l.Extensions = mustEncode(t, map[string]any{"credProtect": 3, "odd": []int{1}})
		},
	} {
		a := softauthn.New()
		tell(&a.Lies)
		c := enrol(t, a)
		if _, err := signIn(get(t, a), c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func mustEncode(t testing.TB, v any) []byte {
	t.Helper()
	b, err := softauthn.Encode(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// bend are documents that are not quite what they should be.
func bend(t *testing.T, raw []byte) map[string][]byte {
	t.Helper()
	text := string(raw)
	all := map[string][]byte{
		"nothing": nil, "null": []byte("null"), "a list": []byte("[]"), "an empty object": []byte("{}"), "a number": []byte("1"),
		"cut off": raw[:len(raw)-1], "trailing data": append(slices.Clone(raw), "{}"...), "a trailing letter": append(slices.Clone(raw), 'x'),
		"a member twice":         []byte(strings.Replace(text, `{`, `{"type":"public-key",`, 1)),
		"an unknown one twice":   []byte(strings.Replace(text, `{`, `{"x":{"y":1,"y":2},`, 1)),
		"a response twice":       []byte(strings.Replace(text, `{`, `{"response":{},`, 1)),
		"another case":           []byte(strings.Replace(text, `"response":`, `"Response":`, 1)),
		"a very long one":        append(bytes.Repeat([]byte(" "), 64<<10), raw...),
		"a very deep one":        []byte(strings.Replace(text, `{`, `{"x":`+strings.Repeat("[", 30000)+strings.Repeat("]", 30000)+`,`, 1)),
		"one that never ends":    []byte(`{"x":` + strings.Repeat("[", 60000)),
		"invalid UTF-8":          []byte(strings.Replace(text, `{`, "{\"\xff\":1,", 1)),
		"half a surrogate":       []byte(strings.Replace(text, `{`, `{"x":"\ud800",`, 1)),
		"a byte order mark":      append([]byte("\xef\xbb\xbf"), raw...),
		"somebody's single text": []byte(`"` + strings.Repeat("a", 60000) + `"`),
	}
	long := b64(bytes.Repeat([]byte{1}, 1024))
	for name, change := range map[string]func(c, r map[string]any){
		"no id":                 func(c, _ map[string]any) { delete(c, "id") },
		"no raw id":             func(c, _ map[string]any) { delete(c, "rawId") },
		"an empty id":           func(c, _ map[string]any) { c["id"], c["rawId"] = "", "" },
		"ids that differ":       func(c, _ map[string]any) { c["id"] = "AAAA" },
		"an id of 1024 bytes":   func(c, _ map[string]any) { c["id"], c["rawId"] = long, long },
		"another type":          func(c, _ map[string]any) { c["type"] = "password" },
		"no type":               func(c, _ map[string]any) { delete(c, "type") },
		"a type by number":      func(c, _ map[string]any) { c["type"] = 1 },
		"no response":           func(c, _ map[string]any) { delete(c, "response") },
		"a null response":       func(c, _ map[string]any) { c["response"] = nil },
		"a listed response":     func(c, r map[string]any) { c["response"] = []any{r} },
		"no client data":        func(_, r map[string]any) { delete(r, "clientDataJSON") },
		"plain client data":     func(_, r map[string]any) { r["clientDataJSON"] = string(unb64(t, r["clientDataJSON"])) },
		"parsed client data":    func(_, r map[string]any) { r["clientDataJSON"] = map[string]any{} },
		"a challenge that ends": func(_, r map[string]any) { r["clientDataJSON"] = b64([]byte(`{"challenge":"A"}`)) },
	} {
		all[name] = edit(t, raw, change)
	}
	for name, respell := range map[string]func(string) string{
		"a line break":           func(s string) string { return s[:4] + "\n" + s[4:] },
		"half a padding":         func(s string) string { return b64([]byte{1}) + "=" },
		"too much padding":       func(s string) string { return b64([]byte{1}) + "===" },
		"needless padding":       func(s string) string { return "AAAA=" },
		"only padding":           func(s string) string { return "==" },
		"stray bits":             func(s string) string { return "AB" },
		"the other alphabet":     func(s string) string { return "+/+/" },
		"a length that is none":  func(s string) string { return "AAAAA" },
		"a character beyond all": func(s string) string { return s + "é" },
	} {
		all[name] = edit(t, raw, func(c, _ map[string]any) {
			id := respell(c["id"].(string))
			c["id"], c["rawId"] = id, id
		})
	}
	return all
}

func TestNT_PK_1_WhatIsNotWellFormedIsRefused(t *testing.T) {
	a := softauthn.New()
	registration, challenge := create(t, a)
	for name, raw := range bend(t, registration) {
		_, err := passkey.FinishRegistration(party, raw, challenge)
		refused(t, "registration: "+name, err, passkey.Malformed)
	}
	c := enrol(t, a)
	assertion := get(t, a)
	for name, raw := range bend(t, assertion) {
		_, err := signIn(raw, c)
		refused(t, "assertion: "+name, err, passkey.Malformed)
	}
	_, err := passkey.ReadAssertion(registration)
	refused(t, "a registration to sign in with", err, passkey.Malformed)
	_, err = passkey.FinishRegistration(party, assertion, challenge)
	refused(t, "an assertion to register", err, passkey.Malformed)
}

func TestNT_PK_1_CutOffAuthenticatorDataIsRefused(t *testing.T) {
	a := softauthn.New()
	registration, challenge := create(t, a)
	c := enrol(t, a)
	assertion := get(t, a)
	var whole struct {
		Response struct{ AuthenticatorData string }
	}
	if err := json.Unmarshal(assertion, &whole); err != nil {
		t.Fatal(err)
	}
	for n := range unb64(t, whole.Response.AuthenticatorData) {
		_, err := signIn(edit(t, assertion, func(_, r map[string]any) { r["authenticatorData"] = b64(unb64(t, r["authenticatorData"])[:n]) }), c)
		refused(t, "an assertion", err, passkey.Malformed)
	}
	length := 0
	for n := 0; n == 0 || n < length; n++ {
		cut := softauthn.New()
		cut.Lies.AuthData = func(data []byte) []byte { length = len(data); return data[:n] }
		raw, challenge := create(t, cut)
		_, err := passkey.FinishRegistration(party, raw, challenge)
		refused(t, "a registration", err, passkey.Malformed)
	}
	if _, err := passkey.FinishRegistration(party, registration, challenge); err != nil || length < 37+18 {
		t.Errorf("of %d bytes: %v", length, err)
	}
}

func TestNT_PK_1_CBORBombsAreRefused(t *testing.T) {
	for name, bomb := range map[string][]byte{
		"nothing":                  {},
		"another type":             {0x01},
		"an empty map":             {0xa0},
		"a list of 2^32":           {0x9a, 0xff, 0xff, 0xff, 0xff},
		"a list of 2^64":           {0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"a map of 2^64":            {0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"a text of 2^63":           {0x7b, 0x80, 0, 0, 0, 0, 0, 0, 0},
		"bytes of 2^63":            {0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"a list without end":       {0x9f},
		"lists in lists":           bytes.Repeat([]byte{0x81}, 40000),
		"tags of tags":             bytes.Repeat([]byte{0xc1}, 40000),
		"a big number":             append([]byte{0xc2, 0x59, 0x80, 0}, bytes.Repeat([]byte{0xff}, 0x8000)...),
		"many empty maps":          append([]byte{0x99, 0x9c, 0x40}, bytes.Repeat([]byte{0xa0}, 40000)...),
		"a key twice":              {0xa2, 0x63, 'f', 'm', 't', 0x60, 0x63, 'f', 'm', 't', 0x60},
		"a number where a text is": {0xa1, 0x63, 'f', 'm', 't', 0x01},
	} {
		for place, lie := range map[string]softauthn.Lies{
			"attestation object": {Attestation: func([]byte) []byte { return bomb }},
			"after it":           {Attestation: func(object []byte) []byte { return append(object, append(bomb, 0)...) }},
			"public key":         {AuthData: func(data []byte) []byte { return append(data[:37+16+2+32], bomb...) }},
			"extensions":         {Extensions: append([]byte{}, bomb...), AuthData: func(data []byte) []byte { return append(data, 0) }},
		} {
			a := softauthn.New()
			a.Lies = lie
			raw, challenge := create(t, a)
			_, err := passkey.FinishRegistration(party, raw, challenge)
			reason := passkey.Malformed
			if place == "public key" && (name == "an empty map" || name == "a number where a text is") {
				reason = passkey.WrongAlgorithm // it is a map, and names none
			}
			refused(t, name+" as "+place, err, reason)
		}
	}
}
