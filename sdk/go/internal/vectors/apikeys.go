package main

import (
	"hash/crc32"
	"math/big"
	"strings"
)

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

type keyFile struct {
	Cases []keyCase `json:"cases"`
}

type keyCase struct {
	Name       string `json:"name"`
	Key        string `json:"key"`
	WellFormed bool   `json:"well_formed"`
}

// apiKeys returns keys that can exist, none of which does, and others that cannot.
func apiKeys() keyFile {
	var f keyFile
	add := func(name, key string, wellFormed bool) { f.Cases = append(f.Cases, keyCase{name, key, wellFormed}) }
	digits := encode62(new(big.Int).SetBytes(stream("api key", 32)), 43)
	dk, gh := withChecksum("dk_"+digits), withChecksum("gh_ak_"+digits)
	body := dk[:len(dk)-6]
	padded := withLeadingZeros()

	add("dk_", dk, true)
	add("gh_ak_", gh, true)
	add("secret of zeros", withChecksum("dk_"+strings.Repeat("0", 43)), true)
	add("secret of the highest digits", withChecksum("gh_ak_"+strings.Repeat("z", 43)), true)
	add("checksum with leading zeros", padded, true)

	add("checksum with leading zeros, not padded", padded[:len(padded)-6]+strings.TrimLeft(padded[len(padded)-6:], "0"), false)
	add("one digit of the secret is another", body[:10]+other(body[10])+dk[11:], false)
	add("two digits of the secret are exchanged", exchanged(dk), false)
	add("one digit of the checksum is another", dk[:len(dk)-1]+other(dk[len(dk)-1]), false)
	add("checksum of zeros", body+"000000", false)
	add("checksum of another prefix", "gh_ak_"+dk[3:], false)
	add("checksum without the prefix", "dk_"+withChecksum(digits), false)
	add("digits in the order of another alphabet", swapCase(dk), false)
	add("prefix in capitals", withChecksum("DK_"+digits), false)
	add("prefix of somebody else", withChecksum("sk_"+digits), false)
	add("prefix of a session token", withChecksum("gh_st_"+digits), false)
	add("no prefix", withChecksum(digits), false)
	add("only a prefix", "dk_", false)
	add("both prefixes", withChecksum("dk_gh_ak_"+digits), false)
	add("a digit too few", withChecksum("dk_"+digits[1:]), false)
	add("a digit too many", withChecksum("dk_0"+digits), false)
	add("cut off", dk[:len(dk)-1], false)
	add("with something behind it", dk+"0", false)
	add("with a newline behind it", dk+"\n", false)
	add("with a space before it", " "+dk, false)
	add("a hyphen among the digits", withChecksum("dk_"+digits[:20]+"-"+digits[21:]), false)
	add("a digit of another script", withChecksum("dk_"+digits[:20]+"１"+digits[21:]), false)
	add("a letter of another script", withChecksum("dk_"+digits[:20]+"а"+digits[22:]), false)
	add("a JWT", jwt, false)
	add("empty", "", false)
	return f
}

func withChecksum(body string) string {
	return body + encode62(big.NewInt(int64(crc32.ChecksumIEEE([]byte(body)))), 6)
}

func withLeadingZeros() string {
	for i := int64(0); ; i++ {
		key := withChecksum("dk_" + encode62(big.NewInt(i), 43))
		if key[len(key)-6:len(key)-4] == "00" {
			return key
		}
	}
}

// encode62 writes a number with so many digits, and drops those above.
func encode62(n *big.Int, digits int) string {
	out := make([]byte, digits)
	rest, digit := new(big.Int).Set(n), new(big.Int)
	for i := digits - 1; i >= 0; i-- {
		rest.DivMod(rest, big.NewInt(62), digit)
		out[i] = base62[digit.Int64()]
	}
	return string(out)
}

func other(digit byte) string {
	return string(base62[(strings.IndexByte(base62, digit)+1)%len(base62)])
}

func exchanged(key string) string {
	for i := 10; ; i++ {
		if key[i] != key[i+1] {
			return key[:i] + string(key[i+1]) + string(key[i]) + key[i+2:]
		}
	}
}

func swapCase(key string) string {
	return key[:3] + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r - 'a' + 'A'
		}
		if r >= 'A' && r <= 'Z' {
			return r - 'A' + 'a'
		}
		return r
	}, key[3:])
}
