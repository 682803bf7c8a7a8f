package secret

// Readable is an alphabet for secrets that people read to each other: 32
// letters and digits of which no two look alike, so five bits each.
const Readable = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"

// Letters draws n characters of an alphabet, each as likely as any other. The
// alphabet has at least one and at most 256 single-byte characters.
func Letters(n int, alphabet string) Text {
	fair := 256 / len(alphabet) * len(alphabet) // a byte at or above it would favour the first characters
	drawn := make([]byte, 0, n)
	for len(drawn) < n {
		for _, b := range Bytes(n) {
			if int(b) < fair && len(drawn) < n {
				drawn = append(drawn, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return NewText(string(drawn))
}
