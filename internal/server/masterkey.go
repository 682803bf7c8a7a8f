package server

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/internal/secret"
)

const masterKeyFile = "master.key"

// masterKey returns the key that everything sealed depends on: from the
// settings, or from the data folder, where it is made at the first start. It is
// never made anew beside a database that exists: that one needs the old key.
func masterKey(c *config.Config) ([]byte, error) {
	key, err := existingMasterKey(c)
	if !errors.Is(err, os.ErrNotExist) {
		return key, err
	}
	file := masterKeyPath(c)
	if database := c.Database(); database.Engine == config.EngineSQLite {
		if _, err := os.Stat(database.Path); err == nil {
			// Or another process made both since we looked.
			if key, err := existingMasterKey(c); !errors.Is(err, os.ErrNotExist) {
				return key, err
			}
			return nil, fmt.Errorf("%s is missing, but the database %s exists and was sealed with it. Put the file back, or set GATEHOUSE_MASTER_KEY", file, database.Path)
		}
	}
	return makeMasterKey(file)
}

// existingMasterKey returns os.ErrNotExist when there is none yet.
func existingMasterKey(c *config.Config) ([]byte, error) {
	if key := c.MasterKey(); key != nil {
		return key, nil
	}
	file := masterKeyPath(c)
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("cannot read the master key: %w", err)
	}
	return parseMasterKey(file, text)
}

func masterKeyPath(c *config.Config) string {
	return filepath.Join(c.String("data.dir"), masterKeyFile)
}

func parseMasterKey(file string, text []byte) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != secret.MasterKeySize {
		return nil, fmt.Errorf("%s does not hold a master key (32 bytes in base64). Restore it from a backup", file)
	}
	return key, nil
}

// makeMasterKey writes a new key completely or not at all, and leaves the key of
// another process that is faster in place.
func makeMasterKey(file string) ([]byte, error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the data folder: %w", err)
	}
	key := secret.Bytes(secret.MasterKeySize)
	temporary, err := os.CreateTemp(filepath.Dir(file), masterKeyFile+".*") // 0600
	if err != nil {
		return nil, fmt.Errorf("cannot write the master key: %w", err)
	}
	defer os.Remove(temporary.Name())
	_, err = temporary.WriteString(base64.StdEncoding.EncodeToString(key) + "\n")
	if err = errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return nil, fmt.Errorf("cannot write the master key: %w", err)
	}
	if err := os.Link(temporary.Name(), file); errors.Is(err, os.ErrExist) {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("cannot read the master key: %w", err)
		}
		return parseMasterKey(file, text)
	} else if err != nil {
		return nil, fmt.Errorf("cannot write the master key: %w", err)
	}
	return key, nil
}
