package config

import (
	"fmt"
	"strings"
)

// passwordRules say what a new password must be. The faces of originals ask for
// what their clients can give.
func passwordRules() []Setting {
	rules := []Setting{
		{
			Key: "password.min_length", Env: []string{"GATEHOUSE_PASSWORD_MIN_LENGTH"},
			Type: TypeInt, Min: 8, Max: 64, Default: "15",
			Doc: "The fewest characters of a new password, where no face has a rule of its own.",
		},
		{
			Key: "password.max_length", Env: []string{"GATEHOUSE_PASSWORD_MAX_LENGTH"},
			Type: TypeInt, Min: 64, Max: 1024, Default: "255",
			Doc: "The most characters. Nothing is ever cut off.",
		},
		{
			Key: "password.min_score", Env: []string{"GATEHOUSE_PASSWORD_MIN_SCORE"},
			Type: TypeInt, Max: 4, Default: "3",
			Doc: "How hard a new password must be to guess, from 0 to 4; see [passwords](passwords.md).",
		},
		{
			Key: "password.common", Env: []string{"GATEHOUSE_PASSWORD_COMMON"},
			Type: TypeBool, Default: "true",
			Doc: "Refuse common passwords, repetitions and runs along a keyboard.",
		},
		{
			Key: "password.composition", Env: []string{"GATEHOUSE_PASSWORD_COMPOSITION"},
			Type: TypeList, Check: checkComposition,
			Doc: "Kinds of characters to demand: any of `upper`, `lower`, `digit`, `symbol`. NIST SP 800-63B-4 forbids such rules.",
		},
		{
			Key: "password.breach.url", Env: []string{"GATEHOUSE_PASSWORD_BREACH_URL"},
			Type: TypeURL,
			Doc:  "A service that knows stolen passwords by ranges of their SHA-1. When empty, nobody is asked.",
		},
	}
	for _, face := range []struct{ name, length, score, why string }{
		{"daarion", "8", "1", " More than 1 refuses passwords that clients of the original use."},
		{"jarvis", "8", "2", ""},
		{"minos", "8", "2", ""},
	} {
		env := "GATEHOUSE_" + strings.ToUpper(face.name)
		rules = append(rules, Setting{
			Key: face.name + ".password.min_length", Env: []string{env + "_PASSWORD_MIN_LENGTH"},
			Type: TypeInt, Min: 8, Max: 64, Default: face.length,
			Doc: fmt.Sprintf("`password.min_length` at the %s face.", face.name),
		}, Setting{
			Key: face.name + ".password.min_score", Env: []string{env + "_PASSWORD_MIN_SCORE"},
			Type: TypeInt, Max: 4, Default: face.score,
			Doc: fmt.Sprintf("`password.min_score` at the %s face.%s", face.name, face.why),
		})
	}
	return rules
}

func checkComposition(kind string) error {
	switch kind {
	case "upper", "lower", "digit", "symbol":
		return nil
	}
	return fmt.Errorf("it must be upper, lower, digit or symbol")
}
