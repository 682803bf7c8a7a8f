package authn

import (
	"context"
	"strings"

	"github.com/go-json-experiment/json"
)

// JWKS returns the JSON Web Key Set (RFC 7517 §5) that verifies the face's
// tokens: empty when they are signed with a shared secret.
func (s *Service) JWKS(ctx context.Context) ([]byte, error) {
	if strings.HasPrefix(s.profile.Algorithm, "HS") {
		return []byte(`{"keys":[]}`), nil
	}
	set, err := s.tokens.Keys.JWKS(ctx, s.profile.Tenant, s.profile.Algorithm)
	if err != nil {
		return nil, err
	}
	return json.Marshal(set)
}
