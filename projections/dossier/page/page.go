// Package page holds the page of a dossier: one file without outside references
// that opens from disk, takes the ZIP the reader picks, shows it and verifies it in
// the browser.
package page

import _ "embed" // the page

//go:embed index.html
var html string

// HTML is the page as it goes into every dossier.
func HTML() []byte { return []byte(html) }
