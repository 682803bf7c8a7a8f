package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
)

// sample has one field of each sort that Decode knows.
type sample struct {
	Email    string      `json:"email" format:"email"`
	Password secret.Text `json:"password" minLength:"3" maxLength:"5"`
	Name     *string     `json:"name,omitempty"`
	Nick     string      `json:"nick,omitempty"`
	Loud     bool        `json:"loud,omitempty"`
}

func decodeText(body string, strict bool) (sample, error) {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return Decode[sample](&Face{StrictBodies: strict}, r)
}

// said is an error in one line: its code, and where which rule is broken.
func said(err error) string {
	var e *gate.Error
	if !errors.As(err, &e) {
		return fmt.Sprint(err)
	}
	line := e.Code
	for _, p := range e.Problems {
		if e.Code != gate.ErrMalformed.Code { // whose problem is a place
			line += " " + strings.Join(p.Path, "/") + ":" + string(p.Rule)
		}
	}
	return line
}

const good = `"email":"a@b.example","password":"12345"`

func TestDecodeRefusesWhatCouldBeReadInTwoWays(t *testing.T) {
	tests := []struct{ name, body, lenient, strict string }{
		{"good", `{` + good + `}`, "<nil>", "<nil>"},
		{"spaces around", " \r\n\t{" + good + "} \n", "<nil>", "<nil>"},
		{"nothing", ``, "validation_failed :missing", "same"},
		{"only spaces", " \n", "validation_failed :missing", "same"},
		{"null", `null`, "validation_failed :missing", "same"},
		{"list", `[]`, "validation_failed :type", "same"},
		{"text", `"x"`, "validation_failed :type", "same"},
		{"number", `1`, "validation_failed :type", "same"},
		{"empty", `{}`, "validation_failed email:missing password:missing", "same"},
		{"member twice", `{` + good + `,"email":"c@d.example"}`, "malformed_body", "same"},
		{"member twice, once escaped", `{` + good + `,"\u0065mail":"c@d.example"}`, "malformed_body", "same"},
		{"unknown member twice", `{` + good + `,"x":1,"x":2}`, "malformed_body", "same"},
		{"twice, deeper", `{` + good + `,"x":{"y":1,"y":2}}`, "malformed_body", "same"},
		{"escaped name", `{"\u0065mail":"a@b.example","password":"12345"}`, "<nil>", "<nil>"},
		{"other case", `{"Email":"a@b.example","password":"12345"}`, "validation_failed email:missing", "validation_failed Email:unknown email:missing"},
		{"other case beside the right one", `{` + good + `,"EMAIL":"c@d.example"}`, "<nil>", "validation_failed EMAIL:unknown"},
		{"long s, which some decoders fold", `{"email":"a@b.example","paſſword":"12345"}`, "validation_failed password:missing", "validation_failed paſſword:unknown password:missing"},
		{"Kelvin sign", `{` + good + `,"nicK":"x"}`, "<nil>", "validation_failed nicK:unknown"},
		{"unknown member", `{` + good + `,"roles":["admin"]}`, "<nil>", "validation_failed roles:unknown"},
		{"name that may be a password", `{` + good + `,"` + strings.Repeat("p", 33) + `":1}`, "<nil>", "validation_failed ?:unknown"},
		{"name with a line break", `{` + good + `,"a\nb":1}`, "<nil>", "validation_failed ?:unknown"},
		{"trailing brace", `{` + good + `}}`, "malformed_body", "same"},
		{"trailing object", `{` + good + `}{}`, "malformed_body", "same"},
		{"trailing object after a wrong one", `{}{}`, "malformed_body", "same"},
		{"trailing NUL", "{" + good + "}\x00", "malformed_body", "same"},
		{"comment", `{` + good + `/* */}`, "malformed_body", "same"},
		{"trailing comma", `{` + good + `,}`, "malformed_body", "same"},
		{"single quotes", `{'email':'a@b.example'}`, "malformed_body", "same"},
		{"cut off in a name", `{"ema`, "malformed_body", "same"},
		{"cut off in a value", `{"email":"a@b`, "malformed_body", "same"},
		{"cut off between", `{"email":`, "malformed_body", "same"},
		{"byte order mark", "\ufeff{" + good + "}", "malformed_body", "same"},
		{"UTF-16", "\xff\xfe{\x00", "malformed_body", "same"},
		{"invalid UTF-8 in a value", "{\"email\":\"a@b.example\",\"password\":\"12\xff45\"}", "malformed_body", "same"},
		{"invalid UTF-8 in a name", "{" + good + ",\"\xc3\":1}", "malformed_body", "same"},
		{"lone surrogate", `{"email":"a@b.example","password":"12\ud80045"}`, "malformed_body", "same"},
		{"raw control character", "{\"email\":\"a@b.example\",\"password\":\"12\x0145\"}", "malformed_body", "same"},
		{"raw NUL", "{\"email\":\"a@b.example\",\"password\":\"12\x0045\"}", "malformed_body", "same"},
		{"escaped NUL", `{"email":"a@b.example","password":"12\u000045"}`, "validation_failed password:value", "same"},
		{"too deep", `{` + good + `,"x":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + `}`, "malformed_body", "same"},
		{"too deep, never closed", strings.Repeat("[", 10_001), "malformed_body", "same"},
		{"number where text is wanted", `{"email":1,"password":true}`, "validation_failed email:type password:type", "same"},
		{"null where text is wanted", `{"email":null,"password":null}`, "validation_failed email:type password:type", "same"},
		{"null where it may be", `{` + good + `,"name":null}`, "<nil>", "<nil>"},
		{"null where only absence may be", `{` + good + `,"nick":null}`, "validation_failed nick:type", "same"},
		{"text where a boolean is wanted", `{` + good + `,"loud":"true"}`, "validation_failed loud:type", "same"},
		{"too short", `{"email":"a@b.example","password":"її"}`, "validation_failed password:too_short", "same"},
		{"too long", `{"email":"a@b.example","password":"123456"}`, "validation_failed password:too_long", "same"},
		{"as long as may be, in characters", `{"email":"a@b.example","password":"їїїїї"}`, "<nil>", "<nil>"},
		{"no address", `{"email":"a","password":"12345"}`, "validation_failed email:value", "same"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.strict == "same" {
				test.strict = test.lenient
			}
			for strict, want := range map[bool]string{false: test.lenient, true: test.strict} {
				if _, err := decodeText(test.body, strict); said(err) != want {
					t.Errorf("strict=%v: %s, want %s", strict, said(err), want)
				}
			}
		})
	}
}

func TestDecodeTellsNullFromAbsentFromEmpty(t *testing.T) {
	for body, want := range map[string]string{
		`{` + good + `}`:             "absent",
		`{` + good + `,"name":null}`: "absent",
		`{` + good + `,"name":""}`:   `""`,
		`{` + good + `,"name":"Їé"}`: `"Їé"`,
	} {
		in, err := decodeText(body, true)
		got := "absent"
		if in.Name != nil {
			got = fmt.Sprintf("%q", *in.Name)
		}
		if err != nil || got != want {
			t.Errorf("%s: %s %v, want %s", body, got, err, want)
		}
	}
	in, err := decodeText(`{"email":"a@b.example","password":"1\ud83d\ude002","nick":"n","loud":true}`, true)
	if err != nil || in.Email != "a@b.example" || in.Password.Reveal() != "1😀2" || in.Nick != "n" || !in.Loud {
		t.Errorf("the fields did not arrive: %+v %q %v", in, in.Password.Reveal(), err)
	}
}

// What was sent must not come back in an error or a log: it may be a password.
func TestDecodeNeverRepeatsValues(t *testing.T) {
	const canary = "hunter2hunter2"
	for _, body := range []string{
		`{"email":"` + canary + `","password":"` + canary + `"}`,
		`{"email":` + canary + `}`,
		`{"email":"x","password":"` + canary,
		`{"` + canary + canary + canary + `":1}`,
		canary,
	} {
		_, err := decodeText(body, true)
		if text := fmt.Sprintf("%v %+v", err, said(err)); strings.Contains(text, canary) {
			t.Errorf("%s: the error repeats it: %s", body, text)
		}
	}
}

// Scratch memory is shared between requests, one after the other.
func TestDecodeKeepsNothingOfTheLastRequest(t *testing.T) {
	for i := range 200 {
		first, err := decodeText(fmt.Sprintf(`{"email":"a%d@b.example","password":"p%03d","name":"n%d"}`, i, i, i), true)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = decodeText(`{"email":"zzzzzzzzzzzzzzzz`, true)
		if second, err := decodeText(`{"email":"c@d.example"}`, true); said(err) != "validation_failed password:missing" || second.Name != nil {
			t.Fatalf("%+v %v", second, err)
		}
		if first.Email != fmt.Sprintf("a%d@b.example", i) || first.Password.Reveal() != fmt.Sprintf("p%03d", i) || *first.Name != fmt.Sprintf("n%d", i) {
			t.Fatalf("what was decoded changed afterwards: %+v", first)
		}
	}
}

func TestContentTypesThatCount(t *testing.T) {
	tests := []struct {
		contentType     string
		header          string // of a browser
		lenient, strict bool   // accepted?
	}{
		{"application/json", "", true, true},
		{"application/json; charset=utf-8", "", true, true},
		{"Application/JSON", "", true, true},
		{"application/merge-patch+json", "", true, true},
		{"application/json", "Origin: https://a.example", true, true},
		{"", "", true, false},
		{"application/x-www-form-urlencoded", "", true, false}, // curl -d
		{"text/plain", "", true, false},
		{"", "Origin: https://a.example", false, false},
		{"application/x-www-form-urlencoded", "Origin: null", false, false},
		{"text/plain;charset=UTF-8", "Sec-Fetch-Site: cross-site", false, false},
		{"multipart/form-data; boundary=x", "", false, false},
		{"application/xml", "", false, false},
		{"application/jsonp", "", false, false},
		{"text/json", "", false, false},
		{"application/", "", false, false},
	}
	for _, test := range tests {
		for strict, want := range map[bool]bool{false: test.lenient, true: test.strict} {
			r := httptest.NewRequest(http.MethodPost, "/", nil)
			r.Header.Set("Content-Type", test.contentType)
			if name, value, ok := strings.Cut(test.header, ": "); ok {
				r.Header.Set(name, value)
			}
			err := (&Face{StrictBodies: strict}).checkMediaType(r)
			if (err == nil) != want || err != nil && !errors.Is(err, gate.ErrMediaType) {
				t.Errorf("%q %s strict=%v: %v", test.contentType, test.header, strict, err)
			}
		}
	}
}

func TestFormsHaveEachParameterOnce(t *testing.T) {
	tests := []struct{ name, contentType, body, want string }{
		{"good", "application/x-www-form-urlencoded", "a=1&b=%D1%97", "<nil>"},
		{"with a charset", "application/x-www-form-urlencoded; charset=utf-8", "a=1", "<nil>"},
		{"empty", "application/x-www-form-urlencoded", "", "<nil>"},
		{"twice", "application/x-www-form-urlencoded", "a=1&a=2", "validation_failed a:value"},
		{"twice, once escaped", "application/x-www-form-urlencoded", "a=1&%61=1", "validation_failed a:value"},
		{"NUL", "application/x-www-form-urlencoded", "a=%00", "validation_failed a:value"},
		{"line break", "application/x-www-form-urlencoded", "a=%0d%0a", "validation_failed a:value"},
		{"invalid UTF-8", "application/x-www-form-urlencoded", "a=%ff", "validation_failed a:value"},
		{"bad escape", "application/x-www-form-urlencoded", "a=%zz", "validation_failed"},
		{"semicolon, which some take for an ampersand", "application/x-www-form-urlencoded", "a=1;b=2", "validation_failed"},
		{"long name twice", "application/x-www-form-urlencoded", strings.Repeat("n", 33) + "&" + strings.Repeat("n", 33), "validation_failed ?:value"},
		{"JSON", "application/json", "{}", "unsupported_media_type"},
		{"nothing declared", "", "a=1", "unsupported_media_type"},
		{"multipart", "multipart/form-data; boundary=x", "", "unsupported_media_type"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/?a=query&c=query", strings.NewReader(test.body))
			r.Header.Set("Content-Type", test.contentType)
			form, err := DecodeForm(r)
			if said(err) != test.want {
				t.Errorf("%s, want %s", said(err), test.want)
			}
			if form.Get("c") != "" || form.Get("a") == "query" {
				t.Errorf("the query got in: %v", form)
			}
		})
	}
}
