package config

import (
	"strconv"
	"strings"
)

// wellKnownMatrixSecret is published with the original's source.
const wellKnownMatrixSecret = "daarion_reg_secret_2024"

// minSecret is the size of a secret for HS256 (RFC 7518 §3.2).
const minSecret = 32

// review applies the rules that concern more than one setting.
func (l *loader) review(c *Config) {
	c.database = databaseIn(c.String("data.dir"))
	if raw := c.String("database.url"); raw != "" {
		c.database, _ = ParseDatabaseURL(raw) // checked with the setting
		for _, warning := range c.database.Warnings {
			l.warn("database.url (%s): %s", c.lookup("database.url").source, warning)
		}
	}
	if c.Bool("debug") && !c.IsSet("log.level") {
		c.values["log.level"] = value{TypeEnum, "debug", "debug", c.lookup("debug").source}
	}
	if c.IsSet("password.bcrypt_rounds") {
		l.warn("password.bcrypt_rounds (%s) has no effect: passwords are hashed with argon2id.", c.lookup("password.bcrypt_rounds").source)
	}
	l.reviewPorts(c)
	l.reviewGuessable(c, "jarvis.admin_token", "make apps and superusers")
	for _, s := range l.table {
		if s.Secret {
			l.reviewSecret(c, s.Key)
		}
		if face, ok := strings.CutSuffix(s.Key, ".jwt.secret"); ok && !l.failed[s.Key] {
			l.reviewSigning(c, face)
		}
	}
	if c.String("matrix.registration_secret") == wellKnownMatrixSecret {
		l.warn("matrix.registration_secret (%s) is a published example: anybody who reaches Synapse can make accounts, administrators too. Change it there and here.", c.lookup("matrix.registration_secret").source)
	}
}

// reviewPorts refuses two faces on one port, when all of them are served.
func (l *loader) reviewPorts(c *Config) {
	if l.as != "" {
		return
	}
	taken := make(map[int]string)
	for _, face := range Faces() {
		key := "listen." + face.Name + ".port"
		port := c.Int(key)
		if other := taken[port]; other != "" && port != 0 && !l.failed[key] && !l.failed[other] {
			l.problem("%s (%s) and %s (%s) are both %d. Give each face a port of its own.",
				other, c.lookup(other).source, key, c.lookup(key).source, port)
		}
		taken[port] = key
	}
}

func (l *loader) reviewSecret(c *Config, key string) {
	if text := c.String(key); text != strings.TrimSpace(text) {
		l.warn("%s (%s) begins or ends with white space, which is taken as part of it.", key, c.lookup(key).source)
	}
}

// reviewSigning checks that the secret and the algorithm of a face fit together,
// and that the secret cannot be guessed.
func (l *loader) reviewSigning(c *Config, face string) {
	secretKey, algorithmKey := face+".jwt.secret", face+".jwt.algorithm"
	secret, algorithm := c.String(secretKey), c.String(algorithmKey)
	secretSource, algorithmSource := c.lookup(secretKey).source, c.lookup(algorithmKey).source
	symmetric := strings.HasPrefix(algorithm, "HS")
	switch {
	case secret == "" && symmetric:
		l.problem("%s (%s) is %s, which needs a secret, and %s is empty. Set the secret that the other services check tokens with, or leave the algorithm empty to sign with a generated key.",
			algorithmKey, algorithmSource, algorithm, secretKey)
	case secret != "" && algorithm != "" && !symmetric:
		l.problem("%s (%s) is %s, which signs with a generated key pair, but %s (%s) is set and would not be used: services that check tokens with it would refuse them all. Remove one of the two.",
			algorithmKey, algorithmSource, algorithm, secretKey, secretSource)
	}
	l.reviewGuessable(c, secretKey, "sign in as anybody")
}

// reviewGuessable refuses a secret that others share and somebody could guess.
func (l *loader) reviewGuessable(c *Config, key, power string) {
	secret, source := c.String(key), c.lookup(key).source
	weakness := weak(secret)
	switch {
	case secret == "" || weakness == "":
	case c.Bool("security.allow_weak_secrets"):
		l.warn("%s (%s) %s: anybody who guesses it can %s. It is accepted because security.allow_weak_secrets is on (%s). Change it everywhere as soon as the swap is done.",
			key, source, weakness, power, c.lookup("security.allow_weak_secrets").source)
	default:
		l.problem("%s (%s) %s: anybody who guesses it can %s. Make one with 'openssl rand -base64 48' and give it to every service that shares it. To swap Gatehouse in first while other services still share this one, set GATEHOUSE_ALLOW_WEAK_SECRETS=true.",
			key, source, weakness, power)
	}
}

// examplePhrases are what published examples and templates are made of, in
// small letters and without punctuation.
var examplePhrases = []string{
	"changeinproduction", "changeme", "changethis", "verylongsecret", "supersecret", "yoursecret", "mysecret",
	"jwtsecret", "secretkey", "notasecret", "regsecret2024", "insecure", "password", "secret", "0123456789abcdef",
}

// weak says what is wrong with a signing secret, or "".
func weak(secret string) string {
	plain := strings.NewReplacer("-", "", "_", "", " ", "", ".", "").Replace(strings.ToLower(secret))
	rest := plain
	for _, phrase := range examplePhrases {
		rest = strings.ReplaceAll(rest, phrase, "")
	}
	different := make(map[rune]bool)
	for _, r := range secret {
		different[r] = true
	}
	switch {
	case rest != plain && len(rest) < minSecret:
		return "is a well-known example, or made from one"
	case len(secret) < minSecret:
		return "has " + strconv.Itoa(len(secret)) + " bytes, and such a secret needs " + strconv.Itoa(minSecret) + " or more"
	case len(different) < 8:
		return "repeats a few characters"
	}
	return ""
}
