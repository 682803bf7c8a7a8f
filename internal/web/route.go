package web

import (
	"net/http"
	"reflect"

	"github.com/gatehouse/gatehouse/internal/gate"
)

// Route is one operation of a face and its documentation. A face is a table of
// these: what it serves and what it says about itself cannot differ.
type Route struct {
	Method, Path string
	Summary      string
	Description  string
	In, Out      reflect.Type // bodies, nil for none
	Form         bool         // the body is a form
	Status       int          // of success
	Bearer       bool         // wants an access token
	Hot          bool         // good answers are not logged
	NoDatabase   bool         // answers without one
	Down         any          // example of a 503 that is not a refusal, nil for none
	Refusals     []*gate.Error
	Serve        Func
}

// Get returns a route that reads nothing.
func Get[Out any](path, summary string, serve Func) Route {
	return Route{Method: http.MethodGet, Path: path, Summary: summary, Out: reflect.TypeFor[Out](), Status: http.StatusOK, Serve: serve}
}

// Post returns a route that decodes In, calls the verb, and replies with what it
// returns.
func Post[In, Out any](f *Face, path, summary string, status int, verb func(r *http.Request, caller gate.Caller, in In) (Out, error)) Route {
	return PostBy[In, Out](path, summary, status, func(w http.ResponseWriter, r *http.Request) error {
		in, err := Decode[In](f, r)
		if err != nil {
			return err
		}
		out, err := verb(r, f.Caller(r), in)
		if err != nil {
			return err
		}
		return Reply(w, status, out)
	})
}

// PostBy returns a route that does its own decoding and replying; In and Out
// are for the documentation, struct{} for none.
func PostBy[In, Out any](path, summary string, status int, serve Func) Route {
	return Route{
		Method: http.MethodPost, Path: path, Summary: summary, Status: status,
		In: bodyOf[In](), Out: bodyOf[Out](), Serve: serve,
	}
}

// bodyOf is nil for a struct without fields: there is no body.
func bodyOf[T any]() reflect.Type {
	if t := reflect.TypeFor[T](); t.NumField() > 0 {
		return t
	}
	return nil
}

// Refusing adds the refusals that the documentation names.
func (r Route) Refusing(errs ...*gate.Error) Route {
	r.Refusals = append(r.Refusals, errs...)
	return r
}

// Describing adds a longer description.
func (r Route) Describing(text string) Route {
	r.Description = text
	return r
}

// ForBearer marks a route that wants an access token.
func (r Route) ForBearer() Route {
	r.Bearer = true
	return r
}

// Unlogged marks a route that is called for every request of somebody else.
func (r Route) Unlogged() Route {
	r.Hot = true
	return r
}

// WithoutDatabase marks a route that needs no database. down is an example of
// what it answers with status 503, nil if it never does.
func (r Route) WithoutDatabase(down any) Route {
	r.NoDatabase, r.Down = true, down
	return r
}

// WithForm marks a route whose body is a form.
func (r Route) WithForm() Route {
	r.Form = true
	return r
}
