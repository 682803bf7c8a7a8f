package config

import "time"

// microdao holds what the environment of the DAARION city's auth-service sets.
func microdao() []Setting {
	return []Setting{
		{
			Key: "microdao.session.ttl", Env: []string{"GATEHOUSE_MICRODAO_SESSION_TTL"},
			Type: TypeDuration, Min: int64(time.Second), Max: year, Default: "168h",
			Doc: "How long a session token of this face lives, and the cookie it is in. The default is 7 days. A refresh token gets the next one.",
		},
		{
			Key: "microdao.refresh.ttl", Env: []string{"GATEHOUSE_MICRODAO_REFRESH_TTL"},
			Type: TypeDuration, Min: int64(time.Second), Max: year, Default: "720h",
			Doc: "How long a session of this face lives without being refreshed. The default is 30 days.",
		},
		{
			Key: "passkey.rp_id", Env: []string{"GATEHOUSE_PASSKEY_RP_ID"},
			Aliases: map[string][]string{"microdao": {"RP_ID"}},
			Type:    TypeString, Default: "localhost", Check: checkPresent,
			Doc: "The domain that passkeys are for (W3C WebAuthn: RP ID): that of the pages where people sign in, or one above it. Passkeys of another domain stop working when it changes.",
		},
		{
			Key: "passkey.rp_name", Env: []string{"GATEHOUSE_PASSKEY_RP_NAME"},
			Aliases: map[string][]string{"microdao": {"RP_NAME"}},
			Type:    TypeString, Default: "Gatehouse", FaceDefault: map[string]string{"microdao": "DAARION"}, Check: checkPresent,
			Doc: "What authenticators call the place that a passkey is for.",
		},
		{
			Key: "passkey.origins", Env: []string{"GATEHOUSE_PASSKEY_ORIGINS"},
			Aliases: map[string][]string{"microdao": {"ORIGIN"}},
			Type:    TypeList, Default: "http://localhost:3000", Check: checkOrigin,
			Doc: "Origins of the pages where people may sign in with passkeys. They may also call the microdao face from a browser.",
		},
	}
}
