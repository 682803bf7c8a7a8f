// Package proof shows that the house keeps what it promises when things go
// wrong: many at once, answers that get lost, thieves, kill -9, a database that
// is not there. Each proof is a test on both engines that counts, and says what
// it counted:
//
//	go test -v -run Proof ./internal/test/proof/...
//
// The counts are those of the promises; with -short they are smaller, and
// nothing is skipped. On Postgres, where several processes may serve one
// database, the proofs run against two replicas.
package proof
