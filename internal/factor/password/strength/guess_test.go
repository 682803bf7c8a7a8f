package strength

import (
	"bufio"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/gatehouse/gatehouse/internal/secret"
)

// zxcvbn.tsv is what zxcvbn itself thinks of some passwords. Its lists are not
// ours, so a score may be one off where the guesses are near a limit, but no
// more, and for nine of ten passwords it is the same.
func TestScoresAreThoseOfZxcvbn(t *testing.T) {
	file, err := os.Open("testdata/zxcvbn.tsv")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	same, all := 0, 0
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		if strings.HasPrefix(scanner.Text(), "#") {
			continue
		}
		fields := strings.Split(scanner.Text(), "\t")
		theirs, err := strconv.Atoi(fields[0])
		if err != nil {
			t.Fatal(err)
		}
		ours := score(fields[2], nil)
		all++
		switch off := ours - theirs; off {
		case 0:
			same++
		case 1, -1:
			t.Logf("%q: %d (10^%.1f), zxcvbn says %d (10^%s)", fields[2], ours, math.Log10(guesses(fields[2], nil)), theirs, fields[1])
		default:
			t.Errorf("%q: %d, zxcvbn says %d", fields[2], ours, theirs)
		}
	}
	if all < 100 || same*10 < all*9 {
		t.Errorf("%d of %d scores are the same", same, all)
	}
}

// What zxcvbn does not know.
func TestScoreKnowsOwnWordsAndOtherKeyboards(t *testing.T) {
	own := ownWords([]string{"zelenhrad"})
	for name, c := range map[string]struct {
		password string
		own      []string
		most     int
	}{
		"an own word":        {"Zelenhrad-7", own, 1},
		"an own word, back":  {"darhnelez-7", own, 1},
		"a row of Cyrillic":  {"йцукенгшщз17", nil, 1},
		"a row of QWERTZ":    {"qwertzuiopü1", nil, 1},
		"a walk down":        {"1qaz2wsx3edc", nil, 2},
		"full-width letters": {"ｐａｓｓｗｏｒｄ１", nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			if got := score(c.password, c.own); got > c.most {
				t.Errorf("%d, want at most %d", got, c.most)
			}
			if c.own != nil && score(c.password, nil) <= c.most {
				t.Error("as low without the own words, so this shows nothing")
			}
		})
	}
}

func TestScoreGrowsWithLength(t *testing.T) {
	const text = "kX9#mQ2$vL7pZ4!w"
	for n, before := 1, 0.0; n <= len(text); n++ {
		now := guesses(text[:n], nil)
		if now < before {
			t.Errorf("%q takes %g guesses, one character less %g", text[:n], now, before)
		}
		before = now
	}
	if guesses("", nil) != 1 || score("", nil) != 0 {
		t.Error("nothing is not the first guess")
	}
}

// hard is what makes each part of the work as much as it can be.
var hard = map[string]string{
	"letters drawn":     strings.Repeat("4@8({[<369!1|7075$+%2", 195),
	"one letter":        strings.Repeat("a", 4096),
	"pieces":            strings.Repeat("ab1", 1365),
	"pieces in pieces":  strings.Repeat(strings.Repeat("aab", 3)+"b", 400),
	"keyboard":          strings.Repeat("qwertyuiopasdfghjklzxcvbnm", 150),
	"words":             strings.Repeat("password", 512),
	"dates":             strings.Repeat("11.11.11", 512),
	"own":               strings.Repeat("anna", 1024),
	"own, almost":       strings.Repeat("anna", 1023) + "annx",
	"marks":             "a" + strings.Repeat("\u0301\u0316", 1000),
	"one for many":      strings.Repeat("ﷺ", 1365),
	"not UTF-8":         strings.Repeat("\xff", 4096),
	"capitals":          strings.Repeat("aB", 2048),
	"a megabyte":        strings.Repeat("password", 1<<17),
	"emoji with joiner": strings.Repeat("👩‍🚀", 300),
}

var everything = Policy{MinScore: 4, Common: true, Composition: Composition{true, true, true, true}}

// limit is generous, for machines that have more to do: it takes some 100 times
// less. Without its bounds each of these takes seconds or minutes.
const limit = 250 * time.Millisecond

func TestNoPasswordTakesLong(t *testing.T) {
	passwords()
	words()
	own := ownWords([]string{"anna", "nann@annaanna.anna"})
	for name, password := range hard {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_ = everything.Check(secret.NewText(password), "anna", "nann@annaanna.anna")
			_ = score(password, own) // which Check spares what is refused anyway
			if took := time.Since(start); took > limit {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func BenchmarkCheck(b *testing.B) {
	for name, password := range hard {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_ = everything.Check(secret.NewText(password), "anna", "nann@annaanna.anna")
			}
		})
		b.Run("score of "+name, func(b *testing.B) {
			for b.Loop() {
				_ = score(password, nil)
			}
		})
	}
	b.Run("usual", func(b *testing.B) {
		for b.Loop() {
			_ = strict.Check(secret.NewText("correct horse battery"), "Ada Lovelace", "ada@example.org", "gatehouse")
		}
	})
}

// FuzzStrength: whatever is typed, a check ends soon and without panic, says
// the same of every Unicode form of a text, and never repeats it.
func FuzzStrength(f *testing.F) {
	for _, password := range hard {
		f.Add(cut(password, 200), "anna@example.org")
	}
	f.Add("Password123!", "user@daarion.space")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, password, about string) {
		got := problems(t, everything, password, about)
		if s := score(password, ownWords([]string{about})); s < 0 || s > 4 {
			t.Errorf("the score is %d", s)
		}
		if len(password) > 1024 || !utf8.ValidString(password) {
			return
		}
		again := problems(t, everything, fold(password), about)
		if isOwn(got) != isOwn(again) {
			t.Errorf("refused with %+v, folded with %+v", got, again)
		}
	})
}
