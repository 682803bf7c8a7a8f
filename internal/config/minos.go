package config

import "time"

// minos holds what the environment of the Dante platform's auth-service sets.
func minos() []Setting {
	return []Setting{
		{
			Key: "minos.jwt.secret", Env: []string{"GATEHOUSE_MINOS_JWT_SECRET"},
			Aliases: map[string][]string{"minos": {"SECRET_KEY", "JWT_SECRET"}},
			Type:    TypeString, Secret: true,
			Doc: "Signs the tokens of this face with HMAC, for the gateway and the services that check them with the same secret; 32 bytes or more. When empty, a generated key pair signs, and services check with the JWKS.",
		},
		{
			Key: "minos.jwt.algorithm", Env: []string{"GATEHOUSE_MINOS_JWT_ALGORITHM"},
			Aliases: map[string][]string{"minos": {"ALGORITHM", "JWT_ALGORITHM"}},
			Type:    TypeEnum, Enum: []string{"HS256", "HS384", "HS512", "ES256", "RS256", "EdDSA"},
			Doc: "How those tokens are signed. When empty, HS256 with a secret and ES256 without. The HS algorithms need the secret, the others refuse it.",
		},
		{
			Key: "minos.jwt.issuer", Env: []string{"GATEHOUSE_MINOS_JWT_ISSUER"},
			Type: TypeString, Default: "dante-auth", Check: checkPresent,
			Doc: "The `iss` claim of those tokens.",
		},
		{
			Key: "minos.jwt.audience", Env: []string{"GATEHOUSE_MINOS_JWT_AUDIENCE"},
			Type: TypeString, Default: "dante-gpu-platform", Check: checkPresent,
			Doc: "The `aud` claim of the access tokens. One for somebody else is refused.",
		},
		{
			Key: "minos.access.ttl", Env: []string{"GATEHOUSE_MINOS_ACCESS_TTL"},
			Aliases: map[string][]string{"minos": {"ACCESS_TOKEN_EXPIRE_MINUTES"}},
			Units:   map[string]time.Duration{"ACCESS_TOKEN_EXPIRE_MINUTES": time.Minute},
			Type:    TypeDuration, Min: int64(time.Second), Max: year, Default: "24h",
			Doc: "How long an access token of this face lives.",
		},
		{
			Key: "minos.refresh.ttl", Env: []string{"GATEHOUSE_MINOS_REFRESH_TTL"},
			Aliases: map[string][]string{"minos": {"REFRESH_TOKEN_EXPIRE_DAYS"}},
			Units:   map[string]time.Duration{"REFRESH_TOKEN_EXPIRE_DAYS": day},
			Type:    TypeDuration, Min: int64(time.Second), Max: year, Default: "720h",
			Doc: "How long a session of this face lives without being refreshed. The default is 30 days.",
		},
	}
}
