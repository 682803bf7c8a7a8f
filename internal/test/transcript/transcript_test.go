//go:build unix

package transcript

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/test/house"
)

const id = "0d7c1e9e-8f0b-4a0e-9b43-3a2f6d0c9a11"

// A transcript that cannot fail is worth nothing: each of these answers differs
// from what is written in one thing, and the difference says which.
func TestDifferencesAreSeen(t *testing.T) {
	tests := []struct{ name, want, got, diff string }{
		{"the same in another order", `{"a":1,"b":[null]}`, `{"b":[null],"a":1}`, ""},
		{"another value", `{"a":1}`, `{"a":2}`, "-   \"a\": 1\n+   \"a\": 2"},
		{"a number that is text", `{"a":1}`, `{"a":"1"}`, `+   "a": "1"`},
		{"a member too many", `{"a":1}`, `{"a":1,"secret":2}`, `+   "secret": 2`},
		{"a member too few", `{"a":1,"b":null}`, `{"a":1}`, `-   "b": null`},
		{"null is not absent", `{"a":null}`, `{}`, `-   "a": null`},
		{"an element too many", `[1]`, `[1,2]`, `+   2`},
		{"an element too few", `[1,2]`, `[1]`, `-   2`},
		{"another order of a list", `["user","admin"]`, `["admin","user"]`, `"admin"`},
		{"text instead of JSON", `{}`, `oops`, "+ oops"},
		{"nothing instead of JSON", `{}`, ``, "- {}"},
		{"something instead of nothing", ``, `{}`, "+ {}"},
		{"uuid", `{"a":"{{*uuid}}"}`, `{"a":"` + id + `"}`, ""},
		{"uuid in capitals", `{"a":"{{*uuid}}"}`, `{"a":"` + strings.ToUpper(id) + `"}`, `{{*uuid}}`},
		{"time", `{"a":"{{*time}}"}`, `{"a":"2025-11-27T10:00:00.123456Z"}`, ""},
		{"time elsewhere", `{"a":"{{*time}}"}`, `{"a":"2025-11-27T10:00:00+02:00"}`, `{{*time}}`},
		{"int", `{"a":"{{*int}}"}`, `{"a":7}`, ""},
		{"int with a fraction", `{"a":"{{*int}}"}`, `{"a":7.5}`, `{{*int}}`},
		{"int as text", `{"a":"{{*int}}"}`, `{"a":"7"}`, `{{*int}}`},
		{"jwt", `{"a":"{{*jwt}}"}`, `{"a":"a.b.c"}`, ""},
		{"jwt without a signature", `{"a":"{{*jwt}}"}`, `{"a":"a.b."}`, `{{*jwt}}`},
		{"text is not empty", `{"a":"{{*text}}"}`, `{"a":""}`, `{{*text}}`},
		{"any is any, but there", `{"a":"{{*any}}","b":"{{*any}}"}`, `{"a":[1]}`, `-   "b": "{{*any}}"`},
		{"no such kind", `{"a":"{{*uid}}"}`, `{"a":"` + id + `"}`, `{{*uid}}`},
		{"bound", `{"a":"{{ada}}"}`, `{"a":"` + id + `"}`, ""},
		{"bound to something else", `{"a":"{{ada}}"}`, `{"a":"eve"}`, `+   "a": "eve"`},
		{"bound twice in one answer", `["{{x}}","{{x}}"]`, `[1,2]`, "+   2"},
		{"a new name for an old text", `{"a":"{{eve*uuid}}"}`, `{"a":"` + id + `"}`, `{{eve*uuid}}`},
		{"bound, within text", `"user {{ada}}"`, `"user ` + id + `"`, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := answer{status: http.StatusOK, body: test.want}
			diff := a.compare(house.Answer{Status: http.StatusOK, Body: test.got}, bindings{"ada": id})
			if (diff == "") != (test.diff == "") || !strings.Contains(diff, test.diff) {
				t.Errorf("the difference is:\n%s\nwant it to contain:\n%s", diff, test.diff)
			}
		})
	}
}

func TestStatusAndHeadersAreSeen(t *testing.T) {
	came := house.Answer{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"60"}, "Vary": {"Origin", "Accept"}}}
	tests := []struct {
		status int
		header string
		diff   string
	}{
		{429, "retry-after: 60", ""},
		{429, "Retry-After: {{*int}}", ""},
		{429, "Vary: Origin, Accept", ""},
		{429, "WWW-Authenticate:", ""},
		{503, "Retry-After: 60", "- 503 Service Unavailable\n+ 429 Too Many Requests"},
		{429, "Retry-After: 61", "- Retry-After: 61\n+ Retry-After: 60"},
		{429, "Retry-After:", "+ Retry-After: 60"},
		{429, "WWW-Authenticate: Bearer", "- WWW-Authenticate: Bearer"},
	}
	for _, test := range tests {
		a := answer{status: test.status, header: []string{test.header}}
		if diff := a.compare(came, bindings{}); (diff == "") != (test.diff == "") || !strings.Contains(diff, test.diff) {
			t.Errorf("%d %s: the difference is:\n%s", test.status, test.header, diff)
		}
	}
}

func TestBadTranscriptsAreRefusedWithTheLine(t *testing.T) {
	const story = "# A story.\n\n"
	tests := []struct{ name, text, want string }{
		{"no story", "### x\nGET /\n", "f.http:1: a transcript begins with a comment"},
		{"no title", story + "GET /\n\nHTTP/1.1 200 OK\n", "f.http:3: a request needs a title"},
		{"no answer", story + "### x\nGET /\n\n### y\n", "f.http:6: here should be the answer"},
		{"no path", story + "### x\nGET\n", "f.http:4: want METHOD /path"},
		{"wrong reason", story + "### x\nGET /\n\nHTTP/1.1 404 OK\n", `f.http:6: there is no status "HTTP/1.1 404 OK"`},
		{"late setting", story + "# @advance 1s\n# @set a=b\n", "f.http:4: @set comes before everything else"},
		{"setting without a value", story + "# @set a\n", "f.http:3: @set wants key=value"},
	}
	for _, test := range tests {
		if _, err := parse("f.http", test.text); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

func TestTranscriptsAreReadWhole(t *testing.T) {
	s, err := parse("f.http", `# A story.
# @set a=b=c

### Ada asks
POST /x?y=z
Content-Type: text/plain
X: 1

line one

line two

HTTP/1.1 204 No Content
Vary: Origin

# @decode token
#   {"alg": "HS256"}
#   {"sub": "x"}
`)
	if err != nil || len(s.steps) != 2 || s.settings["a"] != "b=c" {
		t.Fatalf("%+v %v", s, err)
	}
	asked, told := s.steps[0], s.steps[1]
	if asked.method != "POST" || asked.path != "/x?y=z" || len(asked.request.header) != 2 || asked.request.body != "line one\n\nline two" {
		t.Errorf("the request: %+v", asked.request)
	}
	if asked.at != "f.http:5" || asked.answer.at != "f.http:13" || asked.answer.status != 204 || len(asked.answer.header) != 1 || asked.answer.body != "" {
		t.Errorf("the answer: %+v", asked.answer)
	}
	if told.directive != "decode" || told.argument != `token {"alg": "HS256"} {"sub": "x"}` {
		t.Errorf("the directive: %+v", told)
	}
}
