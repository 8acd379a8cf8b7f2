// Package page holds the page of a dossier: one file without outside references
// that opens from disk, takes the ZIP the reader picks, verifies it in the browser
// with the same checks as dossier.Verify, and shows what is inside.
//
// The file is put together from the sources beside this one: a frame, a style sheet
// and scripts that share one scope. Its Content-Security-Policy allows nothing but
// exactly that style sheet and that script: no network, no frames, no other code.
// What comes from a dossier goes into the page as text only.
package page

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"strings"

	"duban/domain/vocabulary"
)

//go:embed page.html page.css words.json *.js
var sources embed.FS

// scripts returns the sources in the order of their dependence.
func scripts() []string {
	return []string{"bytes.js", "zip.js", "note.js", "tree.js", "format.js", "verify.js", "reading.js", "book.js", "search.js", "view.js", "main.js"}
}

// HTML is the page as it goes into every dossier: the same bytes at every call.
func HTML() []byte {
	script := "\n(() => {\n\"use strict\";\nconst WORDS = " + strings.TrimSpace(source("words.json")) + ";\nWORDS.types = " + types() + ";\n"
	for _, name := range scripts() {
		script += "\n" + source(name)
	}
	script += "})();\n"
	style := "\n" + source("page.css")
	return []byte(strings.NewReplacer(
		"STYLE-HASH", digest(style), "SCRIPT-HASH", digest(script),
		"<style>STYLE</style>", "<style>"+style+"</style>", "<script>SCRIPT</script>", "<script>"+script+"</script>",
	).Replace(source("page.html")))
}

// types is what people call the events, as a JSON object in a fixed order.
func types() string {
	b, err := json.Marshal(vocabulary.Words())
	if err != nil {
		panic(err) // strings
	}
	return string(b)
}

// digest is the hash of a script or style sheet as the policy names it.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func source(name string) string {
	b, err := sources.ReadFile(name)
	if err != nil {
		panic(err) // it is built in
	}
	return string(b)
}
