package secret_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/secret"
)

// TestLettersAreDrawnWithoutBias: 100 is no divisor of 256, so a bare remainder
// would draw the first 56 characters half as often again as the others.
func TestLettersAreDrawnWithoutBias(t *testing.T) {
	var alphabet strings.Builder
	for c := range 100 {
		alphabet.WriteByte(byte(c + 20))
	}
	for name, chars := range map[string]string{"readable": secret.Readable, "a hundred": alphabet.String(), "two": "ab", "one": "a"} {
		const each = 2000
		drawn := secret.Letters(each*len(chars), chars).Reveal()
		if len(drawn) != each*len(chars) {
			t.Fatalf("%s: %d characters, want %d", name, len(drawn), each*len(chars))
		}
		for _, c := range []byte(chars) {
			if n := strings.Count(drawn, string(rune(c))); n < each*80/100 || n > each*120/100 { // 9 standard deviations
				t.Errorf("%s: %q was drawn %d times, want about %d", name, c, n, each)
			}
		}
	}
}

func TestLettersDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		code := secret.Letters(8, secret.Readable).Reveal()
		if len(code) != 8 || strings.Trim(code, secret.Readable) != "" || seen[code] {
			t.Fatalf("%q", code)
		}
		seen[code] = true
	}
	if secret.Letters(0, secret.Readable).Reveal() != "" {
		t.Error("no letters are some")
	}
}

// TestShortSecretsAreDigestedWithAKey: a bare SHA-256 of forty bits is undone in
// a minute.
func TestShortSecretsAreDigestedWithAKey(t *testing.T) {
	box := func(key byte, purpose string) *secret.Box {
		b, err := secret.NewBox(bytes.Repeat([]byte{key}, 32), purpose)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	code := secret.NewText("ABCD2345")
	want := box(1, "test").Digest(code, "main")
	if again := box(1, "test").Digest(secret.NewText("ABCD2345"), "main"); again != want {
		t.Error("the same secret has another digest")
	}
	for name, got := range map[string]secret.Digest{
		"a bare digest":   secret.DigestOf(code),
		"another key":     box(2, "test").Digest(code, "main"),
		"another purpose": box(1, "other").Digest(code, "main"),
		"another place":   box(1, "test").Digest(code, "other"),
		"another secret":  box(1, "test").Digest(secret.NewText("ABCD2346"), "main"),
		"moved letters":   box(1, "test").Digest(secret.NewText("BCD2345"), "mainA"),
	} {
		if got == want {
			t.Errorf("%s gives the same digest", name)
		}
	}
}
