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
	Query        []Param      // besides those in Path
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
	return Do(f, http.MethodPost, path, summary, status, f.anybody, verb)
}

// Who says as whom a request acts, or refuses it.
type Who func(r *http.Request) (gate.Caller, error)

func (f *Face) anybody(r *http.Request) (gate.Caller, error) { return f.Caller(r), nil }

// Do returns a route that finds out who asks, decodes In (unless it is
// struct{}), calls the verb, and replies with what it returns (nothing with
// status 204). Who asks comes first: strangers learn nothing about a body.
func Do[In, Out any](f *Face, method, path, summary string, status int, who Who, verb func(r *http.Request, caller gate.Caller, in In) (Out, error)) Route {
	reads := bodyOf[In]() != nil
	serve := func(w http.ResponseWriter, r *http.Request) error {
		caller, err := who(r)
		if err != nil {
			return err
		}
		var in In
		if reads {
			if in, err = Decode[In](f, r); err != nil {
				return err
			}
		}
		out, err := verb(r, caller, in)
		switch {
		case err != nil:
			return err
		case status == http.StatusNoContent:
			w.WriteHeader(status)
			return nil
		}
		return Reply(w, status, out)
	}
	return Route{Method: method, Path: path, Summary: summary, Status: status, In: bodyOf[In](), Out: bodyOf[Out](), Serve: serve}
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
	if t := reflect.TypeFor[T](); t.Kind() != reflect.Struct || t.NumField() > 0 {
		return t
	}
	return nil
}

// Refusing adds the refusals that the documentation names.
func (r Route) Refusing(errs ...*gate.Error) Route {
	r.Refusals = append(r.Refusals, errs...)
	return r
}

// Asking adds parameters of the query.
func (r Route) Asking(params ...Param) Route {
	r.Query = append(r.Query, params...)
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
