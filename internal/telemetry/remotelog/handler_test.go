package remotelog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"strings"
	"testing"
	"testing/slogtest"
	"testing/synctest"
	"time"
	"unicode/utf8"
)

func TestHandlerObeysSlogOnTheConsole(t *testing.T) {
	var out bytes.Buffer
	slogtest.Run(t, func(t *testing.T) slog.Handler {
		out.Reset()
		h, err := New(slog.NewJSONHandler(&out, nil), Config{URL: "http://127.0.0.1:1", AppID: testID, AppKey: testKey, Level: 100, Clock: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = h.Close(context.Background()) })
		return h
	}, func(t *testing.T) map[string]any {
		var line map[string]any
		if err := json.Unmarshal(out.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		return line
	})
}

func TestHandlerObeysSlogOnTheWire(t *testing.T) {
	var q *queue
	slogtest.Run(t, func(*testing.T) slog.Handler {
		q = newQueue()
		return &Handler{console: slog.DiscardHandler, remote: newEncoder(q, testID), sender: &sender{queue: q}}
	}, func(t *testing.T) map[string]any {
		var line map[string]any
		if err := json.Unmarshal(q.take()[0], &line); err != nil {
			t.Fatal(err)
		}
		result := map[string]any{slog.LevelKey: line["level"], slog.MessageKey: line["message"]}
		if at, ok := line["timestamp"]; ok {
			result[slog.TimeKey] = at
		}
		if inner, ok := line["context"].(map[string]any); ok {
			for key, value := range inner {
				result[key] = value
			}
		}
		return result
	})
}

type broken struct{}

func (*broken) Error() string { panic("no text") }

func TestEntriesAreWhatJarvisLogsTakes(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 891234567, time.FixedZone("east", 2*3600))
	long := strings.Repeat("ä", maxText)
	tests := []struct {
		name  string
		level slog.Level
		attrs []slog.Attr
		want  string // below "context", with its braces
	}{
		{"no attributes, no context", slog.LevelInfo, nil, ""},
		{"plain values", slog.LevelInfo, []slog.Attr{slog.Int("status", 200), slog.Bool("ok", true), slog.String("ip", "::1")}, `{"status":200,"ok":true,"ip":"::1"}`},
		{"durations are text", slog.LevelInfo, []slog.Attr{slog.Duration("took", 1500*time.Microsecond)}, `{"took":"1.5ms"}`},
		{"errors are text", slog.LevelInfo, []slog.Attr{slog.Any("error", fmt.Errorf("outer: %w", io.EOF))}, `{"error":"outer: EOF"}`},
		{"no error is null", slog.LevelInfo, []slog.Attr{slog.Any("error", error(nil))}, `{"error":null}`},
		{"an error that panics", slog.LevelInfo, []slog.Attr{slog.Any("error", (*broken)(nil))}, `{"error":"!PANIC: no text"}`},
		{"what JSON cannot say", slog.LevelInfo, []slog.Attr{slog.Float64("f", math.NaN())}, `{"f":"!ERROR:json: unsupported value: NaN"}`},
		{"groups are nested", slog.LevelInfo, []slog.Attr{slog.Group("a", slog.Group("b", slog.Duration("d", time.Second)))}, `{"a":{"b":{"d":"1s"}}}`},
		{"keys of the wire stay below context", slog.LevelInfo, []slog.Attr{slog.String("level", "x"), slog.String("msg", "y"), slog.String("service", "z")}, `{"level":"x","msg":"y","service":"z"}`},
		{"broken UTF-8", slog.LevelInfo, []slog.Attr{slog.String("s", "a\xffb")}, `{"s":"a\ufffdb"}`},
		{"a secret hides itself", slog.LevelInfo, []slog.Attr{slog.Any("config", Config{URL: "http://x", AppID: testID, AppKey: testKey})}, `{"config":"remotelog http://x as jarvis-auth, key [secret]"}`},
		{"long texts are cut", slog.LevelInfo, []slog.Attr{slog.String("s", long)}, `{"s":"` + long[:maxText] + `…"}`},
		{"trace is DEBUG", slog.LevelDebug - 4, nil, ""},
		{"debug", slog.LevelDebug, nil, ""},
		{"warning", slog.LevelWarn, nil, ""},
		{"error", slog.LevelError, nil, ""},
		{"beyond error is CRITICAL", slog.LevelError + 4, nil, ""},
	}
	levels := map[string]string{"trace is DEBUG": "DEBUG", "debug": "DEBUG", "warning": "WARNING", "error": "ERROR", "beyond error is CRITICAL": "CRITICAL"}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			q := newQueue()
			record := slog.NewRecord(at, test.level, "what \"happened\"\n", 0)
			record.AddAttrs(test.attrs...)
			if err := newEncoder(q, testID).Handle(context.Background(), record); err != nil {
				t.Fatal(err)
			}
			level := levels[test.name]
			if level == "" {
				level = "INFO"
			}
			want := `{"timestamp":"2026-03-04T03:06:07.891234Z","level":"` + level + `","message":"what \"happened\"\n","service":"jarvis-auth"`
			if test.want != "" {
				want += `,"context":` + test.want
			}
			if got := string(q.take()[0]); got != want+"}" {
				t.Errorf("got  %s\nwant %s}", got, want)
			}
		})
	}
}

func TestLongTextsAreCutBetweenCharacters(t *testing.T) {
	for _, text := range []string{strings.Repeat("a", maxText-1) + "€€", strings.Repeat("\x80", maxText+1), strings.Repeat("a", maxText)} {
		cut := bounded(text)
		if len(cut) > maxText+len("…") || utf8.ValidString(text) && !utf8.ValidString(cut) {
			t.Errorf("%d bytes become %d, ending in %q", len(text), len(cut), cut[max(0, len(cut)-8):])
		}
	}
}

func TestParseLevel(t *testing.T) {
	for _, name := range []string{"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"} {
		level, err := ParseLevel(strings.ToLower(name))
		if err != nil || levelName(level) != name {
			t.Errorf("%s becomes %v (%v), which is sent as %s", name, level, err, levelName(level))
		}
	}
	if _, err := ParseLevel("loud"); err == nil {
		t.Error("loud is taken for a level")
	}
}

func TestLevelsOfConsoleAndRemoteAreIndependent(t *testing.T) {
	tests := []struct {
		name                    string
		console, remote         slog.Level
		wantConsole, wantRemote string
	}{
		{"remote hears more", slog.LevelInfo, slog.LevelDebug, "info error", "debug info error"},
		{"console hears more", slog.LevelDebug, slog.LevelError, "debug info error", "error"},
		{"both the same", slog.LevelInfo, slog.LevelInfo, "info error", "info error"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				b := newBench(t, func(c *Config) { c.Level = test.remote })
				b.Handler.console = slog.NewTextHandler(&out, &slog.HandlerOptions{Level: test.console})
				for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelError} {
					b.log.With("a", 1).WithGroup("g").Log(context.Background(), level, strings.ToLower(levelName(level)))
				}
				if err := b.Close(within(t, time.Second)); err != nil {
					t.Fatal(err)
				}
				var console, remote []string
				for line := range strings.Lines(out.String()) {
					_, rest, _ := strings.Cut(line, "msg=")
					word, _, _ := strings.Cut(rest, " ")
					console = append(console, word)
				}
				for _, e := range b.got() {
					remote = append(remote, e.Message)
				}
				if got := strings.Join(console, " "); got != test.wantConsole {
					t.Errorf("the console has %q, want %q", got, test.wantConsole)
				}
				if got := strings.Join(remote, " "); got != test.wantRemote {
					t.Errorf("the remote has %q, want %q", got, test.wantRemote)
				}
			})
		})
	}
}

func TestErrorsOfTheConsoleAreTheCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("disk full")
		b := newBench(t, nil)
		b.Handler.console = slog.NewTextHandler(writerFunc(func([]byte) (int, error) { return 0, full }), nil)
		if err := b.Handle(context.Background(), slog.NewRecord(time.Now(), slog.LevelInfo, "x", 0)); !errors.Is(err, full) {
			t.Errorf("got %v", err)
		}
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestKeyIsNeverPrinted(t *testing.T) {
	config := Config{URL: "http://x", AppID: testID, AppKey: testKey}
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("a", "config", config, "pointer", &config)
	slog.New(slog.NewTextHandler(&out, nil)).Info("a", "config", config, "pointer", &config)
	fmt.Fprintf(&out, "%v %+v %#v %s %q %v %+v %x", config, config, config, config, config, &config, []Config{config}, config)
	if strings.Contains(out.String(), testKey) || strings.Contains(out.String(), fmt.Sprintf("%x", testKey)) {
		t.Error(out.String())
	}
}

func TestSettingsThatCannotWorkAreRefused(t *testing.T) {
	good := Config{URL: "http://x:7702", AppID: testID, AppKey: testKey, Clock: time.Now}
	tests := []struct {
		name   string
		change func(*Config)
	}{
		{"no URL at all", func(c *Config) { c.URL = "" }},
		{"not http", func(c *Config) { c.URL = "ftp://x" }},
		{"password in the URL", func(c *Config) { c.URL = "http://u:" + testKey + "@x" }},
		{"config URL is no URL", func(c *Config) { c.ConfigURL = "x" }},
		{"no app id", func(c *Config) { c.AppID = "" }},
		{"an app id that the wire refuses", func(c *Config) { c.AppID = strings.Repeat("a", 65) }},
		{"no key", func(c *Config) { c.AppKey = "" }},
		{"a key that is no header", func(c *Config) { c.AppKey = testKey + "\n" }},
		{"no clock", func(c *Config) { c.Clock = nil }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			config := good
			test.change(&config)
			if _, err := New(slog.DiscardHandler, config); err == nil || strings.Contains(err.Error(), testKey) {
				t.Errorf("got %v", err)
			}
		})
	}
}
