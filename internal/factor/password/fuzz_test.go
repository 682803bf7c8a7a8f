package password

import (
	"regexp"
	"testing"
)

// FuzzVerifier: whatever is in the column, reading it does not panic and does
// not work. Those that are acceptable and cheap are computed too.
func FuzzVerifier(f *testing.F) {
	for _, tt := range foreign {
		f.Add(tt.password, tt.verifier)
	}
	for _, list := range [][]string{absurd, damaged, unknown} {
		for _, v := range list {
			f.Add(horse, v)
		}
	}
	f.Add(horse, "$argon2id$v=19$m=8,t=1,p=1$"+salt16+"$"+key32)
	f.Add(horse, "$scrypt$ln=1,r=8,p=1$"+salt16+"$"+key32)

	cheap := regexp.MustCompile(`^(\$argon2id?\$v=19\$m=\d\d?,t=\d,p=\d|\$2[aby]\$0[45]|\$bcrypt-sha256\$.*[=,]0*[45]|` +
		`\$?pbkdf2[a-z0-9_-]*\$\d{1,3}|\$scrypt\$ln=\d,r=\d,p=\d)\$`)
	s := slotWith(f, tiny)
	f.Fuzz(func(t *testing.T, password, verifier string) {
		err := Acceptable(verifier)
		if err == nil && len(verifier) > maxVerifier {
			t.Error("acceptable at any length")
		}
		if err == nil && !cheap.MatchString(verifier) {
			return
		}
		if got := check(s, password, verifier); err != nil && got != (Verdict{}) {
			t.Errorf("not acceptable (%v), but %+v", err, got)
		}
	})
}
