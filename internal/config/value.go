package config

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// parse reads the text of a setting and applies the rules of its row. The value
// is a string, bool, int, time.Duration, Rate or []string, by the type.
func (s Setting) parse(raw string) (any, error) {
	if !s.Secret { // in a secret, every byte may matter
		raw = strings.TrimSpace(raw)
	}
	parsed, err := s.read(raw)
	if err != nil {
		return nil, err
	}
	if err := s.inBounds(parsed); err != nil {
		return nil, err
	}
	return parsed, s.check(parsed)
}

func (s Setting) read(raw string) (any, error) {
	switch s.Type {
	case TypeBool:
		return parseBool(raw)
	case TypeInt:
		n, err := strconv.Atoi(raw)
		if err != nil {
			return nil, errors.New("it must be a whole number")
		}
		return n, nil
	case TypeDuration:
		return parseDuration(raw)
	case TypeRate:
		return parseRate(raw)
	case TypeList:
		return parseList(raw)
	case TypeURL:
		return raw, checkURL(raw)
	case TypeEnum:
		return s.word(raw)
	case TypeAddress:
		return parseAddress(raw)
	default:
		if strings.ContainsRune(raw, 0) {
			return nil, errors.New("it must not contain a NUL byte")
		}
		return raw, nil
	}
}

// word finds the word of an enum in any case. Empty is a word when it is the
// default.
func (s Setting) word(raw string) (string, error) {
	if raw == "" && s.Default == "" {
		return "", nil
	}
	for _, word := range s.Enum {
		if strings.EqualFold(word, raw) || s.Synonyms[strings.ToLower(raw)] == word {
			return word, nil
		}
	}
	return "", fmt.Errorf("it must be one of %s", strings.Join(s.Enum, ", "))
}

func (s Setting) inBounds(parsed any) error {
	if s.Min == 0 && s.Max == 0 {
		return nil
	}
	var n int64
	switch v := parsed.(type) {
	case int:
		n = int64(v)
	case time.Duration:
		n = int64(v)
	}
	if n < s.Min || n > s.Max {
		return fmt.Errorf("it must be %s", s.bounds())
	}
	return nil
}

// bounds words the range of a number or duration.
func (s Setting) bounds() string {
	if s.Type == TypeDuration {
		return fmt.Sprintf("from %s to %s", shortDuration(time.Duration(s.Min)), shortDuration(time.Duration(s.Max)))
	}
	return fmt.Sprintf("from %d to %d", s.Min, s.Max)
}

func (s Setting) check(parsed any) error {
	if s.Check == nil {
		return nil
	}
	switch v := parsed.(type) {
	case string:
		return s.Check(v)
	case []string:
		for _, item := range v {
			if err := s.Check(item); err != nil {
				return err
			}
		}
	}
	return nil
}

func parseBool(raw string) (bool, error) {
	switch strings.ToLower(raw) {
	case "true", "yes", "on", "1", "t", "y":
		return true, nil
	case "false", "no", "off", "0", "f", "n":
		return false, nil
	}
	return false, errors.New("it must be true or false")
}

// parseDuration reads a bare number as seconds, as the originals write it.
func parseDuration(raw string) (time.Duration, error) {
	if seconds, err := strconv.ParseInt(raw, 10, 32); err == nil {
		return time.Duration(seconds) * time.Second, nil
	}
	d, err := time.ParseDuration(raw)
	if err != nil {
		return 0, errors.New("it must be a number of seconds, or a duration such as 90s, 15m or 1h30m")
	}
	return d, nil
}

// inUnits gives a bare number the unit that it has under its name: an original's
// "30" may be minutes. What is no number is left as it is.
func inUnits(raw string, unit time.Duration) string {
	n, err := strconv.ParseInt(strings.TrimSpace(raw), 10, 64)
	switch {
	case unit == 0 || err != nil:
		return raw
	case n > math.MaxInt64/int64(unit):
		n = math.MaxInt64 / int64(unit) // more than any setting allows
	case n < math.MinInt64/int64(unit):
		n = math.MinInt64 / int64(unit)
	}
	return shortDuration(time.Duration(n) * unit)
}

// shortDuration drops the zero units of Duration.String: 8760h0m0s is 8760h.
func shortDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func parseRate(raw string) (Rate, error) {
	if strings.EqualFold(raw, "off") {
		return Rate{Off: true}, nil
	}
	count, per, _ := strings.Cut(raw, "/")
	n, err := strconv.Atoi(strings.TrimSpace(count))
	d, perErr := parseDuration(strings.TrimSpace(per))
	if err != nil || perErr != nil || n < 1 || d <= 0 {
		return Rate{}, errors.New("it must be a count and a duration such as 10/5m, or off")
	}
	return Rate{Count: n, Per: d}, nil
}

// parseList reads items with commas between them, or a list in JSON, as some
// originals wanted it.
func parseList(raw string) ([]string, error) {
	var items []string
	if strings.HasPrefix(raw, "[") {
		if err := json.Unmarshal([]byte(raw), &items); err != nil {
			return nil, errors.New(`it begins like a list in JSON, and is none: write ["one", "two"], or one,two`)
		}
		return items, nil
	}
	for item := range strings.SplitSeq(raw, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items, nil
}

// parseAddress reads host:port. An empty environment variable counts as not
// set, so there is a word for "nowhere".
func parseAddress(raw string) (string, error) {
	if raw == "" || strings.EqualFold(raw, "off") {
		return "", nil
	}
	host, port, err := net.SplitHostPort(raw)
	if err != nil {
		return "", errors.New("it must be host:port such as 127.0.0.1:9464, or off")
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", errors.New("its port must be a number from 0 to 65535")
	}
	return raw, checkHost(host)
}

func checkURL(raw string) error {
	if raw == "" {
		return nil
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("it must be a URL that begins with http:// or https://")
	case u.User != nil:
		return errors.New("it must not hold a user name or password")
	}
	return nil
}

func checkOrigin(raw string) error {
	if raw == "*" {
		return errors.New("every origin (*) is not accepted, because any page could then act for your users: name the origins")
	}
	u, err := url.Parse(raw)
	if err != nil || checkURL(raw) != nil || raw != u.Scheme+"://"+u.Host {
		return errors.New("each origin must look like https://app.example.org, without a path")
	}
	return nil
}

func checkNetwork(raw string) error {
	_, prefixErr := netip.ParsePrefix(raw)
	_, addrErr := netip.ParseAddr(raw)
	if prefixErr != nil && addrErr != nil {
		return errors.New("each must be a network such as 10.0.0.0/8, or an address")
	}
	return nil
}

func checkHost(raw string) error {
	if strings.ContainsAny(raw, " /\t\r\n") || strings.Contains(raw, ":") && !isIPv6(raw) {
		return errors.New("it must be a host name or an address, without a port")
	}
	return nil
}

func isIPv6(raw string) bool {
	addr, err := netip.ParseAddr(raw)
	return err == nil && addr.Is6()
}

func checkPresent(raw string) error {
	if raw == "" {
		return errors.New("it must not be empty")
	}
	return nil
}

func checkDatabaseURL(raw string) error {
	if raw == "" {
		return nil
	}
	_, err := ParseDatabaseURL(raw)
	return err
}

func checkMasterKey(raw string) error {
	_, err := parseMasterKey(raw)
	return err
}

// parseMasterKey reads 32 bytes in hexadecimal or any base64; "" is nil.
func parseMasterKey(raw string) ([]byte, error) {
	raw = strings.TrimSpace(raw)
	if raw == "" {
		return nil, nil
	}
	key, err := hex.DecodeString(raw)
	if err != nil {
		text := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(raw, "="))
		key, err = base64.RawStdEncoding.DecodeString(text)
	}
	if err != nil || len(key) != 32 {
		return nil, errors.New("it must be 32 bytes in base64 or hexadecimal: make one with 'openssl rand -base64 32'")
	}
	if len(slices.Compact(slices.Clone(key))) == 1 {
		return nil, errors.New("it is one byte 32 times over: make a real one with 'openssl rand -base64 32'")
	}
	return key, nil
}
