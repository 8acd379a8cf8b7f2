package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"duban/api/forms"
	"duban/api/workbook"
	"duban/domain"
	"duban/domain/calendar"
	"duban/projections"
)

// A sheetForm is a table that can be brought back.
type sheetForm struct {
	name  string // path segment
	table workbook.Table
	// plan makes a plan of what came back, on what the view shows.
	plan func(ctx context.Context, v *projections.View, in forms.Returned, t forms.Terms) (forms.Plan, histories, error)
}

// sheetForms are the tables, those that are not the ledger's own as p says.
func (s *Server) sheetForms(p SheetParams) []sheetForm {
	return []sheetForm{
		{"progress", forms.Progress(), s.planProgress},
		{"rectification", forms.Rectification(), s.planRectification},
		{"bulk", forms.BulkEntry(), planBulk},
		{hazardForm, forms.HazardRegister(), s.hazardPlan(p.HazardParams)},
	}
}

func (s *Server) sheetForm(name string, p SheetParams) (sheetForm, error) {
	var names []string
	for _, f := range s.sheetForms(p) {
		if f.name == name {
			if name != hazardForm && p.HazardParams != (HazardParams{}) {
				return f, domain.Invalid("form.parameter", "",
					"督办处室、判定依据、地点、类型对照、批示只用于隐患台账（"+hazardForm+"）", "supervising_office, criterion, place, categories and the approval are for "+hazardForm+" only")
			}
			var err error
			f.table, err = withHeaders(f.table, p.Map)
			return f, err
		}
		names = append(names, f.name)
	}
	return sheetForm{}, newProblem(http.StatusNotFound, "not-found",
		"没有这种表，可用："+strings.Join(names, "、")+" / there is no such form, take one of "+strings.Join(names, ", "))
}

// FormName says which table it is.
type FormName struct {
	Form string `path:"form" doc:"表式：progress 进展汇总表、rectification 问题整改清单、bulk 批量录入、hazards 他人的隐患台账"`
}

// SheetParams say how a sheet came in.
type SheetParams struct {
	FormName
	OnBehalfOf  string            `query:"on_behalf_of" doc:"代录：为哪个处室录入，编号或名称；缺省为每一行的处室"`
	ReceivedVia oneOf[domain.Via] `query:"received_via" doc:"收到方式"`
	ReceivedOn  string            `query:"received_on" doc:"收到日期 YYYY-MM-DD；行内没有日期的事项也按此日期"`
	Name        string            `query:"name" maxLength:"200" doc:"文件名，随证据入账"`
	Map         string            `query:"map" maxLength:"4000" doc:"表头对照，文件的表头:本表的表头，多项用逗号隔开"`
	ContentType string            `header:"Content-Type"`
	HazardParams
}

type sheetInput struct {
	SheetParams
	RawBody []byte `contentType:"application/octet-stream"`
}

type sheetPreviewInput struct {
	SheetParams
	Format  string `query:"format" enum:"json,xlsx" default:"json" doc:"json 逐行结果；xlsx 只含被退回的行及原因，改好后可再导入"`
	RawBody []byte `contentType:"application/octet-stream"`
}

const tagImports = "导入"

// sheets adds the routes by which tables come back.
func (s *Server) sheets() {
	maxBytes := workbook.DefaultLimits().Bytes + 1
	register(s, huma.Operation{Method: http.MethodGet, Path: "/imports/{form}/template", OperationID: "get-import-template", Tags: []string{tagImports},
		Summary: "空白表格和填写说明（.xlsx）"}, s.template)
	preview := huma.Operation{Method: http.MethodPost, Path: "/imports/{form}/preview", OperationID: "preview-import", Tags: []string{tagImports},
		Summary: "试读收回的表格（.xlsx、.csv）：逐行结果、差异、原因；不写入任何内容", MaxBodyBytes: maxBytes, SkipValidateBody: true, DefaultStatus: http.StatusOK}
	registerWithin(s, preview, bookTimeout, s.previewSheet)
	registerWithin(s, huma.Operation{Method: http.MethodPost, Path: "/imports/{form}", OperationID: "import-sheet", Tags: []string{tagImports},
		Summary: "导入收回的表格：每个接受的行是一个命令；退回的行不影响其他行", MaxBodyBytes: maxBytes, SkipValidateBody: true, DefaultStatus: http.StatusOK}, bookTimeout, s.importSheet)
	binary := &huma.Schema{Type: huma.TypeString, Format: "binary"}
	paths := s.api.OpenAPI().Paths
	paths["/imports/{form}/template"].Get.Responses["200"] = &huma.Response{Description: http.StatusText(http.StatusOK), Content: map[string]*huma.MediaType{mediaXLSX: {Schema: binary}}}
	paths[preview.Path].Post.Responses["200"] = &huma.Response{Description: http.StatusText(http.StatusOK), Content: map[string]*huma.MediaType{
		"application/json": {Schema: s.schema(ImportView{})}, mediaXLSX: {Schema: binary},
	}}
}

func (s *Server) template(_ context.Context, in *FormName) (*huma.StreamResponse, error) {
	f, err := s.sheetForm(in.Form, SheetParams{})
	if err != nil {
		return nil, err
	}
	return s.download(f.table.Name+"（空白）", formatXLSX, func(w io.Writer) error {
		return s.writeBook(w, f.table.Name, projections.Cutoff{}, forms.Form(f.table)...)
	})
}

func (s *Server) previewSheet(ctx context.Context, in *sheetPreviewInput) (*huma.StreamResponse, error) {
	im, err := s.newSheetImport(ctx, in.SheetParams, in.RawBody)
	if err != nil {
		return nil, err
	}
	out, err := im.run(ctx, im.try)
	if err != nil {
		return nil, err
	}
	if in.Format == formatJSON {
		out.Preview = true
		return jsonAnswer(out), nil
	}
	return s.download(im.form.table.Name+"（退回）", formatXLSX, func(w io.Writer) error {
		return s.writeBook(w, im.form.table.Name, projections.Cutoff{}, im.rejected())
	})
}

func (s *Server) importSheet(ctx context.Context, in *sheetInput) (*body[ImportView], error) {
	im, err := s.newSheetImport(ctx, in.SheetParams, in.RawBody)
	if err != nil {
		return nil, err
	}
	if im.terms.Sheet, err = s.Store.PutEvidence(ctx, bytes.NewReader(in.RawBody), im.terms.Sheet.MediaType, int64(len(in.RawBody))); err != nil {
		return nil, fmt.Errorf("store the sheet: %w", err)
	}
	im.terms.Sheet.Name = in.Name
	out, err := im.run(ctx, im.record)
	if err != nil {
		return nil, err
	}
	return &body[ImportView]{Sequence: fmt.Sprint(out.Sequence), Body: out}, nil
}

// newSheetImport reads a sheet and how it came in.
func (s *Server) newSheetImport(ctx context.Context, in SheetParams, file []byte) (*sheetImport, error) {
	if err := requireRole(ctx, domain.RoleSafetyOffice, domain.RoleOffice, domain.RoleInspector); err != nil {
		return nil, err
	}
	f, err := s.sheetForm(in.Form, in)
	if err != nil {
		return nil, err
	}
	reading, err := workbook.Read(file, f.table, workbook.Limits{})
	if err != nil {
		return nil, err
	}
	im := &sheetImport{server: s, form: f, caller: callerOf(ctx), now: s.Clock(), in: forms.Returned{Table: f.table, Reading: reading}}
	digest := sha256.Sum256(file)
	media := mediaXLSX
	if reading.Sheet == "" {
		media = mediaCSV
	}
	im.terms = forms.Terms{By: im.caller, Today: calendar.On(im.now), Sheet: domain.Evidence{
		SHA256: hex.EncodeToString(digest[:]), Size: int64(len(file)), MediaType: media, Name: in.Name,
	}}
	if in.ReceivedOn != "" {
		if im.terms.ReceivedOn, err = calendar.ParseDate(in.ReceivedOn); err != nil {
			return nil, &projections.QueryError{Field: "received_on", Err: err}
		}
	}
	if in.ReceivedVia != "" {
		if err := im.terms.ReceivedVia.UnmarshalText([]byte(in.ReceivedVia)); err != nil {
			return nil, &projections.QueryError{Field: "received_via", Err: err}
		}
	}
	im.behalf = in.OnBehalfOf
	return im, nil
}
