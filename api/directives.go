package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"duban/domain"
	"duban/domain/directive"
	"duban/domain/name"
	"duban/domain/notice"
	"duban/projections"
)

type importInput struct {
	WriteHeaders
	ContentType string `header:"Content-Type"`
	AssignedOn  string `query:"assigned_on" doc:"交办日期 YYYY-MM-DD，缺省为现在；登记旧文件时填当时的日期"`
	RawBody     []byte `contentType:"text/plain"`
}

type previewInput struct {
	ContentType string `header:"Content-Type"`
	RawBody     []byte `contentType:"text/plain"`
}

type directivesInput struct {
	CutParams
	Status string `query:"status" enum:"in_force,voided,repealed"`
	PageParams
}

type sourceInput struct {
	ID     string `path:"id" doc:"编号"`
	MinSeq uint64 `query:"min_seq" doc:"等到读模型达到该序号再回答，至多 5 秒"`
}

const tagDirectives = "文件"

func (s *Server) directives() {
	s.commands(resource{
		kind: domain.KindDirective, plural: "directives", chinese: tagDirectives, acts: directive.LaterActs(), prepare: prepareDirective,
		decide: func(history []domain.Event, c domain.Command) ([]domain.Event, error) {
			if _, ok := c.Ask.(domain.Corrector); ok {
				return directive.Correct(history, c)
			}
			return directive.Decide(directive.Replay(history), c)
		},
		follow: s.followDirective,
	})
	register(s, huma.Operation{Method: http.MethodPost, Path: "/directives/preview", OperationID: "preview-directive", Tags: []string{tagDirectives},
		Summary: "试读通知，不写入任何内容", MaxBodyBytes: s.MaxNotice, SkipValidateBody: true},
		func(_ context.Context, in *previewInput) (*body[notice.Draft], error) {
			d, err := readDraft(in.ContentType, in.RawBody)
			return &body[notice.Draft]{Body: d}, err
		})
	register(s, huma.Operation{Method: http.MethodPost, Path: "/directives", OperationID: "import-directive", Tags: []string{tagDirectives},
		Summary: "登记通知：文件、条款、处室、任务和交办一次入账", MaxBodyBytes: s.MaxNotice, SkipValidateBody: true, DefaultStatus: http.StatusCreated},
		s.importDirective)
	register(s, huma.Operation{Method: http.MethodGet, Path: "/directives", OperationID: "list-directives", Tags: []string{tagDirectives}, Summary: "文件清单"},
		func(ctx context.Context, in *directivesInput) (*body[projections.Page[projections.DirectiveView]], error) {
			v, today, err := s.view(ctx, in.CutParams)
			if err != nil {
				return nil, err
			}
			defer v.Close()
			page, err := v.Directives(ctx, projections.DirectiveQuery{Status: in.Status, Q: in.Q, Today: today, Limit: in.Limit, Cursor: in.Cursor})
			return &body[projections.Page[projections.DirectiveView]]{Body: page}, err
		})
	register(s, huma.Operation{Method: http.MethodGet, Path: "/directives/{id}", OperationID: "get-directive", Tags: []string{tagDirectives}, Summary: "一份文件及其条款"},
		func(ctx context.Context, in *oneInput) (*body[projections.DirectiveView], error) {
			v, _, err := s.view(ctx, in.CutParams)
			if err != nil {
				return nil, err
			}
			defer v.Close()
			d, err := v.Directive(ctx, in.ID)
			return record(v, d.Version, d), err
		})
	register(s, huma.Operation{Method: http.MethodGet, Path: "/directives/{id}/source", OperationID: "get-directive-source", Tags: []string{tagDirectives}, Summary: "来源文本"},
		func(ctx context.Context, in *sourceInput) (*huma.StreamResponse, error) {
			v, _, err := s.view(ctx, CutParams{MinSeq: in.MinSeq})
			if err != nil {
				return nil, err
			}
			defer v.Close()
			d, err := v.Directive(ctx, in.ID)
			if err != nil {
				return nil, err
			}
			return s.stream(ctx, d.SourceSHA256, sourceType)
		})
	s.historyRoute("directives", tagDirectives, domain.KindDirective)
}

// sourceType is what a directive's source is served as: what is kept of a .docx is
// the text that was read from it.
func sourceType(stored string) string {
	if stored == "application/json" {
		return stored // a draft
	}
	return "text/plain; charset=utf-8"
}

// readDraft reads a notice as text or .docx, or a draft that a person edited.
func readDraft(contentType string, b []byte) (notice.Draft, error) {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil && contentType != "" {
		return notice.Draft{}, newProblem(http.StatusUnsupportedMediaType, "media-type", "Content-Type 无法识别 / the Content-Type can't be read")
	}
	if media != "application/json" {
		return notice.Parse(b)
	}
	var probe json.RawMessage
	if err := unmarshalStrict(b, &probe); err != nil {
		return notice.Draft{}, newProblem(http.StatusBadRequest, "malformed", err.Error())
	}
	if probe[0] != '{' {
		return notice.Draft{}, newProblem(http.StatusUnprocessableEntity, "draft", "草稿应为 JSON 对象 / a draft is a JSON object")
	}
	var d notice.Draft
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		zh, en := inBoth(err.Error())
		return notice.Draft{}, newProblem(http.StatusUnprocessableEntity, "draft", "草稿与格式不符："+zh+" / the draft does not fit its form: "+en)
	}
	// A person may have changed a clause's words: the digest follows them.
	for i := range d.Clauses {
		d.Clauses[i].TextSHA256 = directive.TextHash(d.Clauses[i].Text)
	}
	if len(d.Clauses) == 0 {
		return notice.Draft{}, domain.Invalid("draft.clauses", "clauses",
			"草稿没有条款：clauses 缺失或为空，请从试读结果（directives/preview 或 duban import --dry-run --json）补上",
			"the draft has no clauses: copy them from the preview (directives/preview, or duban import --dry-run --json)")
	}
	d.Source, d.MediaType = string(b), "application/json"
	return d, nil
}

func (s *Server) importDirective(ctx context.Context, in *importInput) (*writeOutput, error) {
	if err := requireRole(ctx, domain.RoleSafetyOffice); err != nil {
		return nil, err
	}
	draft, err := readDraft(in.ContentType, in.RawBody)
	if err != nil {
		return nil, err
	}
	asked := append([]byte("assigned_on="+in.AssignedOn+"\n"), in.RawBody...)
	c, err := s.newCall(ctx, in.WriteHeaders, "POST directives", asked)
	if err != nil {
		return nil, err
	}
	im, err := newImport(c, draft, in.AssignedOn)
	if err != nil {
		return nil, err
	}
	source, err := s.Store.PutEvidence(ctx, bytes.NewReader([]byte(draft.Source)), draft.MediaType, int64(len(draft.Source)))
	if err != nil {
		return nil, fmt.Errorf("store the notice's text: %w", err)
	}
	im.source = source
	out, err := s.execute(ctx, c, im.target, im.plan)
	if err != nil {
		return nil, err
	}
	out.Location = apiPrefix + "/directives/" + im.target.ID
	return out, nil
}

// followCorrection claims and releases the names that a directive takes and gives up
// by a correction, in the same transaction.
func followCorrection(u *unit, c domain.Command) error {
	history, err := u.history(c.Subject)
	if err != nil {
		return err
	}
	before, after := directive.Names(history[:len(history)-len(u.added[c.Subject])]), directive.Names(history)
	for _, kind := range []name.Kind{name.KindDocumentNumber, name.KindNoticeText} {
		if name.Ref(kind, before[kind]) == name.Ref(kind, after[kind]) {
			continue
		}
		if before[kind] != "" {
			if err := releaseHeld(u, c, kind, before[kind], "更正"); err != nil {
				return err
			}
		}
		if after[kind] != "" {
			if err := claimName(u, c, kind, after[kind]); err != nil {
				return err
			}
		}
	}
	return nil
}

// releaseHeld releases a name if the command's subject holds it.
func releaseHeld(u *unit, c domain.Command, kind name.Kind, text, reason string) error {
	history, err := u.history(name.Ref(kind, text))
	if err != nil || !name.Replay(history).HeldBy(c.Subject) {
		return err
	}
	return releaseName(u, c.Entry, kind, text, reason)
}
