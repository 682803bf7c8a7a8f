//go:build unix

package transcript

import (
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

func TestAddressesBelongToTheClosestPath(t *testing.T) {
	doc := &openapi3.T{Paths: openapi3.NewPaths()}
	for _, path := range []string{"/homes/join", "/homes/{id}", "/homes/{id}/members", "/users/by-email/{email}", "/users/{id}/{what}"} {
		doc.Paths.Set(path, &openapi3.PathItem{})
	}
	c := Contract{doc: doc}
	for address, want := range map[string]string{
		"/homes/join":       "/homes/join",
		"/homes/1":          "/homes/{id}",
		"/homes/1/members":  "/homes/{id}/members",
		"/users/by-email/a": "/users/by-email/{email}",
		"/users/1/a":        "/users/{id}/{what}",
		"/homes/":           "",
		"/homes":            "",
		"/homes/1/nodes":    "",
		"/homes/1/members/": "",
	} {
		if path, item := c.find(address); path != want || (item == nil) != (want == "") {
			t.Errorf("%s is of %q, want %q", address, path, want)
		}
	}
}
