package web

import (
	"cmp"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/gatehouse/gatehouse/internal/gate"
)

// openAPI describes the routes as OpenAPI 3.1.
func (f *Face) openAPI(routes []Route) ([]byte, error) {
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	doc := &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info:    &huma.Info{Title: f.Title, Version: f.Version, Description: f.Description},
		Servers: []*huma.Server{{URL: "."}},
		Components: &huma.Components{
			Schemas:         registry,
			SecuritySchemes: map[string]*huma.SecurityScheme{"bearer": {Type: "http", Scheme: "bearer", BearerFormat: "JWT"}},
		},
	}
	for _, route := range routes {
		doc.AddOperation(f.operation(registry, route))
	}
	return doc.MarshalJSON()
}

func (f *Face) operation(registry huma.Registry, route Route) *huma.Operation {
	op := &huma.Operation{
		Method: route.Method, Path: route.Path, OperationID: operationID(route),
		Summary: route.Summary, Description: route.Description, Parameters: route.params(),
		Responses: map[string]*huma.Response{
			strconv.Itoa(route.Status): {Description: http.StatusText(route.Status), Content: content(registry, route.Out, "application/json")},
		},
	}
	if route.In != nil {
		media := "application/json"
		if route.Form {
			media = "application/x-www-form-urlencoded"
		}
		op.RequestBody = &huma.RequestBody{Required: true, Content: content(registry, route.In, media)}
		if !f.StrictBodies {
			registry.Map()[huma.DefaultSchemaNamer(route.In, "")].AdditionalProperties = true
		}
	}
	if route.Bearer {
		op.Security = []map[string][]string{{"bearer": {}}}
	}
	if down := reflect.TypeOf(route.Down); down != nil {
		op.Responses[strconv.Itoa(http.StatusServiceUnavailable)] = &huma.Response{Description: http.StatusText(http.StatusServiceUnavailable), Content: content(registry, down, "application/json")}
	}
	for _, e := range route.refusals() {
		f.describeRefusal(registry, op, e)
	}
	return op
}

// refusals are those that the route names and those that its shape brings along.
func (r Route) refusals() []*gate.Error {
	all := slices.Clone(r.Refusals)
	if r.In != nil || r.Form {
		all = append(all, gate.ErrValidation, gate.ErrBodyTooLarge, gate.ErrMediaType)
		if !r.Form {
			all = append(all, gate.ErrMalformed)
		}
	}
	if !r.NoDatabase {
		all = append(all, gate.ErrDatabaseUnavailable)
	}
	return all
}

// describeRefusal adds a refusal to the response with its status; several
// refusals can share one.
func (f *Face) describeRefusal(registry huma.Registry, op *huma.Operation, e *gate.Error) {
	status := strconv.Itoa(f.Statuses.Of(e))
	if known, ok := op.Responses[status]; ok {
		known.Description += "\n\n" + e.Message
		return
	}
	op.Responses[status] = &huma.Response{
		Description: e.Message, Content: content(registry, reflect.TypeOf(f.RefusalBody), cmp.Or(f.RefusalMedia, "application/json")),
	}
}

func content(registry huma.Registry, t reflect.Type, media string) map[string]*huma.MediaType {
	if t == nil {
		return nil
	}
	return map[string]*huma.MediaType{media: {Schema: registry.Schema(t, true, t.Name())}}
}

func operationID(route Route) string {
	path := strings.Trim(strings.NewReplacer("/", "-", "{", "", "}", "", ".", "").Replace(route.Path), "-")
	return strings.ToLower(route.Method) + "-" + path
}
