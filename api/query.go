package api

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"
)

// parameters are the query parameters of every route: of "GET /api/v1/tasks/:id"
// those that the OpenAPI document names.
type parameters map[string][]string

func parametersOf(doc *huma.OpenAPI) parameters {
	known := parameters{}
	inEcho := strings.NewReplacer("{", ":", "}", "")
	for path, item := range doc.Paths {
		for method, op := range operations(item) {
			names := []string{}
			for _, p := range op.Parameters {
				if p.In == "query" {
					names = append(names, p.Name)
				}
			}
			slices.Sort(names)
			known[method+" "+apiPrefix+inEcho.Replace(path)] = names
		}
	}
	return known
}

// checkQuery refuses a query that would be read otherwise than it was meant. What
// net/url can't read it leaves out without a word, a semicolon among them.
func (s *Server) checkQuery(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		known, ok := s.parameters[r.Method+" "+c.Path()]
		if !ok || r.URL.RawQuery == "" {
			return next(c)
		}
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			return malformedQuery(r.URL.RawQuery)
		}
		if err := checkParameters(query, known); err != nil {
			return err
		}
		return next(c)
	}
}

func malformedQuery(raw string) error {
	if strings.Contains(raw, ";") {
		return newProblem(http.StatusBadRequest, "malformed-query",
			"查询串含分号：参数之间用 & 分隔，值里的分号写成 %3B / the query has a semicolon: separate parameters with &, write a semicolon in a value as %3B")
	}
	return newProblem(http.StatusBadRequest, "malformed-query",
		"查询串的 % 转义有误：% 后应为两位十六进制，% 本身写成 %25 / the query has a broken escape: % is followed by two hex digits, a % itself is written %25")
}

func checkParameters(query url.Values, known []string) error {
	var unknown, twice []explained
	for _, name := range slices.Sorted(maps.Keys(query)) {
		at := "query." + strings.ToValidUTF8(name, "�")
		switch {
		case !slices.Contains(known, name) && len(known) == 0:
			unknown = append(unknown, explained{at, "没有这个参数，这个地址不带参数", "there is no such parameter: there are none here"})
		case !slices.Contains(known, name):
			unknown = append(unknown, explained{at, "没有这个参数，可用：" + strings.Join(known, "、"), "there is no such parameter, use one of " + strings.Join(known, ", ")})
		case len(query[name]) > 1:
			twice = append(twice, explained{at, "写了不止一次，请只写一次", "is given more than once: give it once"})
		}
	}
	all, status, kind := unknown, http.StatusUnprocessableEntity, "query"
	if len(all) == 0 {
		all, status, kind = twice, http.StatusBadRequest, "malformed-query"
	}
	if len(all) == 0 {
		return nil
	}
	p := newProblem(status, kind, joined("请求不合要求", "the request is not valid", all))
	for _, x := range all {
		p.Errors = append(p.Errors, x.fault())
	}
	return p
}
