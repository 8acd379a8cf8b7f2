package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"

	"duban/domain"
)

var digest = regexp.MustCompile(`^[0-9a-f]{64}$`)

// attach stores the files among what --evidence named and returns what the event
// says of them. A digest names bytes that are stored already; the server knows
// their size and type.
func (a *app) attach(ctx context.Context, c *client, names []string) ([]domain.Evidence, error) {
	list := make([]domain.Evidence, len(names))
	for i, name := range names {
		if digest.MatchString(name) {
			list[i].SHA256 = name
			continue
		}
		b, err := a.readFile(name)
		if err != nil {
			return nil, fmt.Errorf("读不到证据“%s”，应为文件或已上传证据的 SHA-256 / evidence is a file or the SHA-256 of one that was uploaded: %w", name, err)
		}
		if list[i], err = c.store(ctx, b, http.DetectContentType(b)); err != nil {
			return nil, err
		}
		if name != "-" {
			list[i].Name = filepath.Base(name)
		}
	}
	return list, nil
}

// store uploads bytes; the same bytes again are the same evidence.
func (c *client) store(ctx context.Context, b []byte, media string) (domain.Evidence, error) {
	var ev domain.Evidence
	out, err := c.do(ctx, request{method: http.MethodPut, path: "evidence", body: bytes.NewReader(b), media: media})
	if err != nil {
		return ev, err
	}
	return ev, decode(out, &ev)
}

// attached is a body with the evidence that was named by file in it.
func (f *fields) attached(ctx context.Context, a *app, c *client, body map[string]json.RawMessage) error {
	for name, files := range f.files {
		list, err := a.attach(ctx, c, files)
		if err != nil {
			return err
		}
		if body[name], err = json.Marshal(list); err != nil {
			return err
		}
	}
	return nil
}

// several splits the items of one flag.
func several(v, separators string) []string {
	var out []string
	for _, s := range strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune(separators, r) }) {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}
