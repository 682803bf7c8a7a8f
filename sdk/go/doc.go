// Package gatehouse tells a service who is calling it.
//
// A [Verifier] looks at the credentials of a request and returns the [Actor] they
// belong to. Credentials are an API key in X-API-Key, anything after Bearer in
// Authorization, or the cookie session_token. It asks the auth service, or, for
// JWTs and with an issuer configured, verifies them itself with the issuer's keys:
//
//	verifier, err := gatehouse.New(gatehouse.Options{})
//	…
//	mux.Handle("/", gatehouse.RequireActor(verifier)(handler))
//
// and in the handler:
//
//	actor, _ := gatehouse.ActorFrom(r.Context())
//
// Everything fails closed: what cannot be decided is [ErrUnavailable] and never an
// actor. No error contains a credential, and nothing is logged.
package gatehouse
