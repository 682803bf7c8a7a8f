package remotelog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const maxRegistry = 256 << 10

// registry is what the config service answers at GET /services.
type registry struct {
	Services []struct {
		Name string `json:"name"`
		URL  string `json:"url"`
	} `json:"services"`
}

// base returns where jarvis-logs is: as set, else as the config service says.
func (s *sender) base(ctx context.Context) (string, error) {
	if s.config.URL != "" {
		return parseBase(s.config.URL)
	}
	if s.found != "" {
		return s.found, nil
	}
	found, err := s.discover(ctx)
	s.found = found
	return found, err
}

func (s *sender) discover(ctx context.Context) (string, error) {
	base, err := parseBase(s.config.ConfigURL)
	if err != nil {
		return "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/services"+s.style(), nil)
	if err != nil {
		return "", err
	}
	response, err := s.client.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the config service answers %d", response.StatusCode)
	}
	var known registry
	if err := json.NewDecoder(io.LimitReader(response.Body, maxRegistry)).Decode(&known); err != nil {
		return "", errors.New("the config service gives no list of services")
	}
	for _, service := range known.Services {
		if slices.Contains([]string{"jarvis-logs", "logs"}, service.Name) {
			return parseBase(service.URL)
		}
	}
	return "", errors.New("the config service does not know jarvis-logs")
}

// style asks for addresses that can be reached from here: without it the config
// service answers localhost, which in a container is somebody else.
func (s *sender) style() string {
	u, err := url.Parse(s.config.ConfigURL)
	if err != nil {
		return ""
	}
	query := url.Values{}
	switch style := strings.ToLower(s.config.ConfigURLStyle); {
	case style == "remote":
		query.Set("style", "remote")
		if host := u.Hostname(); host != "localhost" && !net.ParseIP(host).IsLoopback() {
			query.Set("remote_host", host)
		}
	case style == "dockerized", u.Hostname() == "host.docker.internal":
		query.Set("style", "dockerized")
	default:
		return ""
	}
	return "?" + query.Encode()
}
