package config

import "time"

// jarvis holds what the environment of jarvis-auth sets.
func jarvis() []Setting {
	return append([]Setting{
		{
			Key: "jarvis.jwt.secret", Env: []string{"GATEHOUSE_JARVIS_JWT_SECRET"},
			Aliases: map[string][]string{"jarvis": {"AUTH_SECRET_KEY"}},
			Type:    TypeString, Secret: true,
			Doc: "Signs the access tokens of this face with HMAC, for the Jarvis services that check them with the same secret; 32 bytes or more. When empty, a generated key pair signs, and services check with the JWKS.",
		},
		{
			Key: "jarvis.jwt.algorithm", Env: []string{"GATEHOUSE_JARVIS_JWT_ALGORITHM"},
			Aliases: map[string][]string{"jarvis": {"AUTH_ALGORITHM"}},
			Type:    TypeEnum, Enum: []string{"HS256", "HS384", "HS512", "ES256", "RS256", "EdDSA"},
			Doc: "How those tokens are signed. When empty, HS256 with a secret and ES256 without. The HS algorithms need the secret, the others refuse it.",
		},
		{
			Key: "jarvis.access.ttl", Env: []string{"GATEHOUSE_JARVIS_ACCESS_TTL"},
			Aliases: map[string][]string{"jarvis": {"ACCESS_TOKEN_EXPIRE_MINUTES"}},
			Units:   map[string]time.Duration{"ACCESS_TOKEN_EXPIRE_MINUTES": time.Minute},
			Type:    TypeDuration, Min: int64(time.Second), Max: year, Default: "30m",
			Doc: "How long an access token of this face lives.",
		},
		{
			Key: "jarvis.refresh.ttl", Env: []string{"GATEHOUSE_JARVIS_REFRESH_TTL"},
			Aliases: map[string][]string{"jarvis": {"REFRESH_TOKEN_EXPIRE_DAYS"}},
			Units:   map[string]time.Duration{"REFRESH_TOKEN_EXPIRE_DAYS": day},
			Type:    TypeDuration, Min: int64(time.Second), Max: year, Default: "336h",
			Doc: "How long a session of this face lives without being refreshed. The default is 14 days.",
		},
		{
			Key: "jarvis.refresh.revoke_on_reuse", Env: []string{"GATEHOUSE_JARVIS_REFRESH_REVOKE_ON_REUSE"},
			Aliases: map[string][]string{"jarvis": {"REFRESH_TOKEN_REVOKE_FAMILY_ON_REUSE"}},
			Type:    TypeBool, Default: "true",
			Doc: "Whether a spent refresh token that comes back after the grace ends the session. The original's default is `false`, because lost answers put people out there; here the grace covers those, on all replicas and across restarts.",
		},
		{
			Key: "jarvis.temporary_password.ttl", Env: []string{"GATEHOUSE_JARVIS_TEMPORARY_PASSWORD_TTL"},
			Aliases: map[string][]string{"jarvis": {"TEMP_PASSWORD_EXPIRE_HOURS"}},
			Units:   map[string]time.Duration{"TEMP_PASSWORD_EXPIRE_HOURS": time.Hour},
			Type:    TypeDuration, Min: int64(time.Minute), Max: int64(7 * day), Default: "24h",
			Doc: "How long a password that a superuser gives somebody works.",
		},
		{
			Key: "jarvis.admin_token", Env: []string{"GATEHOUSE_JARVIS_ADMIN_TOKEN"},
			Aliases: map[string][]string{"jarvis": {"JARVIS_AUTH_ADMIN_TOKEN"}},
			Type:    TypeString, Secret: true,
			Doc: "What installers and deploy scripts show at `/admin/…`. When empty, nobody gets in there.",
		},
		{
			Key: "jarvis.env", Env: []string{"GATEHOUSE_JARVIS_ENV"},
			Aliases: map[string][]string{"jarvis": {"JARVIS_ENV"}},
			Type:    TypeString,
			Doc:     "No effect: secrets that can be guessed are refused everywhere, not only in `production`. Accepted so that existing compose files keep working.",
		},
	}, append(jarvisLimits(), jarvisPeers()...)...)
}

func jarvisLimits() []Setting {
	return []Setting{
		{
			Key: "jarvis.limits.enabled", Env: []string{"GATEHOUSE_JARVIS_LIMITS_ENABLED"},
			Aliases: map[string][]string{"jarvis": {"AUTH_RATE_LIMIT_ENABLED"}},
			Type:    TypeBool, Default: "true",
			Doc: "Whether this face counts requests and failures of its own, as below. The limits of the house hold in any case.",
		},
		{
			Key: "jarvis.limits.requests_per_minute", Env: []string{"GATEHOUSE_JARVIS_LIMIT_REQUESTS_PER_MINUTE"},
			Aliases: map[string][]string{"jarvis": {"AUTH_RATE_LIMIT_IP_PER_MINUTE"}},
			Type:    TypeInt, Min: 1, Max: 1_000_000, Default: "30",
			Doc: "Sign-ins, refreshes and registrations from one address in a minute, good or bad.",
		},
		{
			Key: "jarvis.limits.max_keys", Env: []string{"GATEHOUSE_JARVIS_LIMIT_MAX_KEYS"},
			Aliases: map[string][]string{"jarvis": {"AUTH_RATE_LIMIT_MAX_KEYS"}},
			Type:    TypeInt, Default: "50000",
			Doc: "No effect: limits are kept in the database and swept when they are full again. Accepted so that existing compose files keep working.",
		},
		{
			Key: "jarvis.limits.login_failures", Env: []string{"GATEHOUSE_JARVIS_LIMIT_LOGIN_FAILURES"},
			Aliases: map[string][]string{"jarvis": {"AUTH_LOGIN_MAX_FAILURES"}},
			Type:    TypeInt, Min: 1, Max: 100, Default: "8",
			Doc: "Failed logins at one account from one address before it has to wait.",
		},
		{
			Key: "jarvis.limits.lockout", Env: []string{"GATEHOUSE_JARVIS_LIMIT_LOCKOUT"},
			Aliases: map[string][]string{"jarvis": {"AUTH_LOGIN_LOCKOUT_SECONDS"}},
			Type:    TypeDuration, Min: int64(time.Second), Max: int64(day), Default: "900",
			Doc: "How long it takes until that many failures are forgiven.",
		},
	}
}

func jarvisPeers() []Setting {
	return []Setting{
		{
			Key: "jarvis.command_center.url", Env: []string{"GATEHOUSE_JARVIS_COMMAND_CENTER_URL"},
			Aliases: map[string][]string{"jarvis": {"JARVIS_COMMAND_CENTER_URL"}},
			Type:    TypeURL,
			Doc:     "jarvis-command-center, which is told when somebody removes their account. When empty, it is not told.",
		},
		{
			Key: "jarvis.notifications.url", Env: []string{"GATEHOUSE_JARVIS_NOTIFICATIONS_URL"},
			Aliases: map[string][]string{"jarvis": {"JARVIS_NOTIFICATIONS_URL"}},
			Type:    TypeURL,
			Doc:     "jarvis-notifications, which is told as well.",
		},
		{
			Key: "jarvis.app.id", Env: []string{"GATEHOUSE_JARVIS_APP_ID"},
			Aliases: map[string][]string{"jarvis": {"JARVIS_APP_ID"}},
			Type:    TypeString, Default: "jarvis-auth", Check: checkPresent,
			Doc: "The app as which log lines are sent to jarvis-logs, and the name they have there.",
		},
		{
			Key: "jarvis.app.key", Env: []string{"GATEHOUSE_JARVIS_APP_KEY"},
			Aliases: map[string][]string{"jarvis": {"JARVIS_APP_KEY"}},
			Type:    TypeString, Secret: true,
			Doc: "The key of that app. When empty, no log lines are sent.",
		},
		{
			Key: "jarvis.logs.url", Env: []string{"GATEHOUSE_JARVIS_LOGS_URL"},
			Aliases: map[string][]string{"jarvis": {"JARVIS_LOGS_URL"}},
			Type:    TypeURL,
			Doc:     "Where jarvis-logs is. When empty, the config service is asked; without one, `http://localhost:7702`.",
		},
		{
			Key: "jarvis.logs.level", Env: []string{"GATEHOUSE_JARVIS_LOGS_LEVEL"},
			Aliases: map[string][]string{"jarvis": {"JARVIS_LOG_REMOTE_LEVEL"}},
			Type:    TypeEnum, Enum: []string{"debug", "info", "warning", "error", "critical"}, Synonyms: map[string]string{"warn": "warning"}, Default: "debug",
			Doc: "The least important lines that are sent to jarvis-logs.",
		},
		{
			Key: "jarvis.config.url", Env: []string{"GATEHOUSE_JARVIS_CONFIG_URL"},
			Aliases: map[string][]string{"jarvis": {"JARVIS_CONFIG_URL"}},
			Type:    TypeURL,
			Doc:     "The config service that knows where jarvis-logs is.",
		},
		{
			Key: "jarvis.config.url_style", Env: []string{"GATEHOUSE_JARVIS_CONFIG_URL_STYLE"},
			Aliases: map[string][]string{"jarvis": {"JARVIS_CONFIG_URL_STYLE"}},
			Type:    TypeEnum, Enum: []string{"dockerized", "remote"},
			Doc: "Which addresses the config service shall give.",
		},
	}
}
