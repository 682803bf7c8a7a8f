package config

// suggest ends the sentence "… is not a setting" with the nearest known word,
// or with where to look when nothing is near.
func suggest(word string, known []string) string {
	best, least := "", len(word)
	for _, candidate := range known {
		if d := distance(word, candidate); d < least {
			best, least = candidate, d
		}
	}
	// Half of the letters wrong is no typo.
	if best == "" || 2*least > len(word) {
		return "; docs/configuration.md lists what is."
	}
	return "; did you mean " + best + "?"
}

// distance is the number of insertions, deletions, substitutions and swaps of
// neighbours that lead from a to b (optimal string alignment).
func distance(a, b string) int {
	const most = 100 // bytes; longer words are not typed by hand
	a, b = a[:min(len(a), most)], b[:min(len(b), most)]
	var before []int
	previous := make([]int, len(b)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := range len(a) {
		current := make([]int, len(b)+1)
		current[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			current[j+1] = min(previous[j]+cost, previous[j+1]+1, current[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				current[j+1] = min(current[j+1], before[j-1]+1)
			}
		}
		before, previous = previous, current
	}
	return previous[len(b)]
}
