//go:build unix

package transcript

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// story is a file that was read.
type story struct {
	settings map[string]string
	unready  bool
	steps    []step
}

// step is a directive, or a request and its answer.
type step struct {
	at        string // file:line
	directive string // the word after @
	argument  string

	title string
	request
	answer answer
}

type request struct {
	method, path string
	header       []string // "Name: value"
	body         string
}

type answer struct {
	at     string
	status int
	header []string
	body   string
}

// reader goes through a file line by line.
type reader struct {
	file  string
	lines []string
	n     int
}

func (r *reader) more() bool                    { return r.n < len(r.lines) }
func (r *reader) line() string                  { return strings.TrimRight(r.lines[r.n], " \r") }
func (r *reader) at() string                    { return fmt.Sprintf("%s:%d", r.file, r.n+1) }
func (r *reader) fail(f string, a ...any) error { return fmt.Errorf(r.at()+": "+f, a...) }

func parse(file, text string) (story, error) {
	s := story{settings: map[string]string{}}
	r := &reader{file: file, lines: strings.Split(text, "\n")}
	if !strings.HasPrefix(r.line(), "# ") || strings.HasPrefix(r.line(), "# @") {
		return s, r.fail("a transcript begins with a comment that tells its story")
	}
	title := ""
	for r.more() {
		var err error
		switch line := r.line(); {
		case strings.HasPrefix(line, "# @"):
			err = s.directive(r)
		case strings.HasPrefix(line, "###"):
			title = strings.TrimSpace(line[3:])
			r.n++
		case line == "", strings.HasPrefix(line, "#"):
			r.n++
		case title == "":
			err = r.fail("a request needs a title: a line that begins with ###")
		default:
			err = s.exchange(r, title)
			title = ""
		}
		if err != nil {
			return s, err
		}
	}
	return s, nil
}

func (s *story) directive(r *reader) error {
	at := r.at()
	word, argument, _ := strings.Cut(r.line()[3:], " ")
	for r.n++; r.more() && strings.HasPrefix(r.line(), "#  "); r.n++ {
		argument += " " + strings.TrimSpace(r.line()[1:])
	}
	if word != "set" && word != "unready" {
		s.steps = append(s.steps, step{at: at, directive: word, argument: strings.TrimSpace(argument)})
		return nil
	}
	key, value, found := strings.Cut(argument, "=")
	switch {
	case len(s.steps) > 0:
		return fmt.Errorf("%s: @%s comes before everything else", at, word)
	case word == "unready":
		s.unready = true
	case !found:
		return fmt.Errorf("%s: @set wants key=value", at)
	default:
		s.settings[key] = value
	}
	return nil
}

func (s *story) exchange(r *reader, title string) error {
	st := step{at: r.at(), title: title}
	var found bool
	if st.method, st.path, found = strings.Cut(r.line(), " "); !found || !strings.HasPrefix(st.path, "/") {
		return r.fail("want METHOD /path, not %q", r.line())
	}
	r.n++
	st.request.header = r.header()
	st.request.body = r.body()
	if !r.more() || !strings.HasPrefix(r.line(), "HTTP/1.1 ") {
		return r.fail("here should be the answer: HTTP/1.1 STATUS REASON")
	}
	st.answer.at = r.at()
	code, reason, _ := strings.Cut(r.line()[len("HTTP/1.1 "):], " ")
	var err error
	if st.answer.status, err = strconv.Atoi(code); err != nil || http.StatusText(st.answer.status) != reason {
		return r.fail("there is no status %q", r.line())
	}
	r.n++
	st.answer.header = r.header()
	st.answer.body = r.body()
	s.steps = append(s.steps, st)
	return nil
}

// header reads up to the empty line, or to where the answer begins.
func (r *reader) header() (header []string) {
	for ; r.more() && r.line() != "" && r.line()[0] != '#' && !strings.HasPrefix(r.line(), "HTTP/"); r.n++ {
		header = append(header, r.line())
	}
	return header
}

// body reads up to the answer, a comment or a title, without the empty lines
// around it.
func (r *reader) body() string {
	start := r.n
	for r.more() && !strings.HasPrefix(r.line(), "HTTP/1.1 ") && !strings.HasPrefix(r.line(), "#") {
		r.n++
	}
	return strings.Trim(strings.Join(r.lines[start:r.n], "\n"), "\n")
}
