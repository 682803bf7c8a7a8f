package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	day  = 24 * time.Hour
	year = int64(365 * day)
)

// Groups returns the table. Nothing else in the program knows an environment
// name or a default.
func Groups() []Group {
	return []Group{
		{"Listening", append(listening(), facePorts()...)},
		{"Storage and keys", storage()},
		{"Service", service()},
		{"Sessions and tokens", sessions()},
		{"The daarion face", daarion()},
		{"The microdao face", microdao()},
		{"The jarvis face", jarvis()},
		{"The minos face", minos()},
		{"Passwords", passwords()},
		{"Matrix", matrix()},
		{"Limits", limits()},
	}
}

func listening() []Setting {
	return []Setting{
		{
			Key: "listen.host", Env: []string{"GATEHOUSE_HOST"},
			Type: TypeString, Default: "127.0.0.1", FaceDefault: everyFace("0.0.0.0"), Check: checkHost,
			Doc: "The address that the faces listen on. Loopback unless `--as` is given, because the services that a face stands in for listen on every interface.",
		},
		{
			Key: "ops.address", Env: []string{"GATEHOUSE_OPS_ADDRESS"},
			Type: TypeAddress, Default: "127.0.0.1:9464", FaceDefault: everyFace(""),
			Doc: "Where metrics and profiles are served. Keep it private. `off` (or an empty value in the file) turns it off.",
		},
		{
			Key: "public.url", Env: []string{"GATEHOUSE_PUBLIC_URL"},
			Type: TypeURL,
			Doc:  "How clients reach the native face; used in links. When empty, `http://localhost:` and the native port.",
		},
		{
			Key: "proxy.trusted", Env: []string{"GATEHOUSE_TRUSTED_PROXIES"},
			Type: TypeList, Check: checkNetwork,
			Doc: "Networks (CIDR) or addresses of the proxies in front of Gatehouse. Only they are believed when they say who the client is.",
		},
		{
			Key: "proxy.one_hop", Env: []string{"GATEHOUSE_PROXY_ONE_HOP"},
			Aliases: map[string][]string{"jarvis": {"AUTH_RATE_LIMIT_TRUST_FORWARDED_FOR"}},
			Type:    TypeBool, Default: "false",
			Doc: "Believe whoever connects about the last address in X-Forwarded-For. Only for a port that nobody but one proxy can reach; otherwise clients choose their own address. `proxy.trusted` is the better way.",
		},
		{
			Key: "cors.origins", Env: []string{"GATEHOUSE_CORS_ORIGINS"},
			Aliases: map[string][]string{"minos": {"BACKEND_CORS_ORIGINS", "CORS_ORIGINS"}, "jarvis": {"CORS_ALLOWED_ORIGINS"}},
			Type:    TypeList, Check: checkOrigin,
			Doc: "Origins, such as `https://app.example.org`, whose pages may call the faces from a browser. Empty: none.",
		},
	}
}

// facePorts makes one setting for each face. Under --as a face also listens to
// plain PORT, as platforms set it.
func facePorts() []Setting {
	legacy := map[string][]string{
		"daarion": {"AUTH_PORT", "PORT", "AUTH_SERVICE_PORT"},
		"jarvis":  {"JARVIS_AUTH_PORT", "PORT"},
	}
	var ports []Setting
	for _, face := range Faces() {
		aliases := legacy[face.Name]
		if aliases == nil {
			aliases = []string{"PORT"}
		}
		ports = append(ports, Setting{
			Key: "listen." + face.Name + ".port", Env: []string{"GATEHOUSE_" + strings.ToUpper(face.Name) + "_PORT"},
			Aliases: map[string][]string{face.Name: aliases},
			Type:    TypeInt, Max: 65535, Default: strconv.Itoa(face.Port),
			Doc: fmt.Sprintf("The port of the %s face. 0 takes any free one.", face.Name),
		})
	}
	return ports
}

func storage() []Setting {
	return []Setting{
		{
			Key: "data.dir", Env: []string{"GATEHOUSE_DATA_DIR"},
			Type: TypeString, Default: "./data", Check: checkPresent,
			Doc: "The directory of the SQLite database and the generated master key.",
		},
		{
			Key: "database.url", Env: []string{"GATEHOUSE_DATABASE_URL"},
			Aliases: map[string][]string{"daarion": {"AUTH_DATABASE_URL", "DATABASE_URL"}, "microdao": {"DATABASE_URL"}, "minos": {"DATABASE_URL"}, "jarvis": {"DATABASE_URL"}},
			Type:    TypeString, Secret: true, Check: checkDatabaseURL,
			Doc: "`postgres://user:password@host:5432/name` (also `postgresql+driver://` and `host=… dbname=…`), or `sqlite:///relative.db`, `sqlite:////absolute.db`. When empty, SQLite in `gatehouse.db` under `data.dir`.",
		},
		{
			Key: "database.migrations_url", Env: []string{"GATEHOUSE_MIGRATIONS_DATABASE_URL"},
			Aliases: map[string][]string{"jarvis": {"MIGRATIONS_DATABASE_URL"}},
			Type:    TypeString, Secret: true, Check: checkDatabaseURL,
			Doc: "The same Postgres database, for a role that may make tables: migrations run as this role, and the role of `database.url` is given what it needs to read and write, and no more. When empty, one role does both.",
		},
		{
			Key: "database.auto_migrate", Env: []string{"GATEHOUSE_AUTO_MIGRATE"},
			Type: TypeBool, Default: "true",
			Doc: "Bring the schema up to date at start. Otherwise run `gatehouse migrate`.",
		},
		{
			Key: "database.max_connections", Env: []string{"GATEHOUSE_DATABASE_MAX_CONNECTIONS"},
			Type: TypeInt, Min: 1, Max: 10_000, Default: "16",
			Doc: "The most connections to the database that one process holds.",
		},
		{
			Key: "master.key", Env: []string{"GATEHOUSE_MASTER_KEY"},
			Type: TypeString, Secret: true, Check: checkMasterKey,
			Doc: "32 bytes in base64 or hexadecimal that seal the signing keys in the database. When empty, the file `master.key` under `data.dir`, which is made at the first start.",
		},
	}
}

func service() []Setting {
	return []Setting{
		{
			Key: "service.name", Env: []string{"GATEHOUSE_SERVICE_NAME"},
			Aliases: map[string][]string{"daarion": {"AUTH_SERVICE_NAME", "SERVICE_NAME"}},
			Type:    TypeString, Default: "auth-service",
			Doc: "The name that the daarion face gives in its health answer and its documentation.",
		},
		{
			Key: "service.version", Env: []string{"GATEHOUSE_SERVICE_VERSION"},
			Aliases: map[string][]string{"daarion": {"AUTH_SERVICE_VERSION", "SERVICE_VERSION"}},
			Type:    TypeString, Default: "1.0.0",
			Doc: "The version that goes with that name. `/version` tells the version of Gatehouse itself.",
		},
		{
			Key: "registration.open", Env: []string{"GATEHOUSE_REGISTRATION_OPEN"},
			Type: TypeBool, Default: "true",
			Doc: "Whether anybody may register. When closed, administrators make the accounts.",
		},
		{
			Key: "log.level", Env: []string{"GATEHOUSE_LOG_LEVEL"},
			Aliases: map[string][]string{"minos": {"LOG_LEVEL"}, "jarvis": {"JARVIS_LOG_CONSOLE_LEVEL"}},
			Type:    TypeEnum, Enum: []string{"debug", "info", "warn", "error"}, Default: "info",
			Synonyms: map[string]string{"warning": "warn", "critical": "error", "fatal": "error"},
			Doc:      "The least important lines that are still logged. Python's names (`WARNING`, `CRITICAL`) are understood.",
		},
		{
			Key: "log.format", Env: []string{"GATEHOUSE_LOG_FORMAT"},
			Type: TypeEnum, Enum: []string{"text", "json"}, Default: "text",
			Doc: "How log lines look.",
		},
		{
			Key: "debug", Env: []string{"GATEHOUSE_DEBUG"},
			Aliases: map[string][]string{"daarion": {"AUTH_DEBUG", "DEBUG"}, "minos": {"DEBUG"}},
			Type:    TypeBool, Default: "false",
			Doc: "Sets `log.level` to `debug`, unless `log.level` is set itself.",
		},
	}
}

func sessions() []Setting {
	return []Setting{
		{
			Key: "native.access.ttl", Env: []string{"GATEHOUSE_NATIVE_ACCESS_TTL"},
			Type: TypeDuration, Min: int64(time.Second), Max: year, Default: "300",
			Doc: "How long an access token of the native face lives.",
		},
		{
			Key: "native.refresh.ttl", Env: []string{"GATEHOUSE_NATIVE_REFRESH_TTL"},
			Type: TypeDuration, Min: int64(time.Second), Max: year, Default: "1209600",
			Doc: "How long a session of the native face lives without being refreshed.",
		},
		{
			Key: "refresh.grace", Env: []string{"GATEHOUSE_REFRESH_GRACE"},
			Aliases: map[string][]string{"jarvis": {"REFRESH_TOKEN_GRACE_SECONDS"}},
			Type:    TypeDuration, Max: int64(time.Minute), Default: "10s",
			Doc: "How long a refresh token that was just used gets the same successor again, so that a lost answer or a second tab logs nobody out. Later, its use is theft and ends the session.",
		},
		{
			Key: "session.lifetime", Env: []string{"GATEHOUSE_SESSION_LIFETIME"},
			Type: TypeDuration, Min: int64(time.Minute), Max: 10 * year, Default: "2160h",
			Doc: "How long a session can be carried on by refreshing, at the most. The default is 90 days.",
		},
		{
			Key: "security.allow_weak_secrets", Env: []string{"GATEHOUSE_ALLOW_WEAK_SECRETS"},
			Type: TypeBool, Default: "false",
			Doc: "Start with a signing secret that can be guessed, and warn. Only for a swap in which other services still share that secret.",
		},
	}
}

func daarion() []Setting {
	return []Setting{
		{
			Key: "daarion.jwt.secret", Env: []string{"GATEHOUSE_DAARION_JWT_SECRET"},
			Aliases: map[string][]string{"daarion": {"AUTH_JWT_SECRET", "JWT_SECRET"}},
			Type:    TypeString, Secret: true,
			Doc: "Signs the tokens of this face with HMAC, for services that check them with the same secret; 32 bytes or more. When empty, a generated key pair signs, and services check with the JWKS.",
		},
		{
			Key: "daarion.jwt.algorithm", Env: []string{"GATEHOUSE_DAARION_JWT_ALGORITHM"},
			Aliases: map[string][]string{"daarion": {"AUTH_JWT_ALGORITHM", "JWT_ALGO", "JWT_ALGORITHM"}},
			Type:    TypeEnum, Enum: []string{"HS256", "HS384", "HS512", "ES256", "RS256", "EdDSA"},
			Doc: "How those tokens are signed. When empty, HS256 with a secret and ES256 without. The HS algorithms need the secret, the others refuse it.",
		},
		{
			Key: "daarion.jwt.issuer", Env: []string{"GATEHOUSE_DAARION_JWT_ISSUER"},
			Type: TypeString, Default: "daarion-auth", Check: checkPresent,
			Doc: "The `iss` claim of those tokens.",
		},
		{
			Key: "daarion.access.ttl", Env: []string{"GATEHOUSE_DAARION_ACCESS_TTL"},
			Aliases: map[string][]string{"daarion": {"AUTH_ACCESS_TOKEN_TTL", "ACCESS_TOKEN_TTL"}},
			Type:    TypeDuration, Min: int64(time.Second), Max: year, Default: "1800",
			Doc: "How long an access token of this face lives.",
		},
		{
			Key: "daarion.refresh.ttl", Env: []string{"GATEHOUSE_DAARION_REFRESH_TTL"},
			Aliases: map[string][]string{"daarion": {"AUTH_REFRESH_TOKEN_TTL", "REFRESH_TOKEN_TTL"}},
			Type:    TypeDuration, Min: int64(time.Second), Max: year, Default: "604800",
			Doc: "How long a session of this face lives without being refreshed.",
		},
	}
}

func passwords() []Setting {
	return append(passwordRules(), []Setting{
		{
			Key: "password.argon2.memory", Env: []string{"GATEHOUSE_PASSWORD_ARGON2_MEMORY"},
			Type: TypeInt, Min: 8192, Max: 1 << 20, Default: "19456",
			Doc: "KiB of memory for each argon2id hash.",
		},
		{
			Key: "password.argon2.passes", Env: []string{"GATEHOUSE_PASSWORD_ARGON2_PASSES"},
			Type: TypeInt, Min: 1, Max: 64, Default: "2",
			Doc: "Passes over that memory.",
		},
		{
			Key: "password.argon2.lanes", Env: []string{"GATEHOUSE_PASSWORD_ARGON2_LANES"},
			Type: TypeInt, Min: 1, Max: 64, Default: "1",
			Doc: "Lanes of each hash. More make one hash quicker, not a storm of them.",
		},
		{
			Key: "password.slots", Env: []string{"GATEHOUSE_PASSWORD_SLOTS"},
			Type: TypeInt, Max: 1024, Default: "0",
			Doc: "How many passwords are hashed at the same time. 0 is one for each processor.",
		},
		{
			Key: "password.bcrypt_rounds", Env: []string{"GATEHOUSE_BCRYPT_ROUNDS"},
			Aliases: map[string][]string{"daarion": {"AUTH_BCRYPT_ROUNDS", "BCRYPT_ROUNDS"}},
			Type:    TypeInt, Min: 4, Max: 31, Default: "12",
			Doc: "No effect: passwords are hashed with argon2id. Accepted so that existing compose files keep working; a line at start says so when it is set.",
		},
	}...)
}

func matrix() []Setting {
	return []Setting{
		{
			Key: "matrix.admin_url", Env: []string{"GATEHOUSE_MATRIX_ADMIN_URL"},
			Aliases: map[string][]string{"daarion": {"SYNAPSE_ADMIN_URL"}},
			Type:    TypeURL, Default: "http://daarion-synapse:8008",
			Doc: "Where Synapse answers its admin API.",
		},
		{
			Key: "matrix.registration_secret", Env: []string{"GATEHOUSE_MATRIX_REGISTRATION_SECRET"},
			Aliases: map[string][]string{"daarion": {"SYNAPSE_REGISTRATION_SECRET"}},
			Type:    TypeString, Secret: true,
			Doc: "Synapse's `registration_shared_secret`. When empty, nobody gets a Matrix account.",
		},
		{
			Key: "matrix.wait", Env: []string{"GATEHOUSE_MATRIX_WAIT"},
			Type: TypeDuration, Max: int64(10 * time.Second), Default: "1500ms",
			Doc: "How long a registration waits for Synapse before it answers without a Matrix user, which then follows later.",
		},
	}
}

func limits() []Setting {
	return []Setting{
		{
			Key: "limits.login_per_account", Env: []string{"GATEHOUSE_LIMIT_LOGIN_PER_ACCOUNT"},
			Type: TypeRate, Default: "10/5m",
			Doc: "Failed logins at one account from one address.",
		},
		{
			Key: "limits.login_per_account_total", Env: []string{"GATEHOUSE_LIMIT_LOGIN_PER_ACCOUNT_TOTAL"},
			Type: TypeRate, Default: "100/24h",
			Doc: "Failed logins at one account from anywhere.",
		},
		{
			Key: "limits.login_per_ip", Env: []string{"GATEHOUSE_LIMIT_LOGIN_PER_IP"},
			Type: TypeRate, Default: "300/5m",
			Doc: "Failed logins from one address (with IPv6 from one /64), whatever the account. Behind a proxy that is not in `proxy.trusted`, that is everybody together.",
		},
		{
			Key: "limits.guesses_per_ip", Env: []string{"GATEHOUSE_LIMIT_GUESSES_PER_IP"},
			Type: TypeRate, Default: "30/5m",
			Doc: "Invitation codes tried from one address.",
		},
		{
			Key: "limits.register_per_ip", Env: []string{"GATEHOUSE_LIMIT_REGISTER_PER_IP"},
			Type: TypeRate, Default: "100/1h",
			Doc: "Registrations from one address (with IPv6 from one /64). Behind a proxy that is not in `proxy.trusted`, that is everybody together.",
		},
	}
}
