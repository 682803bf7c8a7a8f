//go:build unix

package transcript

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/test/house"
)

// bindings are the values that names stand for.
type bindings map[string]any

var (
	holes  = regexp.MustCompile(`\{\{([^{}]+)\}\}`)
	isHole = regexp.MustCompile(`^\{\{(\w*)(?:\*([a-z]+))?\}\}$`)
	repeat = regexp.MustCompile(`^(.+)\*(\d+)$`)
	isJWT  = regexp.MustCompile(`^[\w-]+\.[\w-]+\.[\w-]+$`)
)

// kinds tell what fits into a hole.
var kinds = map[string]func(any) bool{
	"any":  func(any) bool { return true },
	"":     func(v any) bool { return v != nil && v != "" },
	"text": func(v any) bool { text, ok := v.(string); return ok && text != "" },
	"int":  func(v any) bool { n, ok := v.(json.Number); _, err := n.Int64(); return ok && err == nil },
	"uuid": func(v any) bool {
		text, _ := v.(string)
		id, err := uuid.Parse(text)
		return err == nil && id.String() == text
	},
	"time": func(v any) bool {
		text, _ := v.(string)
		_, err := time.Parse(time.RFC3339Nano, text)
		return err == nil && strings.HasSuffix(text, "Z")
	},
	"jwt": func(v any) bool { text, ok := v.(string); return ok && isJWT.MatchString(text) },
}

// fill puts bound values into text; missing names the first that has none.
func (b bindings) fill(text string) (filled, missing string) {
	filled = holes.ReplaceAllStringFunc(text, func(hole string) string {
		name := hole[2 : len(hole)-2]
		if m := repeat.FindStringSubmatch(name); m != nil {
			n, _ := strconv.Atoi(m[2])
			return strings.Repeat(m[1], n)
		}
		value, ok := b[name]
		if !ok && missing == "" {
			missing = name
		}
		return fmt.Sprint(value)
	})
	return filled, missing
}

// reconcile returns what was expected with everything that came as expected in
// the place of its hole. So it equals what came if all is well, and differs
// where it is not.
func (b bindings) reconcile(want, got any) any {
	switch want := want.(type) {
	case map[string]any:
		members, _ := got.(map[string]any)
		out := map[string]any{}
		for name, value := range want {
			if came, ok := members[name]; ok {
				value = b.reconcile(value, came)
			}
			out[name] = value
		}
		return out
	case []any:
		elements, _ := got.([]any)
		out := make([]any, len(want))
		for i, value := range want {
			if out[i] = value; i < len(elements) {
				out[i] = b.reconcile(value, elements[i])
			}
		}
		return out
	case string:
		return b.hole(want, got)
	}
	return want
}

func (b bindings) hole(want string, got any) any {
	m := isHole.FindStringSubmatch(want)
	if m == nil {
		if filled, missing := b.fill(want); missing == "" {
			return filled
		}
		return want
	}
	name, fits := m[1], kinds[m[2]]
	if value, ok := b[name]; ok && name != "" {
		return value
	}
	if fits == nil || !fits(got) || name != "" && b.taken(got) {
		return want
	}
	if name != "" {
		b[name] = got
	}
	return got
}

// taken reports whether a text has another name already.
func (b bindings) taken(got any) bool {
	text, ok := got.(string)
	for _, value := range b {
		if ok && value == text {
			return true
		}
	}
	return false
}

// compare returns the difference between an answer and what was expected, or
// nothing.
func (a answer) compare(came house.Answer, b bindings) string {
	var want, got strings.Builder
	fmt.Fprintln(&want, a.status, http.StatusText(a.status))
	fmt.Fprintln(&got, came.Status, http.StatusText(came.Status))
	for _, line := range a.header {
		name, value, _ := strings.Cut(line, ":")
		actual := strings.Join(came.Header.Values(name), ", ")
		fmt.Fprintf(&want, "%s: %s\n", name, b.reconcile(strings.TrimSpace(value), scalar(actual)))
		fmt.Fprintf(&got, "%s: %s\n", name, actual)
	}
	wantBody, gotBody := any(a.body), any(came.Body)
	if decoded, ok := decode(came.Body); ok {
		gotBody = decoded
	}
	if decoded, ok := decode(a.body); ok {
		wantBody = decoded
	}
	wantBody = b.reconcile(wantBody, gotBody)
	if reflect.DeepEqual(wantBody, gotBody) && want.String() == got.String() {
		return ""
	}
	return diff(want.String()+pretty(wantBody), got.String()+pretty(gotBody))
}

// scalar is a header's value as a hole sees it.
func scalar(text string) any {
	if _, err := strconv.Atoi(text); err == nil {
		return json.Number(text)
	}
	return text
}

func decode(text string) (v any, ok bool) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if d.Decode(&v) != nil || d.More() {
		return nil, false
	}
	return v, true
}

func pretty(body any) string {
	if text, ok := body.(string); ok {
		return text
	}
	var out strings.Builder
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	_ = e.Encode(body) // it was JSON
	return out.String()
}

// diff shows two texts line by line: common lines once, - and + where they
// differ (the longest common subsequence).
func diff(want, got string) string {
	w, g := strings.Split(strings.TrimSpace(want), "\n"), strings.Split(strings.TrimSpace(got), "\n")
	common := make([][]int, len(w)+1) // of w[i:] and g[j:]
	for i := range common {
		common[i] = make([]int, len(g)+1)
	}
	for i := len(w) - 1; i >= 0; i-- {
		for j := len(g) - 1; j >= 0; j-- {
			if common[i][j] = max(common[i+1][j], common[i][j+1]); w[i] == g[j] {
				common[i][j] = common[i+1][j+1] + 1
			}
		}
	}
	var out strings.Builder
	for i, j := 0, 0; i < len(w) || j < len(g); {
		switch {
		case i < len(w) && j < len(g) && w[i] == g[j]:
			out.WriteString("  " + w[i] + "\n")
			i, j = i+1, j+1
		case i < len(w) && (j == len(g) || common[i+1][j] >= common[i][j+1]):
			out.WriteString("- " + w[i] + "\n")
			i++
		default:
			out.WriteString("+ " + g[j] + "\n")
			j++
		}
	}
	return out.String()
}
