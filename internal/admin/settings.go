// Package admin has the verbs that only look at the house itself.
package admin

import (
	"slices"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/policy"
)

// Setting is one that a face shows under its original's name.
type Setting struct {
	Key         string
	Value       string
	Type        string
	Category    string
	Description string
	Env         string // where it comes from
}

// Settings shows what the house was started with. They come from the
// environment and the configuration file, where versions and reviews are; they
// cannot be changed from here.
type Settings struct{ List []Setting }

// All returns the settings, to administrators and apps.
//
// Refused: gate.ErrForbidden.
func (s *Settings) All(caller gate.Caller) ([]Setting, error) {
	if err := policy.May(caller, policy.ReadSettings); err != nil {
		return nil, err
	}
	return slices.Clone(s.List), nil
}

// Categories returns what the settings are about, each once.
//
// Refused: gate.ErrForbidden.
func (s *Settings) Categories(caller gate.Caller) ([]string, error) {
	all, err := s.All(caller)
	var names []string
	for _, one := range all {
		if !slices.Contains(names, one.Category) {
			names = append(names, one.Category)
		}
	}
	return names, err
}

// Get returns one setting. Refused: gate.ErrForbidden, gate.ErrSettingUnknown.
func (s *Settings) Get(caller gate.Caller, key string) (Setting, error) {
	all, err := s.All(caller)
	if err != nil {
		return Setting{}, err
	}
	for _, one := range all {
		if one.Key == key {
			return one, nil
		}
	}
	return Setting{}, gate.ErrSettingUnknown
}

// Change is refused with gate.ErrSettingFixed, after gate.ErrForbidden and
// gate.ErrSettingUnknown.
func (s *Settings) Change(caller gate.Caller, key string) error {
	if _, err := s.Get(caller, key); err != nil {
		return err
	}
	return gate.ErrSettingFixed
}
