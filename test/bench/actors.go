//go:build unix

package main

import (
	"encoding/json"
	"errors"
)

// actors: sessions and API keys, which the services of a microDAO city ask about
// with every request.
func actors(b *bench) ([]row, error) {
	house, err := b.startAs("microdao", "/health", "actors", "")
	if err != nil {
		return nil, err
	}
	defer house.stop()
	bySession, byKey, err := signInOften(house.address, 50)
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, each := range []struct {
		what     string
		requests [][]byte
	}{{"session, 50 sessions, SQLite", bySession}, {"API key, 50 keys, SQLite", byKey}} {
		r, err := b.hotRow(house.address, each.what, each.requests)
		if err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// signInOften opens so many sessions, makes a key in each, and returns what
// services ask about them.
func signInOften(address string, count int) (bySession, byKey [][]byte, err error) {
	c, err := dial(address)
	if err != nil {
		return nil, nil, err
	}
	defer c.raw.Close()
	for range count {
		var session struct {
			Token string `json:"session_token"`
		}
		var key struct{ Key string }
		status, answer, err := c.ask(request("POST", "/auth/login", `{"email":"user@daarion.city","password":"any"}`))
		if err = errors.Join(err, expect(200, status, answer)); err == nil {
			err = json.Unmarshal(answer, &session)
		}
		if err != nil {
			return nil, nil, err
		}
		status, answer, err = c.ask(request("POST", "/auth/api-keys", `{}`, "Authorization: Bearer "+session.Token))
		if err = errors.Join(err, expect(200, status, answer)); err == nil {
			err = json.Unmarshal(answer, &key)
		}
		if err != nil {
			return nil, nil, err
		}
		bySession = append(bySession, request("GET", "/auth/me", "", "Authorization: Bearer "+session.Token))
		byKey = append(byKey, request("GET", "/auth/me", "", "X-API-Key: "+key.Key))
	}
	return bySession, byKey, nil
}
