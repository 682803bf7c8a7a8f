package connector

import (
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

type jsonValue = jsontext.Value

// document is a JSON object from the provider. Members are looked at one by one,
// because one of a wrong type spoils only itself. None exists twice.
type document map[string]jsonValue

func readDocument(body []byte) (document, bool) {
	var d document
	err := json.Unmarshal(body, &d)
	return d, err == nil && d != nil
}

// has reports whether there is a member that says anything.
func (d document) has(name string) bool {
	value := d[name]
	return len(value) > 0 && value.Kind() != 'n' && string(value) != `""`
}

// text returns a member that is text, as it is.
func (d document) text(name string) (string, bool) {
	var text string
	value := d[name]
	if value.Kind() != '"' || json.Unmarshal(value, &text) != nil {
		return "", false
	}
	return text, true
}

// tidy returns a text for storing and showing, "" if it is unfit for that.
func (d document) tidy(name string, limit int) string {
	if text, ok := d.text(name); ok && good(text, limit) {
		return text
	}
	return ""
}

// isTrue reports whether a member is JSON's true: no text, no number, no list.
func (d document) isTrue(name string) bool { return d[name].Kind() == 't' }

// moment returns a NumericDate (RFC 7519 §2).
func (d document) moment(name string) (time.Time, bool) {
	value := d[name]
	if value.Kind() != '0' {
		return time.Time{}, false
	}
	seconds, err := strconv.ParseFloat(string(value), 64)
	if err != nil || math.Abs(seconds) > 1<<40 {
		return time.Time{}, false
	}
	return time.Unix(int64(seconds), 0), true
}

// audience returns "aud", which is one text or a list of them.
func (d document) audience() ([]string, bool) {
	if one, ok := d.text("aud"); ok {
		return []string{one}, true
	}
	var list []string
	value := d["aud"]
	if value.Kind() != '[' || json.Unmarshal(value, &list) != nil || slices.Contains(list, "") {
		return nil, false
	}
	return list, true
}
