// Package rowsecurity tests SetRowSecurity against a real Postgres. It is a module
// of its own, so that drivers are no dependency of the SDK.
package rowsecurity
