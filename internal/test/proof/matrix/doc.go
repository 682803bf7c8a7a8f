// Package matrix shows what the house promises about Matrix accounts, against a
// real Synapse: one account for each user, never waited for longer than two
// seconds, and finished later when Synapse was away. Its tests carry the build
// tag "interop"; see package synapse.
package matrix
