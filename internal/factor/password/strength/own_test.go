package strength

import (
	"slices"
	"testing"

	"github.com/gatehouse/gatehouse/internal/gate"
)

var ada = []string{"Ada Lovelace", "user@daarion.space", "gatehouse"}

func TestOwnWords(t *testing.T) {
	got := ownWords([]string{"Ada.Lovelace@mail.example.org", "Bob", "neo2199", ""})
	want := []string{
		"adalovelacemailexampleorg", "adalovelace", "mailexampleorg", "lovelace", "mail", "example", "neo2199",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestOwnWordsRefuse(t *testing.T) {
	for name, password := range map[string]string{
		"the domain":                  "Daarion",
		"the local part":              "user",
		"the whole address":           "user@daarion.space",
		"the address without signs":   "userdaarionspace",
		"the name":                    "Ada Lovelace",
		"a part of the name":          "lovelace",
		"the product":                 "Gatehouse",
		"reversed":                    "noiraad",
		"doubled":                     "daariondaarion",
		"mirrored":                    "daarionnoiraad",
		"a year behind it":            "Lovelace1815",
		"digits before it":            "007lovelace",
		"punctuation around it":       "!!daarion!!",
		"all of that":                 "2024-Daarion!",
		"letters apart":               "l.o.v.e.l.a.c.e",
		"two of them":                 "daarion_user",
		"doubled with a sign":         "daarion-daarion-1",
		"digits for letters":          "d44r10n",
		"digits for letters, adorned": "**g4teh0u5e**9",
		"1 for l":                     "1ove1ace!",
	} {
		if !madeOf(fold(password), ownWords(ada)) {
			t.Errorf("%s: %q is not refused", name, password)
		}
	}
	if !madeOf("12345678", ownWords([]string{"12345678@example.org"})) {
		t.Error("a local part of digits is not refused")
	}
}

func TestOwnWordsLeaveOthersAlone(t *testing.T) {
	for name, password := range map[string]string{
		"something else":           "Password123!",
		"something besides":        "daarion under the snow",
		"a short name":             "Ada-Ada-Ada",
		"the top-level domain":     "space2024!!",
		"a word that begins so":    "userland42",
		"a word that ends so":      "newuser",
		"nothing":                  "",
		"no letters":               "8734-1290-5512",
		"letters in another order": "vocalleeelad",
	} {
		if madeOf(fold(password), ownWords(ada)) {
			t.Errorf("%s: %q is refused", name, password)
		}
	}
	if madeOf("anything", ownWords(nil)) || madeOf("anything", ownWords([]string{"", "@", "..", "a@b.c"})) {
		t.Error("refused for words that nobody has")
	}
}

func isOwn(problems []gate.Problem) bool {
	return slices.ContainsFunc(problems, func(p gate.Problem) bool { return p.Words == notYourOwn })
}
