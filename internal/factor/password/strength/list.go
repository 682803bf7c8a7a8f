package strength

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed" // the lists
	"slices"
	"sync"
)

//go:embed lists/passwords.txt.gz
var packedPasswords []byte

//go:embed lists/words.txt.gz
var packedWords []byte

// The lists, each unpacked when it is first needed. Words are five lists woven
// into one, so that every fifth line is one place further down.
var (
	passwords = sync.OnceValue(func() table { return unpack(packedPasswords, passwordEntries, 1) })
	words     = sync.OnceValue(func() table { return unpack(packedWords, wordEntries, 5) })
)

// What the lists hold; a test counts.
const (
	passwordEntries = 49_233
	wordEntries     = 63_831
	longestEntry    = 23 // characters
)

// table is a list in 8 bytes an entry: 44 bits of its hash and 20 of its rank,
// sorted. Something that is not in the list is taken for an entry once in 10^8
// times, and being refused is all that comes of it.
type table []uint64

const rankBits = 20

func unpack(packed []byte, entries, woven int) table {
	lines, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		panic("the list is damaged: " + err.Error()) // it is part of the program, and a test reads it
	}
	t := make(table, 0, entries)
	for scanner := bufio.NewScanner(lines); scanner.Scan(); {
		h := hashSeed
		for _, r := range string(scanner.Bytes()) { // short enough not to be allocated
			h = h.with(r)
		}
		t = append(t, uint64(h)>>rankBits<<rankBits|uint64(len(t)/woven+1))
	}
	slices.Sort(t)
	return t
}

// rank is the place of an entry, from 1 on; 0 if there is none.
func (t table) rank(h hash) int {
	key := uint64(h) >> rankBits << rankBits
	at, _ := slices.BinarySearch(t, key)
	if at == len(t) || t[at]>>rankBits<<rankBits != key {
		return 0
	}
	return int(t[at] & (1<<rankBits - 1))
}

// hash is FNV-1a over code points: it grows with a text, so that all beginnings
// of one cost no more than the whole.
type hash uint64

const hashSeed hash = 14695981039346656037

func (h hash) with(r rune) hash { return (h ^ hash(r)) * 1099511628211 }

func hashOf(text []rune) hash {
	h := hashSeed
	for _, r := range text {
		h = h.with(r)
	}
	return h
}
