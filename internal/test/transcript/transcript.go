//go:build unix

// Package transcript plays .http files against a whole house: what a person
// would type into a REST client, each followed by the answer that they would
// see. One file is one story; each is played on both engines.
//
//	# A person comes back with another password.
//	# @set registration.open=true
//
//	### Ada registers
//	POST /api/auth/register
//	Content-Type: application/json
//
//	{"email": "ada@example.org", "password": "correct horse battery"}
//
//	HTTP/1.1 201 Created
//	Content-Type: application/json
//
//	{"user_id": "{{ada*uuid}}", "email": "ada@example.org", "display_name": null, "roles": ["user"], "matrix_user_id": null}
//
// # What an answer must be
//
// The status and its reason; the headers that are written down (an empty one
// must be absent); and, of a JSON body, exactly the members that are written
// down, in any order. Text may have holes:
//
//	{{*uuid}}  any value of that kind: uuid, time, int, jwt, text or any
//	{{ada}}    binds on first sight, and is that value from then on
//	{{a*uuid}} both
//
// Different names stand for different texts: a token that should be new and is
// not, is noticed. Requests can use what is bound, and {{x*129}} is 129 times x.
//
// # Directives
//
//	# @set key=value           a setting of this house; before the first request
//	# @unready                 do not wait for the database; likewise
//	# @face native             the face that the next requests go to
//	# @advance 1801s           put the clock forward; otherwise it stands still
//	# @operator disable {{email}}             also enable, grant … ROLE,
//	                                          revoke … ROLE, set-password … PASSWORD
//	# @mint name {claims}      sign claims with the shared secret, as others may
//	# @decode name {header} {claims}          what a bound token must say
//	# @outage                  the database goes away for good
//	# @setup name              the token of the link for the first administrator
//
// A directive goes on in the lines below that begin with "#" and two spaces.
package transcript

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/test/house"
)

// Opening is when every transcript begins; its clock stands still but for
// @advance, so that times can be written down.
var Opening = time.Date(2025, 11, 27, 10, 0, 0, 123_000_000, time.UTC)

// Exchange is a request as it was sent and the answer that came.
type Exchange struct {
	Face, Method, Path string // without the query
	Header             http.Header
	Body               string
	Answer             house.Answer
}

// Play plays all files that match the pattern on both engines, beginning at a
// face, several at a time. Every exchange is shown to the watcher.
func Play(t *testing.T, face, pattern string, watch func(t *testing.T, h *house.House, e Exchange)) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts match %s (%v)", pattern, err)
	}
	house.OnBothEngines(t, func(t *testing.T, engine house.Engine) {
		for _, file := range files {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".http"), func(t *testing.T) {
				t.Parallel()
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				s, err := parse(file, string(text))
				if err != nil {
					t.Fatal(err)
				}
				s.play(t, face, engine, watch)
			})
		}
	})
}

// stage is one performance of a story.
type stage struct {
	*testing.T
	house *house.House
	face  string
	ahead atomic.Int64 // of Opening, in nanoseconds
	bound bindings
}

func (s story) play(t *testing.T, face string, engine house.Engine, watch func(*testing.T, *house.House, Exchange)) {
	on := &stage{T: t, face: face, bound: bindings{}}
	clock := func() time.Time { return Opening.Add(time.Duration(on.ahead.Load())) }
	o := house.Options{Engine: engine, Database: s.settings["database.url"], Set: s.settings, Clock: clock}
	if s.unready {
		on.house = house.StartUnready(t, o)
	} else {
		on.house = house.Start(t, o)
	}
	for _, step := range s.steps {
		if step.directive != "" {
			if err := on.direct(step); err != nil {
				t.Fatalf("%s: @%s: %v", step.at, step.directive, err)
			}
			continue
		}
		e, err := on.send(step.request)
		if err != nil {
			t.Fatalf("%s: %s: %v", step.at, step.title, err)
		}
		if problem := step.answer.compare(e.Answer, on.bound); problem != "" {
			t.Fatalf("%s: %s\n%s %s\n%s\nthe answer is not as written (- expected, + came):\n%s",
				step.answer.at, step.title, e.Method, e.Path, shorten(e.Body), problem)
		}
		watch(t, on.house, e)
	}
}

func (on *stage) send(r request) (Exchange, error) {
	var err error
	fill := func(text string) string {
		filled, missing := on.bound.fill(text)
		if missing != "" {
			err = fmt.Errorf("nothing is bound to {{%s}} yet", missing)
		}
		return filled
	}
	path, body, header := fill(r.path), fill(r.body), make([]string, len(r.header))
	e := Exchange{Face: on.face, Method: r.method, Header: http.Header{}, Body: body}
	for i := range r.header {
		header[i] = fill(r.header[i])
		name, value, _ := strings.Cut(header[i], ": ")
		e.Header.Add(name, value)
	}
	if err != nil {
		return e, err
	}
	e.Path, _, _ = strings.Cut(path, "?")
	e.Answer, err = on.house.Try(r.method, on.face, path, body, header...)
	return e, err
}

func shorten(body string) string {
	if len(body) > 500 {
		return fmt.Sprintf("%.500s… (%d bytes)", body, len(body))
	}
	return body
}
