package domain_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// banned are the imports no package below domain/ may have, each with its why. A
// path also bans what stands below it.
var banned = map[string]string{
	"os":                       "the domain does no I/O: what it needs arrives as arguments",
	"net":                      "the domain does no I/O: what it needs arrives as arguments",
	"net/http":                 "the domain knows nothing of HTTP: api decodes and renders",
	"log":                      "the domain does not log: it returns errors, the rooms above log them",
	"log/slog":                 "the domain does not log: it returns errors, the rooms above log them",
	"math/rand":                "the domain has no randomness: a replay has to come to the same state",
	"crypto/rand":              "the domain has no randomness: ids arrive as arguments",
	"database/sql":             "queries stand in projections",
	"duban/eventstore":         "imports point one way: cmd → api → projections → eventstore → domain",
	"duban/projections":        "imports point one way: cmd → api → projections → eventstore → domain",
	"duban/api":                "imports point one way: cmd → api → projections → eventstore → domain",
	"duban/cmd":                "imports point one way: cmd → api → projections → eventstore → domain",
	"duban/domain/domaintest":  "what only tests use is imported by tests only",
	"github.com/nats-io":       "only eventstore knows NATS",
	"github.com/synadia-io":    "only eventstore knows NATS",
	"github.com/labstack/echo": "the domain knows nothing of HTTP: api decodes and renders",
	"github.com/danielgtaylor": "the domain knows nothing of HTTP: api decodes and renders",
}

// calls are the functions that would make a decision depend on when or where it
// is made.
var calls = map[string]string{
	"time.Now":   "the domain has no clock: the time arrives in the Entry",
	"time.Since": "the domain has no clock: the time arrives in the Entry",
	"time.Until": "the domain has no clock: the time arrives in the Entry",
	"time.Sleep": "the domain does not wait",
	"time.Local": "days are counted in calendar.Zone, wherever the server stands",
}

// Everything below domain/ is pure, but for what tests share.
func TestPurity(t *testing.T) {
	files := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && path == "domaintest" {
			return filepath.SkipDir
		}
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		files++
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, w := range impurities(f) {
			t.Errorf("%s: %s", set.Position(w.at), w.why)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 30 {
		t.Errorf("only %d files were looked at", files)
	}
}

type impurity struct {
	at  token.Pos
	why string
}

func impurities(f *ast.File) []impurity {
	var found []impurity
	for _, im := range f.Imports {
		path, _ := strconv.Unquote(im.Path.Value)
		for ban, why := range banned {
			if path == ban || strings.HasPrefix(path, ban+"/") {
				found = append(found, impurity{im.Pos(), fmt.Sprintf("imports %s: %s", path, why)})
			}
		}
		if im.Name != nil && im.Name.Name != "_" && path == "time" {
			found = append(found, impurity{im.Pos(), "renames time: then this test can't see time.Now"})
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && calls[x.Name+"."+n.Sel.Name] != "" {
				name := x.Name + "." + n.Sel.Name
				found = append(found, impurity{n.Pos(), name + ": " + calls[name]})
			}
		case *ast.FuncDecl:
			if n.Recv == nil && n.Name.Name == "init" {
				found = append(found, impurity{n.Pos(), "func init: nothing happens by being imported; list it in vocabulary instead"})
			}
		case *ast.GoStmt:
			found = append(found, impurity{n.Pos(), "a goroutine: the domain decides in one go"})
		}
		return true
	})
	return found
}

// The test can fail.
func TestPurityFindsImpurities(t *testing.T) {
	for _, src := range []string{
		`import "os"`, `import _ "net/http/httptest"`, `import "math/rand/v2"`, `import "log/slog"`, `import "duban/eventstore"`,
		`import "github.com/nats-io/nats.go/jetstream"`, `import . "time"`, "import clock \"time\"",
		"import \"time\"\nvar now = time.Now", "func init() {}", "func f() { go f() }",
	} {
		f, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\n"+src, 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(impurities(f)) == 0 {
			t.Errorf("nothing found in %q", src)
		}
	}
	f, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\nimport (\"time\"\n\"duban/domain/calendar\"\n\"network\")\nfunc (s S) init() time.Time { return s.Now }", 0)
	if err != nil {
		t.Fatal(err)
	}
	if found := impurities(f); len(found) > 0 {
		t.Errorf("found %v in what is pure", found)
	}
}
