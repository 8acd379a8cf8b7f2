package api

import (
	"maps"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"duban/domain/notice"
	"duban/projections"
)

// schemaName names a type in the document. The aggregates' packages use the same
// short names (task.Corrected, finding.Corrected), so theirs carry the package, as
// do those of the rooms below this one.
func schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	for _, room := range []string{"duban/domain/", "duban/api/"} {
		if pkg, ok := strings.CutPrefix(t.PkgPath(), room); ok && t.Name() != "" {
			return strings.ToUpper(pkg[:1]) + pkg[1:] + t.Name()
		}
	}
	return huma.DefaultSchemaNamer(t, hint)
}

// schemaPrefix stands before a schema's name where another one refers to it.
const schemaPrefix = "#/components/schemas/"

// schema returns the OpenAPI schema of a type, registered under its name.
func (s *Server) schema(v any) *huma.Schema {
	return s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeOf(v), true, "")
}

// operations returns a path's operations by method.
func operations(item *huma.PathItem) map[string]*huma.Operation {
	all := map[string]*huma.Operation{
		http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put, http.MethodDelete: item.Delete,
	}
	maps.DeleteFunc(all, func(_ string, op *huma.Operation) bool { return op == nil })
	return all
}

// describe completes the OpenAPI document where operations could not: what
// plain handlers take, and what a notice may come as.
func (s *Server) describe() {
	doc := s.api.OpenAPI()
	problems := &huma.Response{Description: "错误 / error", Content: map[string]*huma.MediaType{problemType: {Schema: s.schema(Problem{})}}}
	for _, item := range doc.Paths {
		for _, op := range operations(item) {
			op.Responses["default"] = problems
		}
	}
	for _, path := range []string{"/directives", "/directives/preview"} {
		content := doc.Paths[path].Post.RequestBody.Content
		content["application/json"] = &huma.MediaType{Schema: s.schema(notice.Draft{})}
		content["application/vnd.openxmlformats-officedocument.wordprocessingml.document"] =
			&huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
	}
	s.describeTable(reportsPath, projections.ReportPage{})
	s.describeTable(rectificationPath, projections.Page[projections.FindingView]{})
	doc.Paths[registerPath].Get.Responses["200"] = &huma.Response{Description: http.StatusText(http.StatusOK), Content: map[string]*huma.MediaType{
		mediaXLSX: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
	}}
	for _, path := range []string{"/directives/{id}/source", "/evidence/{sha256}"} {
		doc.Paths[path].Get.Responses["200"] = &huma.Response{Description: http.StatusText(http.StatusOK), Content: map[string]*huma.MediaType{
			"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
		}}
	}
	completeSchemas(doc.Components.Schemas)
}
