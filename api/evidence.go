package api

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"duban/domain"
)

type evidenceInput struct {
	SHA256 string `path:"sha256" pattern:"^[0-9a-f]{64}$" doc:"小写十六进制 SHA-256"`
}

func (s *Server) evidence() {
	// The upload is a plain handler: its body is streamed to the store and never
	// held in memory, which typed operations can't do.
	s.echo.PUT(apiPrefix+"/evidence", s.putEvidence)
	s.api.OpenAPI().AddOperation(&huma.Operation{
		Method: http.MethodPut, Path: "/evidence", OperationID: "put-evidence", Tags: []string{"证据"}, Summary: "上传证据（任何类型，流式）",
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
		}},
		Responses: map[string]*huma.Response{
			"201": {Description: "已保存", Content: map[string]*huma.MediaType{"application/json": {Schema: s.schema(domain.Evidence{})}}},
		},
	})
	register(s, huma.Operation{Method: http.MethodGet, Path: "/evidence/{sha256}", OperationID: "get-evidence", Tags: []string{"证据"}, Summary: "下载证据"},
		func(ctx context.Context, in *evidenceInput) (*huma.StreamResponse, error) {
			return s.stream(ctx, in.SHA256, func(stored string) string { return stored })
		})
}

func (s *Server) putEvidence(c echo.Context) error {
	ctx := c.Request().Context()
	if err := requireRole(ctx, domain.RoleSafetyOffice, domain.RoleOffice, domain.RoleInspector); err != nil {
		return err
	}
	media := c.Request().Header.Get(echo.HeaderContentType)
	if media == "" {
		media = "application/octet-stream"
	}
	if _, _, err := mime.ParseMediaType(media); err != nil {
		return newProblem(http.StatusUnsupportedMediaType, "media-type", "Content-Type 无法识别 / the Content-Type can't be read")
	}
	if c.Request().ContentLength > s.MaxEvidence {
		return newProblem(http.StatusRequestEntityTooLarge, "evidence-too-large",
			fmt.Sprintf("证据超过 %d 字节 / the evidence is larger than %d bytes", s.MaxEvidence, s.MaxEvidence))
	}
	ev, err := s.Store.PutEvidence(ctx, c.Request().Body, media, s.MaxEvidence)
	if err != nil {
		return fmt.Errorf("store evidence: %w", err)
	}
	if ev.Size == 0 {
		return domain.Invalid("evidence.empty", "", "证据文件是空的", "the evidence is empty")
	}
	c.Response().Header().Set(echo.HeaderLocation, apiPrefix+"/evidence/"+ev.SHA256)
	return c.JSON(http.StatusCreated, ev)
}

// stream answers with stored bytes, as the media type that mediaType makes of the
// stored one. Whatever they are, a browser is told to save
// them, so that no uploaded page runs under the ledger's address.
func (s *Server) stream(ctx context.Context, sha256 string, mediaType func(string) string) (*huma.StreamResponse, error) {
	// The request's own context ends with the handler; the bytes flow after it.
	ctx = context.WithoutCancel(ctx)
	r, ev, err := s.Store.OpenEvidence(ctx, sha256)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer r.Close()
		hc.SetHeader("Content-Type", mediaType(ev.MediaType))
		hc.SetHeader("Content-Length", strconv.FormatInt(ev.Size, 10))
		hc.SetHeader("Content-Disposition", `attachment; filename="`+sha256+`"`)
		hc.SetHeader("ETag", `"`+sha256+`"`)
		if _, err := io.Copy(hc.BodyWriter(), r); err != nil {
			s.Logger.WarnContext(hc.Context(), "evidence not sent whole", slog.String("sha256", sha256), slog.Any("error", err))
		}
	}}, nil
}
