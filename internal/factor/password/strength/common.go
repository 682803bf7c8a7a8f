package strength

import "slices"

const (
	notCommon   = "a password that is not among the most common ones"
	notRepeated = "a password that is not one piece repeated"
	notARun     = "a password that does not run along the alphabet, the digits or the keyboard"
)

// uncommon refuses the passwords of the list, and those that the list would
// hold if it were endless. It has few entries of 15 characters or more, because
// few were stolen; so a common password written several times is refused, too,
// and so are any piece of up to maxPiece characters written several times (with
// part of it left over or not) and any run of neighbours, in one direction,
// from the first character to the last.
func uncommon(folded string) []string {
	text := []rune(folded)
	switch n := period(text); {
	case passwords().rank(hashOf(text)) > 0:
		return []string{notCommon}
	case n < len(text) && (n <= maxPiece || len(text)%n == 0 && passwords().rank(hashOf(text[:n])) > 0):
		return []string{notRepeated}
	case isRun(text):
		return []string{notARun}
	}
	return nil
}

const maxPiece = 4

// period is the length of the shortest piece that, written again and again,
// begins with the text; len(text) if no piece fits twice.
func period(text []rune) int {
	for n := 1; n <= min(len(text)/2, longestEntry); n++ {
		if slices.Equal(text[n:], text[:len(text)-n]) {
			return n
		}
	}
	return len(text)
}

// minRun is how long a run must be for the whole of a password to be one.
const minRun = 6

func isRun(text []rune) bool {
	last := len(text) - 1
	return len(text) >= minRun && (runFrom(text, 0, counts) == last || runFrom(text, 0, alongRows) == last)
}

// runFrom returns where the longest run ends that begins at i and goes on, or
// back, from each character to the next.
func runFrom(text []rune, i int, next func(a, b rune) bool) int {
	onward, back := i, i
	for onward+1 < len(text) && next(text[onward], text[onward+1]) {
		onward++
	}
	for back+1 < len(text) && next(text[back+1], text[back]) {
		back++
	}
	return max(onward, back)
}

// counts reports whether b is the letter or digit after a; 0 comes after 9.
func counts(a, b rune) bool {
	return isAlphanumeric(a) && isAlphanumeric(b) && (b == a+1 || a == '9' && b == '0')
}

func alongRows(a, b rune) bool {
	keys := keyboard()
	return slices.ContainsFunc(keys[a], func(p key) bool { return slices.ContainsFunc(keys[b], p.follows) })
}
