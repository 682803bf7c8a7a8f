package strength

import (
	"math"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// maxScored is how many characters are scored. The work grows with their cube,
// and 64 that are hard to guess do not become easier by what follows.
const maxScored = 64

// score says how hard a password is to guess, from 0 to 4, as zxcvbn does (Dan
// Wheeler, USENIX Security 2016): by the fewest guesses that somebody needs who
// knows how people make passwords. 0 falls within 10^3 guesses, 1 within 10^6,
// 2 within 10^8, 3 within 10^10. The own words are the first that are tried.
func score(typed string, own []string) int {
	n := 0
	for guesses := guesses(typed, own); n < len(limits) && guesses >= limits[n]; n++ {
	}
	return n
}

// limits have the 5 that zxcvbn adds, so that 10^3 guesses are not a score of 1.
var limits = [...]float64{1e3 + 5, 1e6 + 5, 1e8 + 5, 1e10 + 5}

func guesses(typed string, own []string) float64 {
	// The lists are of NFKC; cutting first keeps a long text cheap.
	text := []rune(norm.NFKC.String(cut(typed, maxScored*4)))
	if len(text) > maxScored {
		text = text[:maxScored]
	}
	if len(text) == 0 {
		return 1
	}
	ranks := make(map[hash]int, len(own))
	for i, word := range own {
		ranks[hashOf([]rune(word))] = i + 1
	}
	return newGuesser(text, ranks).guesses(true)
}

// guesser knows, of each piece of a text, the fewest guesses that find it.
type guesser struct {
	text, lower []rune
	own         map[hash]int
	best        []float64 // of text[i:j+1] at i*len(text)+j; +Inf if nothing is known
}

func newGuesser(text []rune, own map[hash]int) *guesser {
	g := &guesser{text: text, own: own, lower: make([]rune, len(text)), best: make([]float64, len(text)*len(text))}
	for i, r := range text {
		g.lower[i] = unicode.ToLower(r)
	}
	for i := range g.best {
		g.best[i] = math.Inf(1)
	}
	return g
}

// consider keeps a way to find text[i:j+1], if it is the best so far.
func (g *guesser) consider(i, j int, guesses float64) {
	at := i*len(g.text) + j
	g.best[at] = min(g.best[at], guesses)
}

// Trying every character costs perCharacter for each. A piece that is not the
// whole costs no less than pieceOfOne or pieceOfMore, because it must also be
// known where it begins; pattern is what each further piece costs in any case.
const (
	perCharacter = 10
	pieceOfOne   = 10
	pieceOfMore  = 50
	pattern      = 10_000
)

// cost is the fewest guesses for text[i:j+1] as one piece.
func (g *guesser) cost(i, j int) float64 {
	least, n := float64(pieceOfMore), j-i+1
	if n == 1 {
		least = pieceOfOne
	}
	if n == len(g.text) {
		least = 0
	}
	known := max(g.best[i*len(g.text)+j], least)
	return min(known, max(math.Pow(perCharacter, float64(n)), least+1))
}

// guesses is the fewest for the whole text, over all ways to cut it into
// pieces: their product, times the orders that they can be put in, plus what is
// spent on shorter rows of pieces. repeats says whether to look for repetition.
func (g *guesser) guesses(repeats bool) float64 {
	g.listed()
	g.runs()
	g.dates()
	if repeats {
		g.repeats()
	}
	n := len(g.text)
	fewest := make([]float64, n*(n+1)) // of text[:j+1] in k pieces, at j*(n+1)+k
	for i := range fewest {
		fewest[i] = math.Inf(1)
	}
	for j := range n {
		row := fewest[j*(n+1) : (j+1)*(n+1)]
		row[1] = g.cost(0, j)
		for i := 1; i <= j; i++ {
			last, before := g.cost(i, j), fewest[(i-1)*(n+1):i*(n+1)]
			for k := 1; k <= i; k++ {
				row[k+1] = min(row[k+1], before[k]*last)
			}
		}
	}
	least, orders, shorter := math.Inf(1), 1.0, 1.0
	for k := 1; k <= n; k++ {
		orders *= float64(k)
		least = min(least, orders*fewest[(n-1)*(n+1)+k]+shorter)
		shorter *= pattern
	}
	return least
}
