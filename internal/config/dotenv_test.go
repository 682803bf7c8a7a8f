package config

import (
	"strings"
	"testing"
)

func TestDotEnv(t *testing.T) {
	for _, tc := range []struct{ name, text, value string }{
		{"plain", "A=x", "x"},
		{"spaces around", "  A =  x y  ", "x y"},
		{"export", "export A=x", "x"},
		{"export with a tab", "export\tA=x", "x"},
		{"BOM and CRLF", "\ufeffA=x\r\n", "x"},
		{"comment lines", "# A=1\n\n   # B\nA=2 # two", "2"},
		{"a hash without space", "A=x#y", "x#y"},
		{"a hash at once", "A=#x", "#x"},
		{"only a comment", "A= # none", ""},
		{"equals in the value", "A=b=c==", "b=c=="},
		{"last one wins", "A=1\nA=2", "2"},
		{"single quotes", `A='a # "b" \n $B \' \\'`, `a # "b" \n $B ' \`},
		{"double quotes", `A="a # 'b' \n\t\" \$B \\ \x" # c`, "a # 'b' \n\t\" $B \\ \\x"},
		{"quotes inside", `A=a"b"c`, `a"b"c`},
		{"several lines", "A=\"1\n2\"\nB=3", "1\n2"},
		{"empty quotes", `A=""`, ""},
		{"no interpolation", "A=${B}$C", "${B}$C"},
		{"bare export", "export B\nA=1", "1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			env, err := parseDotEnv(tc.text)
			if got, ok := env["A"]; err != nil || !ok || got != tc.value {
				t.Errorf("got %q %v, want %q", got, err, tc.value)
			}
		})
	}
	for text, want := range map[string]string{
		"A=1\nhunter2":    "line 2 has no '='",
		"A=\n\n1A=x":      "line 3 does not begin with a name",
		"A='hunter2":      "line 1 opens a quote",
		"A='x' hunter2":   "line 1 has something after",
		"A=x\x00":         "line 1 contains a NUL",
		"B='1\n2'\nA=\"x": "line 3 opens a quote",
		"hunter2 or 3=4":  "line 1 does not begin with a name",
	} {
		if _, err := parseDotEnv(text); err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

// FuzzDotEnv: any text ends in an answer, and any value that is quoted by the
// rules comes back as it was.
func FuzzDotEnv(f *testing.F) {
	for _, seed := range []string{"A=1", "A='b\\''", "export A=\"x\\n\" # c", "\ufeff#\r\nA", "A=\"", "=", "export ", "A='\r\n'"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		env, err := parseDotEnv(text)
		if err == nil {
			for name := range env {
				if !dotEnvName.MatchString(name) {
					t.Errorf("name %q", name)
				}
			}
		}
		if strings.ContainsAny(text, "\x00\r") {
			return
		}
		for _, quote := range []string{"'", `"`} {
			escaped := strings.NewReplacer(`\`, `\\`, quote, `\`+quote).Replace(text)
			env, err := parseDotEnv("A=" + quote + escaped + quote + "\nB=2")
			if err != nil || env["A"] != text || env["B"] != "2" {
				t.Errorf("%s quoted %q became %q (%v)", quote, text, env["A"], err)
			}
		}
	})
}
