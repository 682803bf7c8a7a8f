package password

import (
	"errors"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
)

var tiny = Params{MemoryKiB: 8, Passes: 1, Lanes: 1}

func slotWith(t testing.TB, p Params) *Slot {
	t.Helper()
	h, err := NewHasher(p, 1)
	if err != nil {
		t.Fatal(err)
	}
	s, err := h.Slot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Release)
	return s
}

func check(s *Slot, password, verifier string) Verdict {
	return s.Check(secret.NewText(password), verifier)
}

func mustHash(t testing.TB, s *Slot, password string) string {
	t.Helper()
	v, err := s.Hash(secret.NewText(password))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestHashAndCheck(t *testing.T) {
	s := slotWith(t, Default)
	v := mustHash(t, s, horse)
	if !strings.HasPrefix(v, "$argon2id$v=19$m=19456,t=2,p=1$") || len(v) != len(atDefault) {
		t.Errorf("made %q", v)
	}
	if err := Acceptable(v); err != nil {
		t.Errorf("our own verifier is not acceptable: %v", err)
	}
	for _, verifier := range []string{v, atDefault} {
		if got := check(s, horse, verifier); got != (Verdict{Match: true}) {
			t.Errorf("the right password: %+v", got)
		}
		if got := check(s, horse+" ", verifier); got != (Verdict{}) {
			t.Errorf("a wrong password: %+v", got)
		}
	}
	if mustHash(t, s, horse) == v {
		t.Error("two verifiers of one password are the same: no salt")
	}
}

func TestForeignVerifiers(t *testing.T) {
	s := slotWith(t, tiny)
	for _, tt := range foreign {
		t.Run(tt.name, func(t *testing.T) {
			if err := Acceptable(tt.verifier); err != nil {
				t.Fatalf("not acceptable: %v", err)
			}
			if got := check(s, tt.password, tt.verifier); got != (Verdict{Match: true, Rehash: true}) {
				t.Errorf("the right password: %+v", got)
			}
			for _, wrong := range []string{"", tt.password[1:], tt.password + "\x00", strings.ToUpper(tt.password)} {
				if got := check(s, wrong, tt.verifier); got != (Verdict{}) {
					t.Errorf("the wrong password %q: %+v", wrong, got)
				}
			}
		})
	}
}

func TestRehash(t *testing.T) {
	s := slotWith(t, Params{MemoryKiB: 64, Passes: 2, Lanes: 1})
	for _, tt := range []struct {
		name string
		made Params
		want bool
	}{
		{"the same", Params{MemoryKiB: 64, Passes: 2, Lanes: 1}, false},
		{"less memory", Params{MemoryKiB: 32, Passes: 2, Lanes: 1}, true},
		{"fewer passes", Params{MemoryKiB: 64, Passes: 1, Lanes: 1}, true},
		{"other lanes", Params{MemoryKiB: 64, Passes: 2, Lanes: 2}, true},
		{"more of all", Params{MemoryKiB: 128, Passes: 3, Lanes: 1}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := mustHash(t, slotWith(t, tt.made), horse)
			if got := check(s, horse, v); got != (Verdict{Match: true, Rehash: tt.want}) {
				t.Errorf("got %+v, want rehash %v", got, tt.want)
			}
		})
	}
	// Salt and key of each other's size make a verifier of the same length.
	p, salt := s.h.params, secret.Bytes(keySize)
	if got := check(s, horse, p.encode(salt, p.key(horse, salt, saltSize))); got != (Verdict{true, true}) {
		t.Errorf("a shorter key: %+v", got)
	}
}

func TestNT_PW_5_BcryptSeventyTwoBytes(t *testing.T) {
	s := slotWith(t, tiny)
	const of72 = "$2b$04$D.xiX1yDgPrhpdLirlJgDO6B3n4r331ebCIgDxacl6RQyCpYA/6nC"
	full := strings.Repeat("a", 72)
	for _, verifier := range []string{of72, "$2a" + of72[3:], "$2y" + of72[3:]} {
		if !check(s, full, verifier).Match {
			t.Error("72 bytes do not match")
		}
		for _, more := range []string{"a", "b", "\x00", full} {
			if check(s, full+more, verifier).Match {
				t.Errorf("72 bytes and %q match", more)
			}
		}
	}
	// Over SHA-256 there is no such end.
	const of100 = "$bcrypt-sha256$v=2,t=2b,r=4$CvE/T17PcW27x1ci13b8V.$VCGaSKun9gHAX1u79qHTogUArujhCZy"
	if check(s, strings.Repeat("a", 101), of100).Match || check(s, strings.Repeat("a", 72), of100).Match {
		t.Error("bcrypt-sha256 cuts the password")
	}
	// Bcrypt repeats a password and a NUL until it has its 72 bytes.
	const of1 = "$2b$04$Ih2ptoRxdNQxfdQJVeU5l.FA/8mpJTZOI.HO1eDGGt0RSHY5jzNey"
	if check(s, horse+"\x00"+horse, of1).Match {
		t.Error("a password and its repetition behind a NUL are one")
	}
}

func TestNT_PW_5_NothingIsCut(t *testing.T) {
	s := slotWith(t, tiny)
	full := strings.Repeat("x", MaxBytes)
	v := mustHash(t, s, full)
	if !check(s, full, v).Match || check(s, full[1:], v).Match {
		t.Error("the last byte of the longest password does not count")
	}
	if check(s, full+"x", v).Match {
		t.Error("a longer password than the longest matches")
	}
	if _, err := s.Hash(secret.NewText(full + "x")); !errors.Is(err, gate.ErrValidation) {
		t.Errorf("Hash of too long a password: %v", err)
	}
}

func TestNT_PW_6_AbsurdParametersAreNotComputed(t *testing.T) {
	s := slotWith(t, tiny)
	for _, tt := range []struct {
		why       error
		verifiers []string
	}{{ErrCost, absurd}, {ErrForm, damaged}, {ErrScheme, unknown}} {
		for _, v := range tt.verifiers {
			if err := Acceptable(v); !errors.Is(err, tt.why) {
				t.Errorf("Acceptable(%q) = %v, want %v", v, err, tt.why)
				continue
			}
			if got := check(s, horse, v); got != (Verdict{}) {
				t.Errorf("Check against %q: %+v", v, got)
			}
		}
	}
}

func TestNT_PW_6_ParametersOfOurOwn(t *testing.T) {
	for _, p := range []Params{
		{}, {MemoryKiB: 7, Passes: 1, Lanes: 1}, {MemoryKiB: 64, Lanes: 1}, {MemoryKiB: 64, Passes: 1},
		{MemoryKiB: 64, Passes: 65, Lanes: 1}, {MemoryKiB: 1024, Passes: 1, Lanes: 65},
		{MemoryKiB: 1<<20 + 1, Passes: 1, Lanes: 1}, {MemoryKiB: 1 << 20, Passes: 5, Lanes: 1},
	} {
		if _, err := NewHasher(p, 1); err == nil {
			t.Errorf("NewHasher accepts %+v", p)
		}
	}
	if _, err := NewHasher(tiny, -1); err == nil {
		t.Error("NewHasher accepts -1 slots")
	}
	if h, err := NewHasher(Default, 0); err != nil || cap(h.slots) < 1 {
		t.Errorf("NewHasher with defaults: %v", err)
	}
}

func TestNT_PW_7_NormalForms(t *testing.T) {
	s := slotWith(t, tiny)
	forms := []string{nfd, nfc, nfkc}
	for _, set := range forms {
		v := mustHash(t, s, set)
		for _, typed := range forms {
			if got := check(s, typed, v); got != (Verdict{Match: true}) {
				t.Errorf("set as %+q, typed as %+q: %+v", set, typed, got)
			}
		}
	}
	// Elsewhere the bytes counted. Who types them is let in, and who types the
	// normal form of what is behind the verifier, but nobody else.
	for _, tt := range foreign {
		if tt.password == nfd && check(s, nfc, tt.verifier).Match {
			t.Errorf("%s: another form matches bytes as typed", tt.name)
		}
		if tt.password == nfkc && (!check(s, nfd, tt.verifier).Match || !check(s, nfc, tt.verifier).Match) {
			t.Errorf("%s: a form of it does not match NFKC", tt.name)
		}
	}
	// A current verifier of bytes as typed came from elsewhere and is replaced.
	p, salt := s.h.params, secret.Bytes(saltSize)
	if got := check(s, nfd, p.encode(salt, p.key(nfd, salt, keySize))); got != (Verdict{true, true}) {
		t.Errorf("imported with our parameters: %+v", got)
	}
	// What is not UTF-8 is a password all the same.
	v := mustHash(t, s, "\xff\xfe")
	if !check(s, "\xff\xfe", v).Match || check(s, "\xff", v).Match || check(s, "\ufffd\ufffd", v).Match {
		t.Error("bytes that are not UTF-8 are not taken as they are")
	}
}

// The dummy takes the same road as a real verifier, so it costs the same; what
// can be tested without a clock is that it is one.
func TestNobody(t *testing.T) {
	s := slotWith(t, tiny)
	if err := Acceptable(s.h.nobody); err != nil || !s.h.current(s.h.nobody) {
		t.Errorf("the verifier that stands in for a missing one is not a current one: %v", err)
	}
	if other := slotWith(t, tiny); other.h.nobody == s.h.nobody {
		t.Error("it is the same in every process")
	}
	s.CheckNothing(secret.NewText(horse))
	s.CheckNothing(secret.NewText(strings.Repeat("x", MaxBytes+1)))
}

func BenchmarkCheck(b *testing.B) {
	s := slotWith(b, Default)
	v := mustHash(b, s, horse)
	for name, work := range map[string]func(){
		"right":    func() { check(s, horse, v) },
		"wrong":    func() { check(s, "x", v) },
		"nobody":   func() { s.CheckNothing(secret.NewText("x")) },
		"no match": func() { check(s, "x", "") },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				work()
			}
		})
	}
}
