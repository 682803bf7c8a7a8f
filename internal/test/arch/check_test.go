package arch

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

const module = "github.com/gatehouse/gatehouse"

// check returns what is wrong with the Go files of a tree, a line each.
func check(tree fs.FS) (problems []string, err error) {
	err = fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return skip(tree, name)
		case path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		source, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		found, err := checkFile(name, source)
		problems = append(problems, found...)
		return err
	})
	return problems, err
}

// skip passes over what is not ours to check: hidden folders, test data, other modules.
func skip(tree fs.FS, folder string) error {
	base := path.Base(folder)
	_, err := fs.Stat(tree, path.Join(folder, "go.mod"))
	if folder != "." && (err == nil || base == "testdata" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_")) {
		return fs.SkipDir
	}
	return nil
}

// file is one file under examination. Build tags do not matter: every variant counts.
type file struct {
	name     string // as in floors: "store/tx.go"
	pkg      string // "store"
	source   *token.FileSet
	problems []string
}

func checkFile(name string, source []byte) ([]string, error) {
	f := &file{name: short(name), pkg: path.Dir(short(name)), source: token.NewFileSet()}
	tree, err := parser.ParseFile(f.source, name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	if floorOf(f.pkg) == 0 {
		f.report(tree.Name.Pos(), "package %s has no floor: write it down in internal/test/arch/floors_test.go", f.pkg)
	}
	if lines := bytes.Count(source, []byte("\n")); lines > maxFileLines {
		f.report(tree.Pos(), "the file has %d lines, more than %d: what it does is two things", lines, maxFileLines)
	}
	imports := map[string]string{} // by the name they have in this file
	for _, spec := range tree.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value)
		imports[localName(spec, imported)] = imported
		f.checkImport(spec.Pos(), imported)
	}
	ast.Inspect(tree, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.FuncDecl:
			f.checkFunction(node)
		case *ast.SelectorExpr:
			if x, ok := node.X.(*ast.Ident); ok && imports[x.Name] != "" {
				f.checkUse(node.Pos(), imports[x.Name]+"."+node.Sel.Name)
			}
		}
		return true
	})
	return f.problems, nil
}

func (f *file) checkImport(at token.Pos, imported string) {
	if ours, ok := strings.CutPrefix(imported, module+"/"); ok {
		imported = short(ours)
		mine, theirs := floorOf(f.pkg), floorOf(imported)
		bothTests := matches(tests, f.pkg) && matches(tests, imported)
		if theirs >= mine && mine > 0 && path.Dir(f.pkg) != imported && !bothTests {
			f.report(at, "%s (floor %d) imports %s (floor %d): a package imports floors below its own, and its parent",
				f.pkg, mine, imported, theirs)
		}
	}
	for _, r := range rules {
		if matchesAny(r.imports, imported) && r.appliesTo(f) {
			f.report(at, "%s imports %s: %s", f.name, imported, r.why)
		}
	}
}

func (f *file) checkUse(at token.Pos, used string) {
	for _, r := range rules {
		if slices.Contains(r.uses, used) && r.appliesTo(f) {
			f.report(at, "%s uses %s: %s", f.name, used, r.why)
		}
	}
}

func (f *file) checkFunction(function *ast.FuncDecl) {
	name := function.Name.Name
	if name == "init" && function.Recv == nil {
		f.report(function.Pos(), "%s has an init: nothing happens by being imported; server calls what must happen", f.name)
	}
	lines := f.source.Position(function.End()).Line - f.source.Position(function.Pos()).Line + 1
	if lines > maxFunctionLines {
		f.report(function.Pos(), "%s has %d lines, more than %d: name its parts", name, lines, maxFunctionLines)
	}
}

func (f *file) report(at token.Pos, format string, args ...any) {
	position := f.source.Position(at)
	f.problems = append(f.problems, fmt.Sprintf("%s:%d: ", position.Filename, position.Line)+fmt.Sprintf(format, args...))
}

func (r rule) appliesTo(f *file) bool {
	spared := slices.ContainsFunc(r.except, func(pattern string) bool {
		byFile, _ := path.Match(pattern, f.name)
		return byFile || matches(pattern, f.pkg)
	})
	return !spared && (r.in == nil || matchesAny(r.in, f.pkg))
}

// floorOf returns the floor of a package, or 0 when nobody has written it down.
func floorOf(pkg string) (floor int) {
	longest := ""
	for i, names := range floors {
		for _, name := range names {
			if matches(name, pkg) && len(name) > len(longest) {
				floor, longest = i, name
			}
		}
	}
	return floor
}

// matches reports whether the package is the named one or, if the name ends in
// "/...", is it or beneath it.
func matches(name, pkg string) bool {
	root, beneath := strings.CutSuffix(name, "/...")
	return pkg == root || beneath && strings.HasPrefix(pkg, root+"/")
}

func matchesAny(names []string, pkg string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return matches(name, pkg) })
}

// short is how floors calls a path of this repository.
func short(name string) string { return strings.TrimPrefix(name, "internal/") }

// localName is the name of an import in its file: as given or, by custom, the
// last part of its path that is not a version.
func localName(spec *ast.ImportSpec, imported string) string {
	if spec.Name != nil {
		return spec.Name.Name
	}
	base := path.Base(imported)
	if isVersion, _ := path.Match("v[0-9]*", base); isVersion {
		base = path.Base(path.Dir(imported))
	}
	return base
}
