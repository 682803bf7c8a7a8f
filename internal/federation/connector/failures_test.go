package connector

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/secret"
)

func write(code int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

const asJSONType = "application/json"

func TestFailuresOfTheTokenEndpoint(t *testing.T) {
	echo := func(code int, text string) http.HandlerFunc { // repeats the question in its answer
		return func(w http.ResponseWriter, r *http.Request) {
			_, pass, _ := r.BasicAuth()
			reply(w, code, map[string]string{"error": text, "error_description": r.PostFormValue("code") + pass})
		}
	}
	good := `{"access_token":"` + theAccess + `","token_type":"Bearer"`
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   error
	}{
		"invalid_grant":                    {echo(400, "invalid_grant"), ErrRefused},
		"GitHub's, with 200":               {echo(200, "bad_verification_code"), ErrRefused},
		"invalid_client":                   {echo(401, "invalid_client"), ErrMisconfigured},
		"invalid_client with 400":          {echo(400, "invalid_client"), ErrMisconfigured},
		"GitHub's wrong secret":            {echo(200, "incorrect_client_credentials"), ErrMisconfigured},
		"GitHub's wrong redirect URI":      {echo(200, "redirect_uri_mismatch"), ErrMisconfigured},
		"unauthorized_client":              {echo(400, "unauthorized_client"), ErrMisconfigured},
		"an error that echoes":             {echo(400, theSecret), ErrMisconfigured},
		"an error that echoes, with 200":   {echo(200, theCode), ErrMisconfigured},
		"temporarily_unavailable":          {echo(400, "temporarily_unavailable"), ErrUnavailable},
		"forbidden":                        {status(403), ErrMisconfigured},
		"not there":                        {write(404, "text/html", "<html>"), ErrMisconfigured},
		"no content":                       {status(204), ErrMisconfigured},
		"too many requests":                {echo(429, "invalid_grant"), ErrUnavailable},
		"broken":                           {echo(500, "invalid_grant"), ErrUnavailable},
		"away":                             {status(503), ErrUnavailable},
		"a page":                           {write(200, "text/html", "<html>"), ErrUnavailable},
		"tokens that say they are a page":  {write(200, "text/html", good+"}"), ErrUnavailable},
		"tokens that do not say":           {write(200, "", good+"}"), ErrUnavailable},
		"a form":                           {write(200, "application/x-www-form-urlencoded", "access_token="+theAccess), ErrUnavailable},
		"a list":                           {write(200, asJSONType, "[]"), ErrUnavailable},
		"two of one":                       {write(200, asJSONType, good+`,"access_token":"x"}`), ErrUnavailable},
		"half":                             {write(200, asJSONType, good), ErrUnavailable},
		"more than one":                    {write(200, asJSONType, good+"}{}"), ErrUnavailable},
		"too large":                        {write(200, asJSONType, good+"}"+strings.Repeat(" ", maxTokens)), ErrUnavailable},
		"no access token":                  {tokens("", "Bearer"), ErrUntrusted},
		"an access token with a line":      {tokens("a\r\nb", "Bearer"), ErrUntrusted},
		"another kind of token":            {tokens(theAccess, "DPoP"), ErrUntrusted},
		"no kind of token":                 {tokens(theAccess, ""), ErrUntrusted},
		"no ID token":                      {write(200, asJSONType, good+"}"), ErrUntrusted},
		"cut off":                          {cutOff, ErrUnavailable},
		"not HTTP, and quoting":            {quote, ErrUnavailable},
		"packed, although nobody asked to": {packed, ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			p := serve(t)
			p.do("/token", c.answer)
			_, err := finish(t, p.client(), theAnswer())
			if !errors.Is(err, c.want) || (RetryAfter(err) > 0) != (c.want == ErrUnavailable) {
				t.Errorf("error %v, try again in %v", err, RetryAfter(err))
			}
			if p.requests("/token") != 1 {
				t.Errorf("the code was sent %d times", p.requests("/token"))
			}
		})
	}
}

// tokens answers with a good ID token, without at_hash, beside any other.
func tokens(access, kind string) http.HandlerFunc {
	now := newClock().Now().Unix()
	return func(w http.ResponseWriter, r *http.Request) {
		id := signed("RS256", "one", rsaKey(), map[string]any{
			"iss": "http://" + r.Host, "sub": "subject-1", "aud": theClient, "exp": now + 300, "iat": now, "nonce": theNonce,
			"email": "ada@example.org", "name": "Ada",
		})
		reply(w, 200, map[string]string{"access_token": access, "token_type": kind, "id_token": id})
	}
}

// cutOff promises more than it sends.
func cutOff(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = io.WriteString(w, `{"access_token":"`+theAccess)
}

// quote repeats the question in a place that net/http would quote.
func quote(w http.ResponseWriter, r *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 "+r.PostFormValue("code")+" "+theSecret+"\r\n\r\n")
	_ = conn.Close()
}

func packed(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Accept-Encoding") != "" {
		w.Header().Set("X-Asked", "yes")
	}
	w.Header().Set("Content-Encoding", "gzip")
	w.Header().Set("Content-Type", asJSONType)
	_, _ = w.Write([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 0xab, 0xae, 5, 0, 0x43, 0xbf, 0xa6, 0xa3, 2, 0, 0, 0})
}

func TestTokensThatAreGoodEnough(t *testing.T) {
	p := serve(t)
	p.do("/token", tokens(theAccess, "BEARER"))
	got, err := finish(t, p.client(), theAnswer())
	if err != nil || got.Subject != "subject-1" || !got.Tokens.Refresh.Empty() || !got.Tokens.Expires.IsZero() || got.EmailVerified {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestWrongSecretOrRedirectAtAStrictProvider(t *testing.T) {
	p := serve(t)
	s := p.settings()
	s.ClientSecret = secret.NewText("another")
	if _, err := finish(t, p.clientWith(s), theAnswer()); !errors.Is(err, ErrMisconfigured) || !strings.Contains(err.Error(), "invalid_client") {
		t.Errorf("a wrong secret: %v", err)
	}
	a := theAnswer()
	a.Verifier = secret.NewText(strings.Repeat("v", 43))
	if _, err := finish(t, p.client(), a); !errors.Is(err, ErrRefused) || !strings.HasPrefix(err.Error(), "identity provider test: ") {
		t.Errorf("a wrong verifier: %v", err)
	}
}

// Where an answer is needed, nothing else will do.
func TestFailuresElsewhere(t *testing.T) {
	const discovery, keys, userinfo = "/.well-known/openid-configuration", "/keys", "/userinfo"
	for name, c := range map[string]struct {
		path   string
		answer http.HandlerFunc
		want   error
	}{
		"discovery is away":           {discovery, status(502), ErrUnavailable},
		"discovery is not there":      {discovery, status(404), ErrMisconfigured},
		"discovery is a page":         {discovery, write(200, "text/html", "<html>"), ErrUnavailable},
		"discovery is of other types": {discovery, write(200, asJSONType, `{"issuer":7}`), ErrUnavailable},
		"discovery is empty":          {discovery, status(200), ErrUnavailable},
		"discovery is huge":           {discovery, huge, ErrUnavailable},
		"keys are away":               {keys, status(503), ErrUnavailable},
		"keys are a page":             {keys, write(200, "text/html", "<html>"), ErrUnavailable},
		"keys are huge":               {keys, huge, ErrUnavailable},
		"keys are too many":           {keys, write(200, asJSONType, `{"keys":[`+strings.Repeat("{},", maxKeys)+`{}]}`), ErrUnavailable},
		"userinfo is away":            {userinfo, status(500), ErrUnavailable},
		"userinfo refuses the token":  {userinfo, status(401), ErrMisconfigured},
		"userinfo is signed":          {userinfo, write(200, "application/jwt", "eyJ.e30."), ErrMisconfigured},
		"userinfo is a page":          {userinfo, write(200, "text/html", `{"sub":"subject-1"}`), ErrUnavailable},
		"userinfo is a list":          {userinfo, write(200, asJSONType, `[{"sub":"subject-1"}]`), ErrUnavailable},
		"userinfo is null":            {userinfo, write(200, asJSONType, `null`), ErrUnavailable},
		"userinfo is not Unicode":     {userinfo, write(200, asJSONType, "{\"sub\":\"subject-1\",\"x\":\"\xff\"}"), ErrUnavailable},
		"userinfo is huge":            {userinfo, huge, ErrUnavailable},
		"discovery is cut off":        {discovery, cutOff, ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			p := serve(t)
			p.claims = func(m map[string]any) { delete(m, "email") }
			p.do(c.path, c.answer)
			if _, err := finish(t, p.client(), theAnswer()); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			if p.requests(c.path) != 1 {
				t.Errorf("%s was asked %d times", c.path, p.requests(c.path))
			}
		})
	}
}

func huge(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", asJSONType)
	_, _ = io.WriteString(w, `{"sub":"`)
	_, _ = io.Copy(w, strings.NewReader(strings.Repeat("x", 4*maxAnswer)))
}

func TestTheAPIOfPlainOAuthFails(t *testing.T) {
	for name, c := range map[string]struct {
		path   string
		answer http.HandlerFunc
		want   error
	}{
		"the user":              {"/user", status(500), ErrUnavailable},
		"no right to addresses": {"/user/emails", status(404), ErrMisconfigured},
		"addresses are a page":  {"/user/emails", write(200, "text/html", "[]"), ErrUnavailable},
		"addresses are no list": {"/user/emails", write(200, asJSONType, `{"email":"a@example.org"}`), ErrUnavailable},
	} {
		p, client := plain(t, `{"id":1}`, `[]`)
		p.do(c.path, c.answer)
		if _, err := finish(t, client, theAnswer()); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNoRedirectIsFollowed(t *testing.T) {
	for _, path := range []string{"/.well-known/openid-configuration", "/keys", "/token", "/userinfo"} {
		for _, code := range []int{301, 302, 303, 307, 308} {
			p, away := serve(t), serve(t)
			p.claims = func(m map[string]any) { delete(m, "email") }
			p.do(path, http.RedirectHandler(away.URL+path, code).ServeHTTP)
			if _, err := finish(t, p.client(), theAnswer()); !errors.Is(err, ErrMisconfigured) || !strings.Contains(err.Error(), "a redirect") || away.requests(path) != 0 {
				t.Errorf("%s, %d: %v; the other server was asked %d times", path, code, err, away.requests(path))
			}
		}
	}
}

// A provider may be slow before its answer and within it.
func TestASlowProviderIsNotWaitedFor(t *testing.T) {
	release := make(chan struct{})
	defer close(release) // before the providers are closed
	hang := func(begin string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, begin)
			if begin != "" {
				_ = http.NewResponseController(w).Flush()
			}
			select {
			case <-release:
			case <-r.Context().Done():
			}
		}
	}
	for _, path := range []string{"/.well-known/openid-configuration", "/keys", "/token", "/userinfo"} {
		for _, begin := range []string{"", "{"} {
			p := serve(t)
			p.claims = func(m map[string]any) { delete(m, "email") }
			p.do(path, hang(begin))
			c := p.client()
			if c.http.Timeout != callTimeout {
				t.Errorf("the limit is %v, want %v", c.http.Timeout, callTimeout)
			}
			c.http.Timeout = 100 * time.Millisecond
			if _, err := finish(t, c, theAnswer()); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "no answer in time") {
				t.Errorf("%s, after %q: %v", path, begin, err)
			}
		}
	}
}

func TestACallerWhoLeavesIsNotWaitedFor(t *testing.T) {
	p := serve(t)
	c := p.client()
	if _, err := c.AuthorizationURL(t.Context(), start()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	p.do("/token", func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or the server does not notice that the caller left
		cancel()
		<-r.Context().Done()
	})
	if _, err := c.Finish(ctx, theAnswer()); !errors.Is(err, context.Canceled) || !errors.Is(err, ErrUnavailable) {
		t.Errorf("error %v", err)
	}
}

// deadlines notes until when calls may take.
type deadlines struct {
	http.RoundTripper
	latest time.Duration
}

func (d *deadlines) RoundTrip(r *http.Request) (*http.Response, error) {
	if until, ok := r.Context().Deadline(); !ok {
		d.latest = 1<<63 - 1
	} else {
		d.latest = max(d.latest, time.Until(until))
	}
	return d.RoundTripper.RoundTrip(r)
}

func TestEveryCallAndAllOfThemAreBounded(t *testing.T) {
	p := serve(t)
	p.claims = func(m map[string]any) { delete(m, "email") }
	c := p.client()
	seen := &deadlines{RoundTripper: c.http.Transport}
	c.http.Transport = seen
	c.http.Timeout = 0 // leaves what is for all of them
	if _, err := finish(t, c, theAnswer()); err != nil || seen.latest > totalTimeout || seen.latest <= callTimeout {
		t.Errorf("%v, the longest may take %v", err, seen.latest)
	}
	if transport := newHTTPClient(newDialer(false)).Transport.(*http.Transport); transport.Proxy != nil || !transport.DisableCompression {
		t.Error("the transport takes a proxy from the environment, or unpacks")
	}
}

func TestOldTLSAndForeignCertificatesAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		version uint16
		trusted bool
		want    error
	}{
		"TLS 1.1":               {tls.VersionTLS11, true, ErrUnavailable},
		"TLS 1.2":               {tls.VersionTLS12, true, nil},
		"a foreign certificate": {tls.VersionTLS13, false, ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			p := serve(t)
			s := httptest.NewUnstartedServer(p.Config.Handler)
			s.TLS = &tls.Config{MaxVersion: c.version, MinVersion: tls.VersionTLS10} //nolint:gosec // the point of it
			s.Config.ErrorLog = quiet()
			s.StartTLS()
			t.Cleanup(s.Close)
			for key, value := range p.metadata {
				if text, ok := value.(string); ok {
					p.metadata[key] = strings.Replace(text, p.URL, s.URL, 1)
				}
			}
			settings := p.settings()
			settings.Issuer, settings.AllowHTTP = s.URL, false
			client := p.clientWith(settings)
			if c.trusted {
				pool := x509.NewCertPool()
				pool.AddCert(s.Certificate())
				client.http.Transport.(*http.Transport).TLSClientConfig.RootCAs = pool
			}
			if _, err := client.AuthorizationURL(t.Context(), start()); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
		})
	}
}

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

// Where the issuer is https, no part of it may be http, whatever is allowed.
func TestHTTPSIsNotLeft(t *testing.T) {
	s := serve(t).settings()
	s.Issuer = "https://id.example"
	c, err := New(s, newClock().Now)
	if err != nil {
		t.Fatal(err)
	}
	if c.goodEndpoint("http://id.example/token") || !c.goodEndpoint("https://id.example/token") {
		t.Error("http is taken, or https is not")
	}
}
