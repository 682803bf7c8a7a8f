package strength

import (
	"math"
	"unicode"
)

const minPieceOfRun = 3

// runs finds runs along the alphabet and the digits, and walks over the keyboard.
func (g *guesser) runs() {
	for i := range g.lower {
		if end := runFrom(g.lower, i, counts); end-i+1 >= minPieceOfRun {
			g.consider(i, end, startsOf(g.lower[i])*2*float64(end-i+1)*g.capitals(i, end))
		}
		for board := range boards {
			if end, turns := g.walk(i, board); end-i+1 >= minPieceOfRun {
				g.consider(i, end, walks(end-i+1, turns)*g.capitals(i, end))
			}
		}
	}
}

// startsOf is how many other characters a run is as likely to begin with.
func startsOf(r rune) float64 {
	switch {
	case r == 'a' || r == 'z' || r == '0' || r == '1' || r == '9':
		return 4
	case unicode.IsDigit(r):
		return 10
	}
	return 26
}

// walk returns where the walk over neighbouring keys ends that begins at i, and
// how often it changes its direction, the first one included.
func (g *guesser) walk(i, board int) (end, turns int) {
	end, before := i, 0
	for from, on := keyOn(board, g.text[i]); on && end+1 < len(g.text); end++ {
		to, also := keyOn(board, g.text[end+1])
		direction := from.direction(to)
		if !also || direction == 0 {
			break
		}
		if direction != before {
			turns++
		}
		from, before = to, direction
	}
	return end, turns
}

func keyOn(board int, r rune) (key, bool) {
	for _, k := range keyboard()[r] {
		if k.board == board {
			return k, true
		}
	}
	return key{}, false
}

// keys and neighbours describe a keyboard: how many keys it has, and how many a
// key has beside it, in the middle.
const (
	keys       = 47
	neighbours = 4.6
)

// walks is how many walks there are of up to so many keys and turns.
func walks(length, turns int) float64 {
	sum := 0.0
	for l := 2; l <= length; l++ {
		for t := 1; t <= min(turns, l-1); t++ {
			sum += choose(l-1, t-1) * keys * math.Pow(neighbours, float64(t))
		}
	}
	return sum
}

const (
	years     = 100         // that people are likely to mean
	days      = 365 * years // likewise
	separated = 4 * days    // with any of the usual signs between
	firstYear = 1900
	lastYear  = 2049
)

// dates finds years (1984) and dates (31121984, 841231, 31.12.1984, 12/31/84).
func (g *guesser) dates() {
	for i := range g.text {
		for j := i + 3; j < min(len(g.text), i+10); j++ {
			numbers, sign := split(g.text[i : j+1])
			switch n := j - i + 1; {
			case len(numbers) == 1 && n == 4 && isYear(numbers[0]):
				g.consider(i, j, years)
			case len(numbers) == 1 && (n == 6 || n == 8) && isPackedDate(numbers[0], n):
				g.consider(i, j, days)
			case len(numbers) == 3 && sign && isDate(numbers):
				g.consider(i, j, separated)
			}
		}
	}
}

// split reads up to three numbers with one and the same sign between them;
// nothing if the text is not of that form.
func split(text []rune) (numbers []int, sign bool) {
	digits, between := 0, rune(0)
	for _, r := range text {
		switch {
		case r >= '0' && r <= '9':
			if digits == 0 {
				numbers = append(numbers, 0)
			}
			digits++
			numbers[len(numbers)-1] = numbers[len(numbers)-1]*10 + int(r-'0')
		case digits > 0 && digits <= 4 && len(numbers) < 3 && isSymbol(r) && (between == 0 || r == between):
			between, digits = r, 0
		default:
			return nil, false
		}
	}
	if digits == 0 {
		return nil, false
	}
	return numbers, between != 0
}

func isYear(n int) bool { return n >= firstYear && n <= lastYear }

// isDate reports whether the numbers are a day, a month and a year, with the
// year at one end.
func isDate(n []int) bool {
	return isDayAndMonth(n[0], n[1]) && (n[2] < 100 || isYear(n[2])) ||
		isDayAndMonth(n[1], n[2]) && (n[0] < 100 || isYear(n[0]))
}

func isDayAndMonth(a, b int) bool {
	return a >= 1 && a <= 12 && b >= 1 && b <= 31 || b >= 1 && b <= 12 && a >= 1 && a <= 31
}

// isPackedDate is isDate for six or eight digits without signs.
func isPackedDate(n, digits int) bool {
	year := 100
	if digits == 8 {
		year = 10_000
	}
	return isDate([]int{n / year / 100, n / year % 100, n % year}) || isDate([]int{n / 10_000, n / 100 % 100, n % 100})
}
