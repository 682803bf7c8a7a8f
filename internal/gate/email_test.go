package gate

import (
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

func TestNT_LINK_8_WhatMailSystemsReadDifferentlyIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "no at": "example.org", "no local": "@example.org", "no domain": "a@",
		"two at": "victim@corp.com@evil.com", "quoted local with at": `"a@corp.com"@evil.com`, "quoted local": `"a b"@evil.com`,
		"full-width at": "victim＠corp.com", "full-width at in the local part": "victim＠corp.com@evil.com", "small at": "victim﹫corp.com@evil.com",
		"ideographic full stop": "a@corp。com", "half-width full stop": "a@corp｡com", "full-width full stop": "a@corp．com",
		"soft hyphen in the domain": "a@cor\u00adp.com", "soft hyphen in the local part": "a\u00addmin@corp.com",
		"zero width space": "a\u200b@corp.com", "zero width joiner": "a@co\u200drp.com", "right-to-left override": "a\u202e@corp.com",
		"trailing dot": "a@corp.com.", "leading dot": "a@.corp.com", "two dots": "a@corp..com", "dots in the local part": "a..b@corp.com",
		"local begins with a dot": ".a@corp.com", "local ends with a dot": "a.@corp.com",
		"CR": "a\r@corp.com", "LF": "a@corp.com\nBcc: b@corp.com", "CRLF": "a@corp.com\r\nBcc: eve", "NUL": "a\x00b@corp.com", "NUL at the end": "a@corp.com\x00",
		"tab": "a\tb@corp.com", "space": "a b@corp.com", "DEL": "a\x7f@corp.com", "comment": "a(b)@corp.com", "display name": "Bob <a@corp.com>", "list": "a@corp.com,b@corp.com",
		"address literal": "a@[127.0.0.1]", "no dot": "a@localhost", "underscore": "a@my_host.com", "hyphen first": "a@-corp.com", "percent": "a@corp%2ecom",
		"bad UTF-8": "a\xff@corp.com", "bad UTF-8 in the domain": "a@corp\xc0.com", "long local": strings.Repeat("a", 65) + "@corp.com",
		"long": "a@" + strings.Repeat("b.", 130) + "com", "long label": "a@" + strings.Repeat("b", 64) + ".com", "bad punycode": "a@xn--a\u00e4.com",
		"one dot leader": "a․@corp.com", "two dot leader": "a‥b@corp.com", "fraction slash": "a⁄b@corp.com", "emoji": "😀@corp.com",
	} {
		if e, ok := ParseEmail(text); ok {
			t.Errorf("%s: %q was read as %+v", name, text, e)
		}
	}
}

func TestSpellingsOfOneAddressAreOneAccount(t *testing.T) {
	for want, spellings := range map[string][]string{
		"k@example.org":               {"k@example.org", "K@example.org", "\u212a@example.org", "k@EXAMPLE.ORG", " k@example.org\t", "ｋ@example.org", "k@ｅxample.org"},
		"strasse@example.org":         {"strasse@example.org", "straße@example.org", "STRASSE@example.org", "STRAẞE@example.org"},
		"ff@example.org":              {"ff@example.org", "ﬀ@example.org", "FF@example.org"},
		"i\u0307@example.org":         {"İ@example.org", "i\u0307@example.org"},
		"i@example.org":               {"i@example.org", "I@example.org"},
		"ı@example.org":               {"ı@example.org"},
		"\u00e9@example.org":          {"\u00e9@example.org", "e\u0301@example.org", "\u00c9@example.org", "E\u0301@example.org"},
		"a@xn--mnchen-3ya.example":    {"a@münchen.example", "a@MÜNCHEN.example", "a@mu\u0308nchen.example", "a@xn--mnchen-3ya.example", "a@XN--MNCHEN-3YA.example"},
		"a+b@example.org":             {"a+b@example.org"},
		"o'neill!#$%&*@example.org":   {"O'Neill!#$%&*@example.org"},
		"s@example.org":               {"ſ@example.org", "S@example.org"},
		"δοκιμή@xn--jxalpdlp.example": {"δοκιμή@δοκιμή.example", "ΔΟΚΙΜΉ@ΔΟΚΙΜΉ.example"},
		"a@ss.example":                {"a@ss.example", "a@ẞ.example"},
		"a@xn--zca.example":           {"a@ß.example"},
	} {
		for _, text := range spellings {
			e, ok := ParseEmail(text)
			if !ok || e.Key != want {
				t.Errorf("%q: key %q (%v), want %q", text, e.Key, ok, want)
			}
			checkEmail(t, text, e)
		}
	}
}

// checkEmail is what holds for whatever ParseEmail accepts.
func checkEmail(t *testing.T, text string, e Email) {
	t.Helper()
	for what, form := range map[string]string{"key": e.Key, "address": e.Address} {
		again, ok := ParseEmail(form)
		if !ok || again.Key != e.Key {
			t.Errorf("%q: its %s %q reads as %q (%v), not as %q", text, what, form, again.Key, ok, e.Key)
		}
		if strings.Count(form, "@") != 1 || strings.ContainsFunc(form, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) }) {
			t.Errorf("%q: %s %q holds what it must not", text, what, form)
		}
	}
	if !norm.NFKC.IsNormalString(e.Key) {
		t.Errorf("%q: key %q is not NFKC", text, e.Key)
	}
	if _, domain, _ := strings.Cut(e.Key, "@"); strings.ContainsFunc(domain, func(r rune) bool { return r >= 0x80 || unicode.IsUpper(r) }) {
		t.Errorf("%q: the domain of key %q is not in lower-case ASCII", text, e.Key)
	}
}

func FuzzParseEmail(f *testing.F) {
	for _, seed := range []string{"ada@example.org", "ﬀİı\u212aß@münchen.example", "a＠b@c.d", "a@b。c", "a\u0345\u0301@x.y", "a@\u1e9e.de", "ǰ@x.y", "\u03b0@x.y", "ᾀ@ᾀ.gr", "ﷺ@x.y", "ℨ@ℶ.0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if e, ok := ParseEmail(text); ok {
			checkEmail(t, text, e)
		}
	})
}
