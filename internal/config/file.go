package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	defaultFile = "gatehouse.yaml"
	maxFile     = 1 << 20
)

// readFile returns the settings of the YAML file by key. The file may be named
// by --config or GATEHOUSE_CONFIG, and then must be there.
func (l *loader) readFile(named string) map[string]found {
	name := named
	if name == "" {
		name = defaultFile
	}
	data, err := readLimited(l.path(name), maxFile)
	if named == "" && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		l.problem("%s cannot be read: %s. Check the path and its permissions.", name, reason(err))
		return nil
	}
	root, err := parseYAML(data)
	if err != nil {
		l.problem("%s is not understood: %s.", name, err)
		return nil
	}
	y := yamlFile{loader: l, name: name, values: make(map[string]found)}
	if root != nil {
		y.mapping(root, "")
	}
	return y.values
}

// parseYAML returns the one mapping of the document, or nil when it is empty.
func parseYAML(data []byte) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document, more yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, harmless(err)
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, errors.New("it holds more than one document")
	}
	root := document.Content[0]
	switch {
	case root.Kind == yaml.ScalarNode && root.Tag == "!!null":
		return nil, nil
	case root.Kind != yaml.MappingNode:
		return nil, errors.New("it must be a mapping such as 'listen: {host: 127.0.0.1}'")
	}
	return root, nil
}

var yamlLine = regexp.MustCompile(`line \d+`)

// harmless keeps the place of a syntax error and drops its words when they
// could quote the file: an unquoted secret may begin with '*' or '!'.
func harmless(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if strings.Contains(text, "anchor") || strings.Contains(text, "tag") {
		where := yamlLine.FindString(text)
		return errors.New(strings.TrimSpace(where + " a value that begins with '*', '&' or '!' must be quoted"))
	}
	return errors.New(text)
}

// yamlFile walks one file.
type yamlFile struct {
	*loader
	name   string
	values map[string]found
}

func (y yamlFile) mapping(node *yaml.Node, prefix string) {
	seen := make(map[string]bool)
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, value := node.Content[i], node.Content[i+1]
		key := prefix + name.Value
		if name.Kind != yaml.ScalarNode || name.Tag == "!!merge" {
			y.problem("%s line %d: a key must be a plain word.", y.name, name.Line)
			continue
		}
		if seen[key] {
			y.problem("%s line %d: %s is there twice. Remove one.", y.name, name.Line, key)
			continue
		}
		seen[key] = true
		y.entry(key, value)
	}
}

func (y yamlFile) entry(key string, node *yaml.Node) {
	setting, known := y.setting(key)
	switch {
	case known && y.values[key].source != "": // once nested and once dotted
		y.problem("%s line %d: %s is there twice. Remove one.", y.name, node.Line, key)
	case known:
		if text, err := scalar(setting, node); err != nil {
			y.problem("%s in %s: %s.", key, y.name, err)
			y.failed[key] = true
		} else {
			y.values[key] = found{raw: text, source: "file " + y.name}
		}
	case y.isGroup(key) && node.Kind == yaml.MappingNode:
		y.mapping(node, key+".")
	case y.isGroup(key):
		y.problem("%s in %s is a group of settings, not a setting: put its settings below it, indented.", key, y.name)
	default:
		y.problem("%s in %s is not a setting%s", key, y.name, suggest(key, append(y.keys(), y.groups()...)))
	}
}

// scalar returns the text of a value as it was written, so that the settings'
// own types decide what it means, not YAML's.
func scalar(s Setting, node *yaml.Node) (string, error) {
	switch {
	case node.Kind == yaml.AliasNode || node.Anchor != "":
		return "", errors.New("anchors and aliases are not supported")
	case node.Kind == yaml.SequenceNode && s.Type == TypeList:
		items := make([]string, 0, len(node.Content))
		for _, item := range node.Content {
			if item.Kind != yaml.ScalarNode {
				return "", errors.New("each item must be a plain value")
			}
			items = append(items, item.Value)
		}
		return strings.Join(items, ","), nil
	case node.Kind != yaml.ScalarNode:
		return "", fmt.Errorf("it must be a single value of type %s", s.Type)
	case node.Tag == "!!null":
		return "", errors.New(`it has no value: write one, or "" for an empty one, or remove the line`)
	}
	return node.Value, nil
}

// path resolves a file name against the directory of the options.
func (l *loader) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(l.dir, name)
}

// readLimited reads a whole file, but not an endless one.
func readLimited(path string, limit int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(data)) > limit {
		return nil, fmt.Errorf("it is larger than %d KiB", limit>>10)
	}
	return data, err
}

// reason drops the path from a file error, because the message names the file
// as the operator wrote it.
func reason(err error) string {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err.Error()
	}
	return err.Error()
}
