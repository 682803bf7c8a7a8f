package remotelog

import (
	"fmt"
	"log/slog"
	"strings"
	"unicode/utf8"
)

// criticalLevel is where CRITICAL begins; slog has no name for it.
const criticalLevel = slog.LevelError + 4

// maxText bounds one text. The storage behind jarvis-logs refuses very long
// lines, and with one the whole batch.
const maxText = 16 << 10

const timestampFormat = "2006-01-02T15:04:05.000000Z07:00"

// toWire turns slog's own keys into those of the wire, and durations and long
// texts into what people can read there. Only slog's keys and "service" have no
// group: the encoder puts everything else below "context".
func toWire(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 {
		switch a.Key {
		case slog.TimeKey:
			return slog.String("timestamp", a.Value.Time().UTC().Format(timestampFormat))
		case slog.LevelKey:
			level, _ := a.Value.Any().(slog.Level)
			return slog.String("level", levelName(level))
		case slog.MessageKey:
			return slog.String("message", bounded(a.Value.String()))
		}
	}
	switch a.Value.Kind() {
	case slog.KindDuration:
		a.Value = slog.StringValue(a.Value.Duration().String())
	case slog.KindString:
		a.Value = slog.StringValue(bounded(a.Value.String()))
	case slog.KindAny:
		if err, ok := a.Value.Any().(error); ok {
			a.Value = slog.StringValue(errorText(err))
		}
	}
	return a
}

// errorText is the text of an error. One that panics, as nil pointers do, must
// not end the request that wanted to log it.
func errorText(err error) (text string) {
	defer func() {
		if p := recover(); p != nil {
			text = fmt.Sprintf("!PANIC: %v", p)
		}
	}()
	return bounded(err.Error())
}

// bounded cuts a text that is too long, between two characters.
func bounded(text string) string {
	if len(text) <= maxText {
		return text
	}
	end := maxText
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return strings.Clone(text[:end]) + "…"
}

// levelName is the name that jarvis-logs has for a level. Those between slog's
// four count as the lower one.
func levelName(level slog.Level) string {
	switch {
	case level >= criticalLevel:
		return "CRITICAL"
	case level >= slog.LevelError:
		return "ERROR"
	case level >= slog.LevelWarn:
		return "WARNING"
	case level >= slog.LevelInfo:
		return "INFO"
	}
	return "DEBUG"
}

// ParseLevel reads the name of a level, in any case: those of jarvis-logs, and
// "warn".
func ParseLevel(name string) (slog.Level, error) {
	switch strings.ToUpper(name) {
	case "DEBUG":
		return slog.LevelDebug, nil
	case "INFO":
		return slog.LevelInfo, nil
	case "WARNING", "WARN":
		return slog.LevelWarn, nil
	case "ERROR":
		return slog.LevelError, nil
	case "CRITICAL":
		return criticalLevel, nil
	}
	return 0, fmt.Errorf("%q is no level: DEBUG, INFO, WARNING, ERROR or CRITICAL", name)
}
