// Package nt holds the negative tests: each makes one of the mistakes that
// well-known authentication servers made between 2022 and 2026, and sees that
// Gatehouse does not let it through. A test's name carries the id of its class
// (TestNT_PW_1_… is NT-PW-1), its comment the advisories; docs/advisories.csv
// lists which classes are covered.
//
// Every test runs on both engines. What can go wrong between replicas runs over
// two of them on one Postgres.
package nt
