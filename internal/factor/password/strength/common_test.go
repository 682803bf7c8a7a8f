package strength

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"runtime"
	"slices"
	"testing"
)

func lines(t *testing.T, packed []byte) []string {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	scanner := bufio.NewScanner(r)
	for scanner.Scan() {
		out = append(out, scanner.Text())
	}
	if scanner.Err() != nil {
		t.Fatal(scanner.Err())
	}
	return out
}

// Every entry can be found by what people type, and the lists are as long as
// their README says.
func TestTheListsAreFoldedAndWhole(t *testing.T) {
	for name, c := range map[string]struct {
		packed  []byte
		table   table
		woven   int
		entries int
	}{
		"passwords": {packedPasswords, passwords(), 1, passwordEntries},
		"words":     {packedWords, words(), 5, wordEntries},
	} {
		t.Run(name, func(t *testing.T) {
			list, longest, eight := lines(t, c.packed), 0, 0
			for i, entry := range list {
				n := len([]rune(entry))
				longest = max(longest, n)
				if n >= 8 {
					eight++
				}
				if fold(entry) != entry {
					t.Fatalf("%q is not folded", entry)
				}
				if got := c.table.rank(hashOf([]rune(entry))); got != i/c.woven+1 {
					t.Fatalf("the rank of %q is %d, want %d", entry, got, i/c.woven+1)
				}
			}
			if len(list) != c.entries || longest > longestEntry || eight < 10_000 {
				t.Errorf("%d entries, %d of 8 characters or more, the longest with %d", len(list), eight, longest)
			}
			if !slices.IsSorted(c.table) || cap(c.table) > c.entries+c.entries/50 {
				t.Errorf("the table is not sorted, or has room for %d", cap(c.table))
			}
		})
	}
}

func TestUncommon(t *testing.T) {
	for name, c := range map[string]struct{ password, want string }{
		"first of the list":        {"123456", notCommon},
		"of eight":                 {"password", notCommon},
		"with digits":              {"password1234", notCommon},
		"one sign more":            {"password123!", ""},
		"twice":                    {"dragonballdragonball", notRepeated},
		"one character":            {"bbbbbbbbbbbbbbbbbbbbbbbb", notRepeated},
		"three, and part of them":  {"xk7xk7xk7xk7xk7x", notRepeated},
		"rare piece, twice":        {"vq7trbzmvq7trbzm", ""},
		"digits":                   {"23456789012345678", notARun},
		"digits, down":             {"98765432109876543", notARun},
		"alphabet, down":           {"zyxwvutsrqponml", notARun},
		"keyboard":                 {"asdfghjkl;'", notARun},
		"keyboard, over its rows":  {"1234567890qwertyuiopasdfghjklzxcvbnm", notARun},
		"keyboard, shifted":        {"!@#$%^&*()_+", notARun},
		"keyboard, back":           {"mnbvcxzlkjhgfdsapoiuytrewq", notARun},
		"German keyboard":          {"qwertzuiopü", notARun},
		"a run and something else": {"abcdefghijklm!", ""},
		"nothing":                  {"", ""},
		"one":                      {"x", ""},
		"something else":           {"correct horse battery", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := uncommon(fold(c.password)); (c.want == "") != (got == nil) || got != nil && got[0] != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// The lists are a few bytes an entry, and unpacking them leaves nothing else.
func TestTheListsAreSmallInMemory(t *testing.T) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	a, b := unpack(packedPasswords, passwordEntries, 1), unpack(packedWords, wordEntries, 5)
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 1_200_000 {
		t.Errorf("unpacking took %d bytes", used)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if kept := int64(after.HeapAlloc) - int64(before.HeapAlloc); kept > 1_000_000 {
		t.Errorf("%d bytes are kept", kept)
	}
	runtime.KeepAlive(a)
	runtime.KeepAlive(b)
}

func BenchmarkUnpack(b *testing.B) {
	for b.Loop() {
		_ = unpack(packedPasswords, passwordEntries, 1)
		_ = unpack(packedWords, wordEntries, 5)
	}
}
