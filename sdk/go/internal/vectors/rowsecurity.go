package main

type rowFile struct {
	Cases []rowCase `json:"cases"`
}

type rowCase struct {
	Name   string    `json:"name"`
	Actor  any       `json:"actor"`
	Values [5]string `json:"values"` // user id, actor id, actor type, roles, microDAOs
}

// rowSecurity returns actors and what Postgres is told of them.
func rowSecurity() rowFile {
	type noUser struct { // the wire leaves user_id out when there is none
		ID        string   `json:"actor_id"`
		Type      string   `json:"actor_type"`
		MicroDAOs []string `json:"microdao_ids"`
		Roles     []string `json:"roles"`
	}
	return rowFile{Cases: []rowCase{
		{"human", human, [5]string{"93", "user:93", "human", `["member","microdao_owner"]`, `["microdao:daarion","microdao:7"]`}},
		{
			"agent without user_id", noUser{"agent:sofia", "agent", []string{"microdao:daarion"}, []string{"agent"}},
			[5]string{"", "agent:sofia", "agent", `["agent"]`, `["microdao:daarion"]`},
		},
		{
			"service with an empty user_id and empty lists", actor{ID: "service:billing", Type: "service", MicroDAOs: []string{}, Roles: []string{}},
			[5]string{"", "service:billing", "service", `[]`, `[]`},
		},
		{
			"order and repetitions stay", actor{"user:1", "human", []string{"microdao:b", "microdao:a", "microdao:b"}, []string{"system_admin", "admin", "system_admin"}, "1"},
			[5]string{"1", "user:1", "human", `["system_admin","admin","system_admin"]`, `["microdao:b","microdao:a","microdao:b"]`},
		},
		{
			"what would end a text of SQL or JSON", actor{`user:'; DROP TABLE t; --`, "human", []string{`a"b`, `a\b`, `a'b`, `a/b`, `a,b`, `$1`}, []string{`"]`, `{}`}, `1'`},
			[5]string{`1'`, `user:'; DROP TABLE t; --`, "human", `["\"]","{}"]`, `["a\"b","a\\b","a'b","a/b","a,b","$1"]`},
		},
		{
			"letters beyond ASCII stay as they are", actor{"user:Ірина", "human", []string{"microdao:київ", "microdao:🌻", "a\u2028b\u2029c"}, []string{"member"}, "2"},
			[5]string{"2", "user:Ірина", "human", `["member"]`, "[\"microdao:київ\",\"microdao:🌻\",\"a\u2028b\u2029c\"]"},
		},
		{
			"signs of HTML stay as they are", actor{"user:3", "human", []string{"<a&b>"}, []string{"member"}, "3"},
			[5]string{"3", "user:3", "human", `["member"]`, `["<a&b>"]`},
		},
		{
			"control characters", actor{"user:4", "human", []string{"a\tb\nc\rd", "\b\f", "\x01\x1f\x7f"}, []string{"member"}, "4"},
			[5]string{"4", "user:4", "human", `["member"]`, `["a\tb\nc\rd","\b\f","\u0001\u001f` + "\x7f" + `"]`},
		},
	}}
}
