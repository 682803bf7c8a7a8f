//go:build unix

package transcript

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/gatehouse/gatehouse/internal/test/house"
)

// Contract holds what a face says about itself, its OpenAPI document, against
// what it does. Check is a watcher for Play.
type Contract struct {
	Face string // others are left alone

	mu  sync.Mutex
	doc *openapi3.T
	met map[string]bool // "POST /path 200"
}

// Check fails the test when an exchange is not as documented: an operation or
// status that is not there, a body that is not of the schema.
func (c *Contract) Check(t *testing.T, h *house.House, e Exchange) {
	t.Helper()
	if e.Face != c.Face {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.doc == nil {
		c.load(t, h.Get(e.Face, "/openapi.json").Body)
	}
	if err := c.check(e); err != nil {
		t.Errorf("%s %s answers %d, and /openapi.json does not say so: %v", e.Method, e.Path, e.Answer.Status, err)
	}
}

func (c *Contract) load(t *testing.T, document string) {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData([]byte(document))
	if err == nil {
		err = doc.Validate(context.Background())
	}
	if err != nil {
		t.Fatalf("/openapi.json is no OpenAPI 3.1: %v", err)
	}
	c.doc, c.met = doc, map[string]bool{}
}

func (c *Contract) check(e Exchange) error {
	method := e.Method
	if method == http.MethodHead {
		method = http.MethodGet // the same without a body (RFC 9110 §9.3.2)
	}
	path, item := c.find(e.Path)
	var operation *openapi3.Operation
	if item != nil {
		operation = item.GetOperation(method)
	}
	switch refusal := e.Answer.Status; {
	case e.Path == "/openapi.json", e.Method == http.MethodOptions:
		return nil
	case item == nil && refusal == http.StatusNotFound, item != nil && operation == nil && refusal == http.StatusMethodNotAllowed:
		return nil
	case operation == nil:
		return fmt.Errorf("there is no such operation")
	}
	c.met[fmt.Sprint(method, " ", path, " ", e.Answer.Status)] = true
	if e.Method == http.MethodHead || mediaType(e.Answer.Header) == "text/html" {
		return nil
	}
	request := &openapi3filter.RequestValidationInput{
		Request: &http.Request{Method: method, URL: &url.URL{Path: e.Path}, Header: e.Header, Body: io.NopCloser(strings.NewReader(e.Body))},
		Route:   &routers.Route{Spec: c.doc, Path: path, PathItem: item, Method: method, Operation: operation},
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	}
	documented := operation.RequestBody != nil && operation.RequestBody.Value.GetMediaType(mediaType(e.Header)) != nil
	if e.Answer.Status < 300 && documented {
		if err := openapi3filter.ValidateRequestBody(context.Background(), request, operation.RequestBody.Value); err != nil {
			return fmt.Errorf("it took a request that it should not: %w", err)
		}
	}
	return openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: request, Status: e.Answer.Status, Header: e.Answer.Header,
		Body: io.NopCloser(strings.NewReader(e.Answer.Body)), Options: request.Options,
	})
}

// find returns the documented path that an address is of. One that is spelled
// out comes before one with parameters.
func (c *Contract) find(address string) (path string, item *openapi3.PathItem) {
	if item := c.doc.Paths.Value(address); item != nil {
		return address, item
	}
	best := 0
	for template, of := range c.doc.Paths.Map() {
		if n, ok := literals(template, address); ok && n > best {
			best, path, item = n, template, of
		}
	}
	return path, item
}

// literals counts the segments that a template with parameters spells out as
// the address does; ok tells whether the address is of that template.
func literals(template, address string) (n int, ok bool) {
	want, got := strings.Split(template, "/"), strings.Split(address, "/")
	if len(want) != len(got) {
		return 0, false
	}
	for i := range want {
		switch parameter := strings.HasPrefix(want[i], "{"); {
		case !parameter && want[i] != got[i], parameter && got[i] == "":
			return 0, false
		case !parameter:
			n++
		}
	}
	return n, true
}

func mediaType(h http.Header) string {
	media, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	return media
}

// Complete fails the test for every documented answer that no exchange showed:
// no story tells what the face promises there.
func (c *Contract) Complete(t *testing.T) {
	t.Helper()
	for path, item := range c.doc.Paths.Map() {
		for method, operation := range item.Operations() {
			for status := range operation.Responses.Map() {
				if _, err := strconv.Atoi(status); err == nil && !c.met[method+" "+path+" "+status] {
					t.Errorf("no transcript shows %s %s answering %s", method, path, status)
				}
			}
		}
	}
}
