package secret_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"text/template"

	"github.com/gatehouse/gatehouse/internal/secret"
)

const canary = "hunter2-canary"

// holder has a secret in every sort of place.
type holder struct {
	Open    secret.Text
	closed  secret.Text
	Pointer *secret.Text
	List    []secret.Text
	Map     map[string]secret.Text
	inner   struct{ deep secret.Text }
}

func holding() holder {
	s := secret.NewText(canary)
	h := holder{Open: s, closed: s, Pointer: &s, List: []secret.Text{s}, Map: map[string]secret.Text{"k": s}}
	h.inner.deep = s
	return h
}

// TestASecretDoesNotPrint, wherever it is put by accident. Fields that are not
// exported are where fmt does not ask a value how to print itself.
func TestASecretDoesNotPrint(t *testing.T) {
	s, h := secret.NewText(canary), holding()
	for _, value := range []any{s, &s, h, &h, []any{s, h}, map[string]any{"a": s, "b": h}, errors.Join(fmt.Errorf("%v", s), fmt.Errorf("%v %+v", h, h))} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "% x", "%#x", "%t", "%10.3s", "%c", "%U", "%e"} {
			silent(t, verb, fmt.Sprintf(verb, value))
		}
		var text, jsons, templated bytes.Buffer
		slog.New(slog.NewTextHandler(&text, nil)).Info("x", "value", value, slog.Group("g", "value", value))
		slog.New(slog.NewJSONHandler(&jsons, nil)).Info("x", "value", value, slog.Group("g", "value", value))
		silent(t, "slog text", text.String())
		silent(t, "slog JSON", jsons.String())
		if err := template.Must(template.New("").Parse(`{{.}} {{printf "%v" .}} {{print .}} {{html .}} {{js .}} {{urlquery .}}`)).Execute(&templated, value); err != nil {
			t.Error(err)
		}
		silent(t, "template", templated.String())
		encoded, _ := json.Marshal(value)
		silent(t, "JSON", string(encoded))
		encoded, _ = xml.Marshal(value)
		silent(t, "XML", string(encoded))
	}
	if s.Reveal() != canary {
		t.Error("it cannot be revealed")
	}
}

func silent(t *testing.T, how, out string) {
	t.Helper()
	for _, form := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), fmt.Sprintf("% x", canary), strings.Trim(fmt.Sprint([]byte(canary)), "[]"), canary[:6]} {
		if strings.Contains(out, form) {
			t.Errorf("%s prints the secret: %s", how, out)
			return
		}
	}
}

func TestASecretIsReadFromJSON(t *testing.T) {
	var in struct{ Password secret.Text }
	if err := json.Unmarshal([]byte(`{"Password":"`+canary+`"}`), &in); err != nil || in.Password.Reveal() != canary {
		t.Errorf("%v", err)
	}
	if (secret.Text{}).Reveal() != "" || !(secret.Text{}).Empty() || in.Password.Empty() {
		t.Error("the zero value is not the empty secret")
	}
}

var shape = regexp.MustCompile(`^gh_rt_[0-9A-Za-z]{49}$`)

func TestNewSecretsHaveOneShapeAndACheckSum(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		s := secret.New("rt")
		if !shape.MatchString(s.Reveal()) || !secret.WellFormed("rt", s) || secret.WellFormed("at", s) || seen[s.Reveal()] {
			t.Fatalf("%q", s.Reveal())
		}
		seen[s.Reveal()] = true
	}
	s := secret.New("rt").Reveal()
	for i := range s {
		for _, c := range []byte("0Az_-.= \x00") {
			if changed := s[:i] + string(c) + s[i+1:]; changed != s && secret.WellFormed("rt", secret.NewText(changed)) {
				t.Errorf("position %d changed to %q: still well formed", i, c)
			}
		}
		if secret.WellFormed("rt", secret.NewText(s[:i])) {
			t.Errorf("the first %d characters are well formed", i)
		}
	}
	for _, more := range []string{s + "0", " " + s, s + "\n", strings.ToUpper(s), strings.ToLower(s)} {
		if secret.WellFormed("rt", secret.NewText(more)) {
			t.Errorf("%q is well formed", more)
		}
	}
}

func TestDigestsAreSHA256(t *testing.T) {
	if got := secret.DigestOf(secret.NewText("abc")).String(); got != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" { // FIPS 180-2 B.1
		t.Error(got)
	}
	for a, want := range map[string]bool{"abc": true, "abd": false, "": false, "abcd": false} {
		if secret.Equal(secret.NewText(a), secret.NewText("abc")) != want {
			t.Errorf("%q equals abc: want %v", a, want)
		}
	}
}

func TestABoxOpensOnlyForItsKeyPurposeAndPlace(t *testing.T) {
	master, another := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	box := func(key []byte, purpose string) *secret.Box {
		b, err := secret.NewBox(key, purpose)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	b := box(master, "test")
	sealed := b.Seal([]byte(canary), "table|column|1")
	silent(t, "sealed", sealed)
	if plain, err := box(master, "test").Open(sealed, "table|column|1"); err != nil || string(plain) != canary {
		t.Fatalf("%q %v", plain, err)
	}
	if again := b.Seal([]byte(canary), "table|column|1"); again == sealed {
		t.Error("sealing twice gives the same")
	}
	for what, open := range map[string]func() ([]byte, error){
		"another key":     func() ([]byte, error) { return box(another, "test").Open(sealed, "table|column|1") },
		"another purpose": func() ([]byte, error) { return box(master, "other").Open(sealed, "table|column|1") },
		"another row":     func() ([]byte, error) { return b.Open(sealed, "table|column|2") },
		"no place":        func() ([]byte, error) { return b.Open(sealed, "") },
		"nothing":         func() ([]byte, error) { return b.Open("", "table|column|1") },
		"only a key id":   func() ([]byte, error) { return b.Open(sealed[:9], "table|column|1") },
	} {
		if plain, err := open(); !errors.Is(err, secret.ErrSealed) || plain != nil {
			t.Errorf("%s: %q %v", what, plain, err)
		}
	}
	for i := range sealed {
		for bit := range 7 {
			flipped := []byte(sealed)
			flipped[i] ^= 1 << bit
			if _, err := b.Open(string(flipped), "table|column|1"); !errors.Is(err, secret.ErrSealed) {
				t.Fatalf("bit %d of byte %d flipped: %v", bit, i, err)
			}
		}
		if _, err := b.Open(sealed[:i], "table|column|1"); !errors.Is(err, secret.ErrSealed) {
			t.Fatalf("cut at %d: %v", i, err)
		}
	}
	if _, err := secret.NewBox(master[:31], "test"); err == nil {
		t.Error("a short key was accepted")
	}
}
