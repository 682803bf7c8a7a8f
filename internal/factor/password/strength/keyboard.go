package strength

import "sync"

// key is where a character is typed.
type key struct{ board, row, column int }

// boards are rows of keys, unshifted and shifted. The rows of letters begin one
// column to the right of the row of digits, so that "1" stands above "q".
var boards = [...][2][]string{
	{
		{"`1234567890-=", "qwertyuiop[]\\", "asdfghjkl;'", "zxcvbnm,./"},
		{"~!@#$%^&*()_+", "QWERTYUIOP{}|", "ASDFGHJKL:\"", "ZXCVBNM<>?"},
	},
	{
		{"", "йцукенгшщзхї", "фівапролджє", "ячсмитьбю"},
		{"", "ЙЦУКЕНГШЩЗХЇ", "ФІВАПРОЛДЖЄ", "ЯЧСМИТЬБЮ"},
	},
	{
		{"", "йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю"},
		{"", "ЙЦУКЕНГШЩЗХЪ", "ФЫВАПРОЛДЖЭ", "ЯЧСМИТЬБЮ"},
	},
	{{"", "qwertzuiopü", "asdfghjklöä", "yxcvbnm"}},
	{{"", "azertyuiop", "qsdfghjklm", "wxcvbn"}},
}

// keyboard says where each character is typed, on each board that has it.
var keyboard = sync.OnceValue(func() map[rune][]key {
	all := map[rune][]key{}
	for b, board := range boards {
		for _, shift := range board {
			for r, row := range shift {
				for c, char := range []rune(row) {
					all[char] = append(all[char], key{b, r, c + min(r, 1)})
				}
			}
		}
	}
	return all
})

// rowEnd is the column from which a walk along a row may go on in the next one.
const rowEnd = 9

// follows reports whether q comes after p on the way along the rows.
func (p key) follows(q key) bool {
	if p.board != q.board {
		return false
	}
	return q.row == p.row && q.column == p.column+1 || q.row == p.row+1 && p.column >= rowEnd && q.column == 1
}

// direction tells two ways from a key to one beside it apart; 0 is no way. Rows
// are slanted, so a key has two neighbours above and two below.
func (p key) direction(q key) int {
	if p.board != q.board {
		return 0
	}
	switch across, down := q.column-p.column, q.row-p.row; {
	case down == 0 && across == 1:
		return 1
	case down == 0 && across == -1:
		return 2
	case down == 1 && across == 0:
		return 3
	case down == 1 && across == -1:
		return 4
	case down == -1 && across == 0:
		return 5
	case down == -1 && across == 1:
		return 6
	}
	return 0
}
