package web_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/authn"
	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/internal/dialect/daarion"
	"github.com/gatehouse/gatehouse/internal/dialect/jarvis"
	"github.com/gatehouse/gatehouse/internal/dialect/microdao"
	"github.com/gatehouse/gatehouse/internal/dialect/minos"
	"github.com/gatehouse/gatehouse/internal/dialect/native"
	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/telemetry"
	"github.com/gatehouse/gatehouse/internal/web"
)

var update = flag.Bool("update", false, "write what every face answers to testdata/refusals.txt beside it")

// face is how a face gives its own way to refuse to a web.Face, and what its
// refusals look like.
type face struct {
	furnish func(*web.Face) (http.Handler, error)
	words   func(t *testing.T, status int, media string, body map[string]any) string
}

// faces has every face; TestCatalogueOnEveryFace fails when one is missing.
var faces = map[string]face{
	daarion.Name: {
		furnish: func(f *web.Face) (http.Handler, error) { return (&daarion.Face{Web: f}).Handler() },
		words: func(t *testing.T, _ int, media string, body map[string]any) string {
			if media != "application/json" || len(body) != 1 {
				t.Errorf("not FastAPI's shape: %s %v", media, body)
			}
			if list, ok := body["detail"].([]any); ok {
				raw, _ := json.Marshal(list)
				return string(raw)
			}
			text, _ := body["detail"].(string)
			return text
		},
	},
	jarvis.Name: {
		furnish: func(f *web.Face) (http.Handler, error) {
			return (&jarvis.Face{Web: f, Authn: &authn.Service{}}).Handler()
		},
		words: func(t *testing.T, _ int, media string, body map[string]any) string {
			if media != "application/json" || len(body) != 1 {
				t.Errorf("not FastAPI's shape: %s %v", media, body)
			}
			if text, ok := body["detail"].(string); ok {
				return text
			}
			raw, _ := json.Marshal(body["detail"])
			return string(raw)
		},
	},
	microdao.Name: {
		furnish: func(f *web.Face) (http.Handler, error) { return (&microdao.Face{Web: f}).Handler() },
		words: func(t *testing.T, _ int, media string, body map[string]any) string {
			if media != "application/json" || len(body) != 1 {
				t.Errorf("not FastAPI's shape: %s %v", media, body)
			}
			if text, ok := body["detail"].(string); ok {
				return text
			}
			raw, _ := json.Marshal(body["detail"])
			return string(raw)
		},
	},
	minos.Name: {
		furnish: func(f *web.Face) (http.Handler, error) { return (&minos.Face{Web: f}).Handler() },
		words: func(t *testing.T, _ int, media string, body map[string]any) string {
			if media != "application/json" || len(body) != 3 || body["error"] != body["message"] {
				t.Errorf("not the platform's shape: %s %v", media, body)
			}
			if list, ok := body["detail"].([]any); ok {
				raw, _ := json.Marshal(list)
				return fmt.Sprint(body["error"], " ", string(raw))
			}
			if body["detail"] != body["error"] {
				t.Errorf("it says two things: %v", body)
			}
			text, _ := body["detail"].(string)
			return text
		},
	},
	native.Name: {
		furnish: func(f *web.Face) (http.Handler, error) { return (&native.Face{Web: f}).Handler() },
		words: func(t *testing.T, status int, media string, body map[string]any) string {
			if media != "application/problem+json" || body["status"] != float64(status) || body["title"] != http.StatusText(status) || body["type"] != "about:blank" {
				t.Errorf("not RFC 9457's shape: %s %v", media, body)
			}
			return fmt.Sprint(body["code"], ": ", body["detail"])
		},
	},
}

// canary is a cause that no client may see.
const canary = "pq: password authentication failed for user hunter2"

// TestCatalogueOnEveryFace sends every refusal of the house through every
// face's own words. What comes of each is written down in the face's
// testdata/refusals.txt, so that a change is seen.
func TestCatalogueOnEveryFace(t *testing.T) {
	if len(faces) != len(config.Faces()) {
		t.Errorf("there are %d faces, this test knows %d", len(config.Faces()), len(faces))
	}
	for name, face := range faces {
		t.Run(name, func(t *testing.T) {
			handler := refusing(t, face)
			var table strings.Builder
			for _, e := range gate.Catalogue() {
				t.Run(e.Code, func(t *testing.T) {
					w := httptest.NewRecorder()
					handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/refusals/"+e.Code, nil))
					fmt.Fprintf(&table, "%-24s %d  %s\n", e.Code, w.Code, examine(t, face, e, w))
				})
			}
			golden(t, "../dialect/"+name+"/testdata/refusals.txt", table.String())
		})
	}
}

// refusing is a face with a route for every refusal, each with a cause.
func refusing(t *testing.T, face face) http.Handler {
	t.Helper()
	f := &web.Face{Tenant: gate.DefaultTenant, Clock: time.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Metrics: telemetry.NewMetrics("", "")}
	if _, err := face.furnish(f); err != nil { // gives f the face's own Refuse
		t.Fatal(err)
	}
	var routes []web.Route
	for _, e := range gate.Catalogue() {
		routes = append(routes, web.Get[map[string]string]("/refusals/"+e.Code, e.Message, func(http.ResponseWriter, *http.Request) error {
			return fmt.Errorf("while serving: %w", e.Because(errors.New(canary)))
		}))
	}
	handler, err := f.Handler(routes)
	if err != nil {
		t.Fatal(err)
	}
	return handler
}

// examine checks what holds for every face and returns its words.
func examine(t *testing.T, face face, e *gate.Error, w *httptest.ResponseRecorder) string {
	t.Helper()
	wait, _ := strconv.Atoi(w.Header().Get("Retry-After"))
	passes := w.Code == http.StatusServiceUnavailable || w.Code == http.StatusBadGateway // which of our peers' it is
	switch {
	case w.Code < 400 || w.Code > 599 || http.StatusText(w.Code) == "":
		t.Errorf("%d is no refusal", w.Code)
	case (w.Code == http.StatusInternalServerError) != (e.Kind == gate.Internal):
		t.Errorf("%s is answered with %d", e.Kind, w.Code)
	case e.Kind == gate.Unavailable && !passes, e.Kind == gate.RateLimited && w.Code != http.StatusTooManyRequests:
		t.Errorf("%s is answered with %d", e.Kind, w.Code)
	case (passes || w.Code == http.StatusTooManyRequests) != (wait > 0):
		t.Errorf("%d with Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	if strings.Contains(w.Body.String(), "hunter2") || strings.Contains(w.Body.String(), "while serving") {
		t.Errorf("the client sees the cause: %s", w.Body)
	}
	var body map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	words := face.words(t, w.Code, w.Header().Get("Content-Type"), body)
	if len(words) < 5 {
		t.Errorf("it says nothing: %s", w.Body)
	}
	return words
}

// Every rule that a field can break has words in every face, none of which
// end in a blank or show a value of Go's.
func TestRulesOnEveryFace(t *testing.T) {
	problems := []gate.Problem{
		{Rule: gate.RuleMissing},
		{Rule: gate.RuleType, Words: "object"},
		{Path: []string{"email"}, Rule: gate.RuleMissing},
		{Path: []string{"email"}, Rule: gate.RuleType, Words: "string"},
		{Path: []string{"loud"}, Rule: gate.RuleType, Words: "boolean"},
		{Path: []string{"password"}, Rule: gate.RuleTooShort, Limit: 8},
		{Path: []string{"password"}, Rule: gate.RuleTooLong, Limit: 128},
		{Path: []string{"email"}, Rule: gate.RuleValue, Words: "a valid e-mail address"},
		{Path: []string{"list", "0", "a/b~c"}, Rule: gate.RuleUnknown},
	}
	odd := regexp.MustCompile(`%!|<nil>|&\{|\{\{|0x[0-9a-f]{6}| "[,}]`)
	for name, face := range faces {
		t.Run(name, func(t *testing.T) {
			f := &web.Face{Tenant: gate.DefaultTenant, Clock: time.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Metrics: telemetry.NewMetrics("", "")}
			if _, err := face.furnish(f); err != nil {
				t.Fatal(err)
			}
			var table strings.Builder
			for _, p := range problems {
				w := httptest.NewRecorder()
				w.Header().Set("X-Request-Id", "1")
				f.Refuse(w, httptest.NewRequest(http.MethodPost, "/", nil), gate.ErrValidation.At(p))
				var body bytes.Buffer
				if err := json.Compact(&body, w.Body.Bytes()); err != nil || w.Code != http.StatusUnprocessableEntity || odd.Match(body.Bytes()) {
					t.Errorf("%+v: %d %s %v", p, w.Code, &body, err)
				}
				fmt.Fprintln(&table, &body)
			}
			golden(t, "../dialect/"+name+"/testdata/rules.txt", table.String())
		})
	}
}

// golden compares with a file, or writes it with -update.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	wanted, came := strings.Split(string(want), "\n"), strings.Split(got, "\n")
	for i := range max(len(wanted), len(came)) {
		switch {
		case i >= len(came):
			t.Errorf("%s:%d: gone: %s", file, i+1, wanted[i])
		case i >= len(wanted):
			t.Errorf("%s:%d: new: %s", file, i+1, came[i])
		case wanted[i] != came[i]:
			t.Errorf("%s:%d:\n- %s\n+ %s", file, i+1, wanted[i], came[i])
		}
	}
	if t.Failed() {
		t.Log("if that is as it should be: go test ./internal/web -update")
	}
}
