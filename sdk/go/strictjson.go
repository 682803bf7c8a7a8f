package gatehouse

import (
	"errors"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4/json"
)

// parseStrictly parses JSON and refuses what two readers could read differently:
// members that are there twice, and text that is not UTF-8. Names of members are
// case-sensitive.
func parseStrictly(text []byte) (any, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("not UTF-8")
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return nil, errors.New("not JSON") // the words of the error quote the text
	}
	return value, nil
}

func parseObject(text []byte) (map[string]any, error) {
	value, err := parseStrictly(text)
	if err != nil {
		return nil, err
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, errors.New("not an object")
	}
	return object, nil
}
