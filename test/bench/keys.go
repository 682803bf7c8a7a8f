//go:build unix

package main

import (
	"encoding/json"
	"errors"
	"fmt"
)

const benchAdminToken = "Vw1rT6yB0nM5xJ2hG7dF4sL9aCkq3Zp8"

// keys: apps and nodes, whose keys every other service asks about with every
// request.
func keys(b *bench) ([]row, error) {
	house, err := b.startAs("jarvis", "/health", "keys", "", "GATEHOUSE_JARVIS_ADMIN_TOKEN="+benchAdminToken, "GATEHOUSE_JARVIS_LIMITS_ENABLED=false")
	if err != nil {
		return nil, err
	}
	defer house.stop()
	ping, validate, err := machines(house.address, 100)
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, each := range []struct {
		what     string
		requests [][]byte
	}{{"app key, 100 apps, SQLite", ping}, {"node key, 100 nodes, SQLite", validate}} {
		r, err := b.hotRow(house.address, each.what, each.requests)
		if err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// machines makes so many apps, each with a node, and returns what apps ask about
// themselves and about their nodes.
func machines(address string, count int) (ping, validate [][]byte, err error) {
	c, err := dial(address)
	if err != nil {
		return nil, nil, err
	}
	defer c.raw.Close()
	ask := func(into any, want int, method, path, body string, headers ...string) {
		if err != nil {
			return
		}
		var status int
		var answer []byte
		status, answer, err = c.ask(request(method, path, body, headers...))
		if err = errors.Join(err, expect(want, status, answer)); err == nil {
			err = json.Unmarshal(answer, into)
		}
	}
	var owner struct {
		Household string `json:"household_id"`
	}
	ask(&owner, 201, "POST", "/auth/register", credentials(0))
	for i := range count {
		var app, node struct {
			Key     string `json:"key"`
			NodeKey string `json:"node_key"`
		}
		ask(&app, 201, "POST", "/admin/app-clients", fmt.Sprintf(`{"app_id":"app%d","name":"App"}`, i), "X-Jarvis-Admin-Token: "+benchAdminToken)
		headers := []string{fmt.Sprintf("X-Jarvis-App-Id: app%d", i), "X-Jarvis-App-Key: " + app.Key}
		ask(&node, 201, "POST", "/internal/nodes/register", fmt.Sprintf(`{"node_id":"node%d","household_id":%q,"name":"Node"}`, i, owner.Household), headers...)
		ping = append(ping, request("GET", "/internal/app-ping", "", headers...))
		validate = append(validate, request("POST", "/internal/validate-node",
			fmt.Sprintf(`{"node_id":"node%d","node_key":%q,"service_id":"app%d"}`, i, node.NodeKey, i), headers...))
	}
	return ping, validate, err
}
