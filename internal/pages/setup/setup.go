// Package setup is the page on which the first administrator makes an account,
// reached by the single-use link that a fresh house prints. Opening the page
// uses nothing up; only the form does.
package setup

import (
	"embed"
	"html/template"
	"net/http"

	"github.com/gatehouse/gatehouse/internal/account"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
	"github.com/gatehouse/gatehouse/internal/web"
)

//go:embed page.html style.css
var files embed.FS

var page = template.Must(template.ParseFS(files, "page.html"))

// view is what the page shows.
type view struct {
	Token, Email, Name string
	MinPassword        int
	Problem            string
	Done               bool
}

// Routes returns the page and its form.
func Routes(f *web.Face, accounts *account.Service) []web.Route {
	return []web.Route{
		{Method: http.MethodGet, Path: "/setup", Summary: "The page for the first administrator", Status: http.StatusOK, NoDatabase: true,
			Serve: func(w http.ResponseWriter, r *http.Request) error {
				return show(accounts, w, http.StatusOK, view{Token: r.URL.Query().Get("token")})
			}},
		{Method: http.MethodGet, Path: "/setup/style.css", Summary: "Its style", Status: http.StatusOK, NoDatabase: true, Serve: style},
		{Method: http.MethodPost, Path: "/setup", Summary: "Make the first administrator", Status: http.StatusOK, Form: true,
			Serve: func(w http.ResponseWriter, r *http.Request) error { return submit(f, accounts, w, r) }},
	}
}

func submit(f *web.Face, accounts *account.Service, w http.ResponseWriter, r *http.Request) error {
	form, err := web.DecodeForm(r)
	if err != nil {
		return err
	}
	v := view{Token: form.Get("token"), Email: form.Get("email"), Name: form.Get("name")}
	_, err = accounts.ClaimSetup(r.Context(), f.Caller(r), secret.NewText(v.Token), account.Application{
		Email: v.Email, DisplayName: v.Name, Password: secret.NewText(form.Get("password")),
	})
	if err == nil {
		return show(accounts, w, http.StatusOK, view{Done: true, Email: v.Email})
	}
	e := gate.AsError(err)
	if e.Kind == gate.Internal || e.Kind == gate.Unavailable {
		return err
	}
	v.Problem = e.Message
	for _, p := range e.Problems {
		if e.Code != gate.ErrValidation.Code {
			break // the message says it all
		}
		v.Problem = "Please look at " + p.Path[0] + " again."
	}
	return show(accounts, w, http.StatusBadRequest, v)
}

// The page loads its own style and nothing else, runs no script, and cannot be
// framed.
const policy = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func show(accounts *account.Service, w http.ResponseWriter, status int, v view) error {
	v.MinPassword = accounts.Passwords.Strength.MinLength
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", policy)
	w.WriteHeader(status)
	return page.Execute(w, v)
}

func style(w http.ResponseWriter, _ *http.Request) error {
	css, err := files.ReadFile("style.css")
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = w.Write(css)
	return nil
}
