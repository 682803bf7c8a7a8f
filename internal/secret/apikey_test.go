package secret_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/secret"
)

func TestAPIKeysHaveTheirPrefixAndACheckSum(t *testing.T) {
	for _, prefix := range []secret.KeyPrefix{secret.NativeKey, secret.MicroDAOKey} {
		form, seen := regexp.MustCompile(`^`+string(prefix)+`[0-9A-Za-z]{49}$`), map[string]bool{}
		for range 200 {
			key := secret.NewAPIKey(prefix)
			if !form.MatchString(key.Reveal()) || !secret.IsAPIKey(key) || seen[key.Reveal()] {
				t.Fatalf("%q", key.Reveal())
			}
			seen[key.Reveal()] = true
		}
		key := secret.NewAPIKey(prefix).Reveal()
		for i := range key {
			for _, c := range []byte("0Az_-. \x00") {
				if changed := key[:i] + string(c) + key[i+1:]; changed != key && secret.IsAPIKey(secret.NewText(changed)) {
					t.Errorf("%s: position %d changed to %q: still a key", prefix, i, c)
				}
			}
		}
		if got, want := secret.Preview(secret.NewText(key)), key[:len(prefix)+5]; got != want {
			t.Errorf("%s: previewed as %q, want %q", prefix, got, want)
		}
	}
}

func TestWhatIsNoAPIKey(t *testing.T) {
	native, micro := secret.NewAPIKey(secret.NativeKey).Reveal(), secret.NewAPIKey(secret.MicroDAOKey).Reveal()
	for name, text := range map[string]string{
		"nothing": "", "the prefix": "gh_ak_", "another kind of secret": secret.New("rt").Reveal(), "under the other prefix": "dk_" + native[6:], "under ours": "gh_ak_" + micro[3:],
		"without a prefix": native[6:], "cut": native[:54], "longer": native + "0", "a blank before": " " + native, "a line break behind": micro + "\n", "capitals": strings.ToUpper(native),
	} {
		if secret.IsAPIKey(secret.NewText(text)) {
			t.Errorf("%s: %q is a key", name, text)
		}
	}
	for text, want := range map[string]string{"": "", "rubbish": "", "gh_ak_": "gh_ak_", "gh_ak_abc": "gh_ak_abc", "dk_abcdefgh": "dk_abcde", "gh_rt_abcdefgh": ""} {
		if got := secret.Preview(secret.NewText(text)); got != want {
			t.Errorf("%q is previewed as %q, want %q", text, got, want)
		}
	}
}
