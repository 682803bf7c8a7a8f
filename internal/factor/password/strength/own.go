package strength

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	minOwn   = 4   // shorter words are found in everything
	maxOwn   = 64  // of a person's words
	maxAbout = 512 // bytes of each text about the person
	maxRead  = 512 // bytes of the password
)

// ownWords takes apart what is known about a person. Of each text they are: the
// text without spaces and punctuation; its pieces between those; and of an
// address the local part, the domain and the domain's labels but the last. From
// each, the letters alone, too, and only what has minOwn characters or more:
//
//	"Ada.Lovelace@mail.example.org" gives lovelace, adalovelace, mail, example,
//	mailexampleorg, adalovelacemailexampleorg
func ownWords(about []string) []string {
	var words []string
	add := func(text string) {
		for _, word := range []string{keep(text, isAlphanumeric), keep(text, isLetter)} {
			if utf8.RuneCountInString(word) >= minOwn && !slices.Contains(words, word) && len(words) < maxOwn {
				words = append(words, word)
			}
		}
	}
	for _, text := range about {
		text = fold(cut(text, maxAbout))
		add(text)
		if local, domain, isAddress := strings.Cut(text, "@"); isAddress {
			add(local)
			add(domain)
			if dot := strings.LastIndexByte(domain, '.'); dot >= 0 {
				text = local + " " + domain[:dot]
			}
		}
		for _, piece := range strings.FieldsFunc(text, func(r rune) bool { return !isAlphanumeric(r) }) {
			add(piece)
		}
	}
	return words
}

// madeOf reports whether a folded password is nothing but own words. It is read
// as it is, without the spaces and punctuation around it, and without the digits
// around it as well; and each of these as its letters and digits, as its letters
// alone, and as its letters with digits and signs taken for those that they are
// drawn for ("d44r10n"), in both ways that "1" and "7" can be meant. It is
// refused if any reading is a row of own words, one or more, each forwards or
// backwards.
//
// So "2024-Daarion!", "noiraad", "daariondaarion", "d.a.a.r.i.o.n" and
// "daarion_user" are refused to user@daarion.space. A password that has
// anything else in it, as "daarion under the snow", is for the score to judge.
// Only its first maxRead bytes are read.
func madeOf(folded string, own []string) bool {
	if len(own) == 0 {
		return false
	}
	folded = cut(folded, maxRead)
	rows := slices.Clone(own)
	for _, word := range own {
		rows = append(rows, reversed(word))
	}
	for _, text := range []string{
		folded,
		strings.TrimFunc(folded, func(r rune) bool { return !isAlphanumeric(r) }),
		strings.TrimFunc(folded, func(r rune) bool { return !isLetter(r) }),
	} {
		for _, reading := range []string{
			keep(text, isAlphanumeric), keep(text, isLetter),
			keep(unleet(text, false), isLetter), keep(unleet(text, true), isLetter),
		} {
			if isRowOf(reading, rows) {
				return true
			}
		}
	}
	return false
}

// isRowOf reports whether the text is a row of the words, one or more.
func isRowOf(text string, words []string) bool {
	if text == "" {
		return false
	}
	reached := make([]bool, len(text)+1)
	reached[0] = true
	for at := range text {
		if !reached[at] {
			continue
		}
		for _, word := range words {
			if strings.HasPrefix(text[at:], word) {
				reached[at+len(word)] = true
			}
		}
	}
	return reached[len(text)]
}

func isLetter(r rune) bool       { return unicode.IsLetter(r) || unicode.IsMark(r) }
func isAlphanumeric(r rune) bool { return isLetter(r) || unicode.IsDigit(r) }

func keep(text string, wanted func(rune) bool) string {
	return strings.Map(func(r rune) rune {
		if wanted(r) {
			return r
		}
		return -1
	}, text)
}

func reversed(text string) string {
	runes := []rune(text)
	slices.Reverse(runes)
	return string(runes)
}

// cut shortens a text to so many bytes, at the beginning of a character.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}

// leet is what digits and signs are drawn for; leetOther where they can be
// drawn for a second letter.
var (
	leet      = map[rune]rune{'4': 'a', '@': 'a', '8': 'b', '(': 'c', '3': 'e', '6': 'g', '9': 'g', '1': 'i', '!': 'i', '|': 'i', '0': 'o', '5': 's', '$': 's', '7': 't', '+': 't', '2': 'z'}
	leetOther = map[rune]rune{'1': 'l', '|': 'l', '7': 'l', '!': 'l'}
)

func unleet(text string, other bool) string {
	return strings.Map(func(r rune) rune { return unleetRune(r, other) }, text)
}

func unleetRune(r rune, other bool) rune {
	if letter, ok := leetOther[r]; ok && other {
		return letter
	}
	if letter, ok := leet[r]; ok {
		return letter
	}
	return r
}
