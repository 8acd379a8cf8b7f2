package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"duban/projections"
)

var officeRef = regexp.MustCompile(`office/([0-9A-HJKMNP-TV-Z]{26})`)

// explain returns a line for every office that a refusal names by its id only: its
// name, and what became of it. It is the help of last resort and never fails.
func (a *app) explain(ctx context.Context, err error) string {
	var p problemError
	if !errors.As(err, &p) {
		return ""
	}
	c, cerr := a.client()
	if cerr != nil {
		return ""
	}
	var lines, seen []string
	for _, m := range officeRef.FindAllStringSubmatch(p.p.Detail, -1) {
		if slices.Contains(seen, m[1]) {
			continue
		}
		seen = append(seen, m[1])
		var o projections.OfficeView
		if c.get(ctx, "offices/"+url.PathEscape(m[1]), nil, &o) != nil || o.Name == "" || strings.Contains(p.p.Detail, o.Name) {
			continue
		}
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("其中 / here %s：%s %s", m[0], o.Name, whereTo(o))))
	}
	return strings.Join(lines, "\n")
}
