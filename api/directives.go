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
	"duban/domain/task"
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
	Status string `query:"status" enum:"in_force,voided"`
	PageParams
}

type directiveInput struct {
	ID string `path:"id" doc:"编号"`
}

const tagDirectives = "文件"

func (s *Server) directives() {
	s.commands(resource{
		kind: domain.KindDirective, plural: "directives", chinese: tagDirectives, acts: directive.LaterActs(),
		decide: func(history []domain.Event, c domain.Command) ([]domain.Event, error) {
			return directive.Decide(domain.Fold(history, directive.Evolve), c)
		},
		follow: s.voidTasks,
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
		func(ctx context.Context, in *directiveInput) (*huma.StreamResponse, error) {
			v, _, err := s.view(ctx, CutParams{})
			if err != nil {
				return nil, err
			}
			defer v.Close()
			d, err := v.Directive(ctx, in.ID)
			if err != nil {
				return nil, err
			}
			return s.stream(ctx, d.SourceSHA256)
		})
	s.historyRoute("directives", tagDirectives, domain.KindDirective)
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

// voidTasks voids the tasks of a directive that is voided, and frees its number.
// No share may have been acted on; the append expects every task to be as read.
func (s *Server) voidTasks(u *unit, c domain.Command) error {
	if _, void := c.Ask.(*directive.Voided); !void {
		return nil
	}
	history, err := u.history(c.Subject)
	if err != nil {
		return err
	}
	d := domain.Fold(history, directive.Evolve)
	if err := s.reach(u.ctx, s.Store.Acked()); err != nil {
		return err
	}
	v, err := s.Model.At(u.ctx, projections.AsOf{})
	if err != nil {
		return err
	}
	defer v.Close()
	listed, err := v.Directive(u.ctx, c.Subject.ID)
	if err != nil {
		return err
	}
	for _, clause := range listed.Clauses {
		if clause.Task == "" {
			continue
		}
		ref := domain.Ref{Kind: domain.KindTask, ID: clause.Task}
		err := u.decide(ref, func(h []domain.Event) ([]domain.Event, error) {
			t := task.Replay(h)
			if t.Acted() {
				return nil, domain.Illegal("directive.voided.acted",
					fmt.Sprintf("第%d项已有处室办理，文件不能撤销登记；可逐项撤销任务", clause.Number),
					fmt.Sprintf("clause %d has been acted on: the directive can't be voided; cancel its tasks instead", clause.Number))
			}
			ask := &task.Voided{Reason: d.VoidReason}
			return task.Decide(t, domain.Command{Entry: c.Entry, Subject: ref, Ask: ask})
		})
		if err != nil {
			return err
		}
	}
	kind, text := identity(d.DocumentNumber, d.TextSHA256)
	return releaseName(u, c.Entry, kind, text, "撤销登记")
}

// identity is the unique name a directive is known by: its number, or the
// digest of its text when it has none.
func identity(number, textSHA256 string) (name.Kind, string) {
	if number != "" {
		return name.KindDocumentNumber, number
	}
	return name.KindNoticeText, textSHA256
}
