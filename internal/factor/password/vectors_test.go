package password

import "strings"

// Verifiers made by other programs, to be checked by ours. Costs are low, so
// that the tests are fast.

const (
	horse = "correct horse battery"
	nfd   = "pa\u0308sswo\u0308rd \ufb01n A\u030a" // decomposed, with a ligature
	nfc   = "p\u00e4ssw\u00f6rd \ufb01n \u00c5"    // composed
	nfkc  = "p\u00e4ssw\u00f6rd fin \u00c5"        // composed, ligature dissolved
)

// atDefault is by argon2-cffi 25.1.0 with Default: as good as one of ours.
const atDefault = "$argon2id$v=19$m=19456,t=2,p=1$/1ySpnxA8bt7+HqV88wMfg$or9qMhEe2KpAayntOIDCp6qORp+g+tDq7Z8BXUD94kQ"

const betterAuth = "00112233445566778899aabbccddeeff:" +
	"267a33c2ae63f1c2d542f84d50b7d87c68900c8b9475f6a47ade71cf44b234822e0a34af1d226572b5caf52809319d4c486f3d209cc2fd022fb53bb4eaeb35b1"

var foreign = []struct{ name, password, verifier string }{
	// argon2-cffi 25.1.0
	{"argon2id", horse, "$argon2id$v=19$m=64,t=1,p=1$t/OKsXuohH8IZJcqMel1Dg$mkpBEpGJjNbelKNIGW9LZf+BUWb0h+I/44OzuFd7C7I"},
	{"argon2id of four lanes, short", horse, "$argon2id$v=19$m=256,t=2,p=4$NOofDneOL3k$7SQOVg/CrJrzAt9ypQGFbA"},
	{"argon2i", horse, "$argon2i$v=19$m=64,t=3,p=2$tPDM7yWYS1fsxBIRAUIOHg$2sBTW8Tw863oZzI8eqw89QrT53g58ADoBxFvy9kpG1M"},
	{"argon2id of bytes as typed", nfd, "$argon2id$v=19$m=64,t=1,p=1$ArxSpSPqnAJa/++jEGdozA$Er3oHQ8n3F0K4bRGo8vh7PCAAapwj8tMiuEZJjgnwDc"},
	// bcrypt 4.0.1 and passlib 1.7.4
	{"bcrypt 2a", horse, "$2a$04$uWd8AIShahBySYQ/Eo9yxOog7m.wZVoxZAL.Nreuc.o/f1Auqt6mO"},
	{"bcrypt 2b", horse, "$2b$04$Ih2ptoRxdNQxfdQJVeU5l.FA/8mpJTZOI.HO1eDGGt0RSHY5jzNey"},
	{"bcrypt 2y", horse, "$2y$04$R/3IwGMxFL5p1gITXpyRfuqe7/jxgWrTxdaG2fkWx.c8HVYOWUICC"},
	{"bcrypt of 72 bytes", strings.Repeat("a", 72), "$2b$04$D.xiX1yDgPrhpdLirlJgDO6B3n4r331ebCIgDxacl6RQyCpYA/6nC"},
	{"bcrypt of bytes as typed", nfd, "$2b$04$C6/gfJ6P7CNq1reyOm3pWeIw67d7CbifOQH2VaaDHjx7rzLS03o4."},
	{"bcrypt of NFKC", nfkc, "$2b$04$gjnMDRsxcA73DAJFJ1P29eqweWxWJBRvVYxwx1UA3DRSLzb7EhLNW"},
	{"bcrypt-sha256", horse, "$bcrypt-sha256$v=2,t=2b,r=4$YpdfZ51f1JpN/bYQ6ux5qe$/mJd9wNjRk.NTW/tCZacqJ1BH65T4VK"},
	{"bcrypt-sha256 of 100 bytes", strings.Repeat("a", 100), "$bcrypt-sha256$v=2,t=2b,r=4$CvE/T17PcW27x1ci13b8V.$VCGaSKun9gHAX1u79qHTogUArujhCZy"},
	{"bcrypt-sha256, first version", horse, "$bcrypt-sha256$2b,4$0BDUM3yqKb4ahwjnXHEKuu$WZUSoSj4ChrmeMmtOYBQpawiNW/HSMy"},
	// passlib 1.7.4
	{"passlib argon2id", horse, "$argon2id$v=19$m=64,t=1,p=1$MOZ8770XQoiRslZKKYUQQg$Jdpxubz0Y7jb8+i7LzPkc/eYlt/PlIUdMRFq7+zEbLk"},
	{"pbkdf2", horse, "$pbkdf2$1000$KMXY27sXgvD./987hzAmZA$8bMj2IPFfa68MzZXaPshy/b8Hp0"},
	{"pbkdf2-sha256", horse, "$pbkdf2-sha256$1000$0jqH8J4zJmSMUeo9p9T6fw$uqr.i3y1esRL25cQmRoBoJz.wkLh6yLpK0kBQaEes7U"},
	{"pbkdf2-sha512", horse, "$pbkdf2-sha512$1000$SgmhFOL8X.vd.///n9OaEw$RubLpaLscwpH4HMYxiYm/puRLsvSN/dS6dTmPt0SbI1SseBCmeK7.VR7/lLcJIvo4aYVoU4XsKlQDoYgZEoasA"},
	{"pbkdf2-sha512 of a long salt", horse, "$pbkdf2-sha512$1000$CeGcM4ZQCkFI6f1fi9GaUwoB4Bw$4ZidfrKKLb7iWoBsViKzS5qezb0t6YKiop5pPuL3ctofYVOFIEl9omrJjfLiUOcg0fgtmccEs14w9auX9ppUAQ"},
	{"scrypt", horse, "$scrypt$ln=4,r=8,p=1$WIsxZgxBqLW2lrIWwnhPSQ$ItdrPuyjd37MGyeC6VTIXF/jup7EK7jbuNrmWLA/7LA"},
	{"scrypt of three lanes", horse, "$scrypt$ln=6,r=4,p=3$+39PiZHyvhdCKEVozZnTug$QxMQqOF/QQSkW7gL8fSBXyIB1ajG2z8+qH2Bavx6J1M"},
	{"django", horse, "pbkdf2_sha256$1000$uv9fbmuGJLnx$MQ0DfVYbqjVFcXX4ue+XwZvEq9KGko21O9f3ZmQepU8="},
	// Better Auth
	{"better auth", horse, betterAuth},
}

// Keys and salts of the right shape for verifiers that nobody can fit.
const (
	salt16 = "WIsxZgxBqLW2lrIWwnhPSQ"
	key32  = "ItdrPuyjd37MGyeC6VTIXF/jup7EK7jbuNrmWLA/7LA"
	tail53 = "Ih2ptoRxdNQxfdQJVeU5l.FA/8mpJTZOI.HO1eDGGt0RSHY5jzNey"
)

// absurd verifiers are well formed, but would cost minutes or all memory.
var absurd = []string{
	"$argon2id$v=19$m=1048577,t=1,p=1$" + salt16 + "$" + key32,
	"$argon2id$v=19$m=64,t=65,p=1$" + salt16 + "$" + key32,
	"$argon2id$v=19$m=1024,t=1,p=65$" + salt16 + "$" + key32,
	"$argon2id$v=19$m=1024,t=1,p=257$" + salt16 + "$" + key32, // 1 in eight bits
	"$argon2id$v=19$m=4294967295,t=4294967295,p=255$" + salt16 + "$" + key32,
	"$argon2id$v=19$m=99999999999999999999,t=1,p=1$" + salt16 + "$" + key32,
	"$argon2i$v=19$m=1048576,t=5,p=1$" + salt16 + "$" + key32,
	"$2b$17$" + tail53,
	"$2b$99$" + tail53,
	"$bcrypt-sha256$v=2,t=2b,r=31$" + tail53[:22] + "$" + tail53[22:],
	"$bcrypt-sha256$2b,31$" + tail53[:22] + "$" + tail53[22:],
	"$pbkdf2$10000001$" + salt16 + "$" + key32,
	"$pbkdf2$6000000$" + salt16 + "$" + key32, // two blocks of SHA-1
	"$pbkdf2-sha256$4294967296$" + salt16 + "$" + key32,
	"pbkdf2_sha256$10000001$salt$" + key32 + "=",
	"$scrypt$ln=20,r=9,p=1$" + salt16 + "$" + key32,
	"$scrypt$ln=64,r=8,p=1$" + salt16 + "$" + key32,
	"$scrypt$ln=4294967295,r=1,p=1$" + salt16 + "$" + key32,
	"$scrypt$ln=1,r=4294967295,p=4294967295$" + salt16 + "$" + key32,
	"$scrypt$ln=19,r=8,p=9$" + salt16 + "$" + key32,
}

// damaged verifiers are of a known kind, but cannot be right.
var damaged = []string{
	"$argon2id$v=19$m=64,t=0,p=1$" + salt16 + "$" + key32,
	"$argon2id$v=19$m=64,t=1,p=0$" + salt16 + "$" + key32,
	"$argon2id$v=19$m=64,t=1,p=1$" + salt16, // no key
	"$bcrypt-sha256$,$$", "$bcrypt-sha256$" + tail53[:22],
	"$argon2id$v=19$m=7,t=1,p=1$" + salt16 + "$" + key32,
	"$argon2id$v=19$t=1,m=64,p=1$" + salt16 + "$" + key32,
	"$argon2id$v=19$m=64,t=1,p=1,keyid=AAAA$" + salt16 + "$" + key32,
	"$argon2id$v=19$m=+64,t=1,p=1$" + salt16 + "$" + key32,
	"$argon2id$v=19$m=64,t=1,p=1$" + salt16 + "$",
	"$argon2id$v=19$m=64,t=1,p=1$" + salt16 + "$AAAA",
	"$argon2id$v=19$m=64,t=1,p=1$AAAA$" + key32,
	"$argon2id$v=19$m=64,t=1,p=1$" + salt16 + "$" + key32 + "=",
	"$argon2id$v=19$m=64,t=1,p=1$" + salt16 + "$" + key32 + "\n",
	"$argon2id$v=19$m=64,t=1,p=1$" + salt16 + "$" + key32 + "$",
	"$2b$03$" + tail53,
	"$2b$4$" + tail53,
	"$2b$+4$" + tail53,
	"$2b$04$" + tail53[1:],
	"$2b$04$" + tail53 + "a",
	"$2b$04$!" + tail53[1:],
	"$bcrypt-sha256$v=2,t=2b,r=4$" + tail53[:22] + "$",
	"$pbkdf2-sha256$0$" + salt16 + "$" + key32,
	"$pbkdf2-sha256$-1$" + salt16 + "$" + key32,
	"$pbkdf2-sha256$1000$" + salt16 + "$",
	"pbkdf2_sha256$1000$salt$",
	"pbkdf2_sha256$1000$salt$" + key32,
	"$scrypt$ln=0,r=8,p=1$" + salt16 + "$" + key32,
	"$scrypt$ln=4,r=0,p=1$" + salt16 + "$" + key32,
	"$scrypt$ln=4,r=8,p=1$" + salt16 + "$",
	"$2b$04$" + tail53 + strings.Repeat(" ", maxVerifier),
}

// unknown verifiers are of no kind that we check.
var unknown = []string{
	"", "$", ":", "x", horse, "!", "*", "$1$salt$key", "$6$salt$key", "$2x$04$" + tail53, "$2$04$" + tail53,
	"$argon2d$v=19$m=64,t=1,p=1$" + salt16 + "$" + key32,
	"$argon2id$v=16$m=64,t=1,p=1$" + salt16 + "$" + key32,
	"$argon2id$m=64,t=1,p=1$" + salt16 + "$" + key32,
	"$bcrypt-sha256$v=3,t=2b,r=4$" + tail53[:22] + "$" + tail53[22:],
	betterAuth[:len(betterAuth)-2], "zz" + betterAuth[2:], betterAuth[2:],
}
