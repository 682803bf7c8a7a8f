// Command vectors writes the test vectors that the SDKs of every language share,
// into sdk/vectors. It knows nothing of the SDK: what it writes is what an SDK
// must do, not what this one does.
//
//	go run ./internal/vectors [folder]
//
// Every run writes the same bytes: keys are made from their names, and signatures
// take no random numbers.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	folder := filepath.Join("..", "vectors")
	if len(os.Args) > 1 {
		folder = os.Args[1]
	}
	for name, content := range files() {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o644); err != nil {
			fmt.Fprintln(os.Stderr, "vectors:", err)
			os.Exit(1)
		}
	}
}

func files() map[string][]byte {
	return map[string][]byte{
		"tokens.json":       written(tokens()),
		"credentials.json":  written(credentials()),
		"api_keys.json":     written(apiKeys()),
		"row_security.json": written(rowSecurity()),
	}
}

func written(value any) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		panic(err)
	}
	return out.Bytes()
}
