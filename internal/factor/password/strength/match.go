package strength

import (
	"slices"
	"unicode"
)

// listed finds the pieces that are own words, common passwords or words:
// forwards, backwards, and with digits and signs for letters in both ways that
// these can be meant. Nothing is tried in combination: that grows without bound.
func (g *guesser) listed() {
	g.entries(g.lower, func(i, j, rank int) { g.consider(i, j, float64(rank)*g.capitals(i, j)) })
	last := len(g.text) - 1
	backwards := slices.Clone(g.lower)
	slices.Reverse(backwards)
	g.entries(backwards, func(i, j, rank int) {
		i, j = last-j, last-i
		g.consider(i, j, 2*float64(rank)*g.capitals(i, j))
	})
	for _, other := range []bool{false, true} {
		letters := make([]rune, len(g.lower))
		for i, r := range g.lower {
			letters[i] = unleetRune(r, other)
		}
		if slices.Equal(letters, g.lower) {
			break // there is nothing to read otherwise
		}
		g.entries(letters, func(i, j, rank int) {
			g.consider(i, j, float64(rank)*g.capitals(i, j)*g.drawn(letters, i, j))
		})
	}
}

// entries calls found with each piece of a reading of the text that some list
// has, and its rank there.
func (g *guesser) entries(text []rune, found func(i, j, rank int)) {
	lists := []table{passwords(), words()}
	for i := range text {
		h := hashSeed
		for j := i; j < min(len(text), i+longestEntry); j++ {
			h = h.with(text[j])
			rank := g.own[h]
			for _, list := range lists {
				if r := list.rank(h); r > 0 && (rank == 0 || r < rank) {
					rank = r
				}
			}
			if rank > 0 {
				found(i, j, rank)
			}
		}
	}
}

// capitals is in how many ways the capitals of text[i:j+1] can be placed.
func (g *guesser) capitals(i, j int) float64 {
	upper, lower := 0, 0
	for _, r := range g.text[i : j+1] {
		switch {
		case unicode.IsUpper(r):
			upper++
		case unicode.IsLower(r):
			lower++
		}
	}
	switch {
	case upper == 0:
		return 1
	case lower == 0, upper == 1 && (unicode.IsUpper(g.text[i]) || unicode.IsUpper(g.text[j])):
		return 2
	}
	return choices(upper, lower)
}

// drawn is in how many ways the letters of a reading can be drawn as they are.
func (g *guesser) drawn(letters []rune, i, j int) float64 {
	ways := 1.0
	for k := i; k <= j; k++ {
		if letters[k] == g.lower[k] || slices.Contains(g.lower[i:k], g.lower[k]) {
			continue
		}
		signs, plain := 0, 0
		for m := i; m <= j; m++ {
			switch g.lower[m] {
			case g.lower[k]:
				signs++
			case letters[k]:
				plain++
			}
		}
		if plain == 0 {
			ways *= 2
			continue
		}
		ways *= choices(signs, plain)
	}
	return ways
}

// choices is in how many ways up to min(a, b) of a+b things can be chosen.
func choices(a, b int) float64 {
	sum := 0.0
	for k := 1; k <= min(a, b); k++ {
		sum += choose(a+b, k)
	}
	return sum
}

func choose(n, k int) float64 {
	out := 1.0
	for i := 1; i <= k; i++ {
		out *= float64(n-k+i) / float64(i)
	}
	return out
}

// repeats finds pieces written several times: as many guesses as the piece
// takes by itself, for each time that it may be repeated.
func (g *guesser) repeats() {
	n := len(g.lower)
	seen := map[[2]int]bool{}
	for size := 1; size <= n/2; size++ {
		for i := 0; i+size < n; i++ {
			end := i
			for end+size < n && g.lower[end] == g.lower[end+size] {
				end++
			}
			last := end + size - 1 // of the last repetition, whole or not
			if end-i >= size && !seen[[2]int{i, last}] {
				seen[[2]int{i, last}] = true
				times := float64((last - i + size) / size)
				g.consider(i, last, times*newGuesser(g.text[i:i+size], g.own).guesses(false))
			}
			i = end
		}
	}
}
