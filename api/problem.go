package api

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"duban/api/workbook"
	"duban/domain"
	"duban/domain/notice"
	"duban/eventstore"
	"duban/projections"
	"duban/projections/seal"
	"duban/projections/tree"
)

// A Problem is an error as clients see it: RFC 9457, with the rule that refused
// and what is allowed instead.
type Problem struct {
	Type    string   `json:"type" doc:"错误类别，urn:duban:problem:…"`
	Title   string   `json:"title"`
	Status  int      `json:"status"`
	Detail  string   `json:"detail" doc:"哪里不对、应当怎样做；先中文后英文"`
	Rule    string   `json:"rule,omitempty" doc:"作出拒绝的规则"`
	Allowed []string `json:"allowed,omitempty" doc:"现在可以办理的命令"`
	Errors  []Fault  `json:"errors,omitempty" doc:"逐项错误"`
	header  http.Header
}

// A Fault is one field's error.
type Fault struct {
	Location string `json:"location,omitempty" doc:"body.reason, query.limit …"`
	Message  string `json:"message"`
}

func (p *Problem) Error() string { return p.Detail }

// GetStatus is how huma learns the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders is how huma learns of further headers.
func (p *Problem) GetHeaders() http.Header { return p.header }

// ContentType is how huma learns the media type of RFC 9457.
func (p *Problem) ContentType(string) string { return problemType }

const problemType = "application/problem+json"

func newProblem(status int, kind, detail string) *Problem {
	return &Problem{Type: "urn:duban:problem:" + kind, Title: http.StatusText(status), Status: status, Detail: detail}
}

// errorTable is the one place where errors become HTTP statuses. Its order
// matters only where one error is two of these.
var errorTable = []struct {
	err    error
	status int
	kind   string
	retry  string // Retry-After in seconds
}{
	{eventstore.ErrConflict, http.StatusConflict, "conflict", ""},
	{eventstore.ErrNoCredential, http.StatusUnauthorized, "unauthorized", ""},
	{eventstore.ErrTooLarge, http.StatusRequestEntityTooLarge, "event-too-large", ""},
	{eventstore.ErrEvidenceTooLarge, http.StatusRequestEntityTooLarge, "evidence-too-large", ""},
	{eventstore.ErrTooManyEvents, http.StatusUnprocessableEntity, "too-many-events", ""},
	{eventstore.ErrNoEvidence, http.StatusNotFound, "no-evidence", ""},
	{eventstore.ErrEvidenceWithdrawn, http.StatusGone, "evidence-withdrawn", ""},
	{eventstore.ErrNoEvent, http.StatusNotFound, "no-event", ""},
	{eventstore.ErrNotOdd, http.StatusConflict, "not-odd", ""},
	{eventstore.ErrDrift, http.StatusServiceUnavailable, "drift", ""},
	{eventstore.ErrGap, http.StatusServiceUnavailable, "gap", ""},
	{eventstore.ErrMismatch, http.StatusServiceUnavailable, "mismatch", ""},
	{eventstore.ErrNoHead, http.StatusNotFound, "no-head", ""},
	{eventstore.ErrUndecodable, http.StatusServiceUnavailable, "undecodable", ""},
	{eventstore.ErrClockBehind, http.StatusServiceUnavailable, "clock", "2"},
	{eventstore.ErrOverloaded, http.StatusServiceUnavailable, "overloaded", "1"},
	{eventstore.ErrUnavailable, http.StatusServiceUnavailable, "unavailable", "1"},
	{eventstore.ErrClosed, http.StatusServiceUnavailable, "stopping", "5"},
	{eventstore.ErrSnapshot, http.StatusServiceUnavailable, "snapshot", "5"},
	{seal.ErrUnbound, http.StatusServiceUnavailable, "unbound", "5"},
	{tree.ErrBeyond, http.StatusNotFound, "beyond", ""},
	{tree.ErrDiverged, http.StatusServiceUnavailable, "diverged", ""},
	{tree.ErrDamaged, http.StatusServiceUnavailable, "rebuilding", "2"},
	{tree.ErrClosed, http.StatusServiceUnavailable, "stopping", "5"},
	{projections.ErrNotFound, http.StatusNotFound, "not-found", ""},
	{projections.ErrBadCursor, http.StatusUnprocessableEntity, "cursor", ""},
	{projections.ErrBadQuery, http.StatusUnprocessableEntity, "query", ""},
	{projections.ErrRebuilding, http.StatusServiceUnavailable, "rebuilding", "2"},
	{projections.ErrBuilding, http.StatusServiceUnavailable, "building", "5"},
	{projections.ErrRebuildRunning, http.StatusConflict, "rebuild-running", ""},
	{projections.ErrDiverged, http.StatusServiceUnavailable, "diverged", ""},
	{projections.ErrGap, http.StatusServiceUnavailable, "gap", ""},
	{projections.ErrClosed, http.StatusServiceUnavailable, "stopping", "5"},
	{notice.ErrTooLarge, http.StatusRequestEntityTooLarge, "notice-too-large", ""},
	{notice.ErrEmpty, http.StatusUnprocessableEntity, "notice-empty", ""},
	{notice.ErrNotText, http.StatusUnsupportedMediaType, "notice-not-text", ""},
	{notice.ErrBrokenDocx, http.StatusUnprocessableEntity, "notice-docx", ""},
	{notice.ErrNotNotice, http.StatusUnprocessableEntity, "notice", ""},
	{workbook.ErrTooLarge, http.StatusRequestEntityTooLarge, "sheet-too-large", ""},
	{workbook.ErrEmptyFile, http.StatusUnprocessableEntity, "sheet-empty", ""},
	{workbook.ErrOldExcel, http.StatusUnsupportedMediaType, "sheet-form", ""},
	{workbook.ErrEncrypted, http.StatusUnprocessableEntity, "sheet-encrypted", ""},
	{workbook.ErrOtherFormat, http.StatusUnsupportedMediaType, "sheet-form", ""},
	{workbook.ErrBroken, http.StatusUnprocessableEntity, "sheet-broken", ""},
	{errBusy, http.StatusServiceUnavailable, "overloaded", "1"},
	{errCrowded, http.StatusServiceUnavailable, "overloaded", "1"},
	{errBehind, http.StatusServiceUnavailable, "behind", "1"},
	{errUnchecked, http.StatusServiceUnavailable, "starting", "1"},
	{context.DeadlineExceeded, http.StatusServiceUnavailable, "timeout", "1"},
}

// problem turns any error into what a client may see. What is unknown stays
// inside: the client learns that it was our fault, the log learns the rest.
func problem(err error) (p *Problem, known bool) {
	if errors.As(err, &p) {
		return p, true
	}
	var refusal *domain.Refusal
	if errors.As(err, &refusal) {
		return refused(refusal), true
	}
	for _, row := range errorTable {
		if errors.Is(err, row.err) {
			p := newProblem(row.status, row.kind, plain(err, row.err))
			var query *projections.QueryError
			if errors.As(err, &query) {
				p.Errors = []Fault{{Location: "query." + query.Field, Message: query.Err.Error()}}
			}
			if row.retry != "" {
				p.header = http.Header{"Retry-After": {row.retry}}
			}
			return p, true
		}
	}
	var noTable *workbook.NoTableError
	if errors.As(err, &noTable) {
		return newProblem(http.StatusUnprocessableEntity, "no-table", noTable.Error()), true
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return newProblem(http.StatusRequestEntityTooLarge, "body-too-large", "请求内容过大 / the request body is too large"), true
	}
	if errors.Is(err, context.Canceled) {
		return newProblem(http.StatusServiceUnavailable, "cancelled", "请求已取消 / the request was cancelled"), true
	}
	return newProblem(http.StatusInternalServerError, "internal",
		"服务器内部错误，已记入日志；未写入任何内容的请求可以用同一个 Idempotency-Key 重试 / internal error, see the log; a retry with the same idempotency key is safe"), false
}

// plain returns the words of an error without those that were put before it on
// its way up, which say where in the program it came from.
func plain(err, sentinel error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil || !errors.Is(inner, sentinel) || !strings.HasSuffix(err.Error(), inner.Error()) {
			return err.Error()
		}
		err = inner
	}
}

// invalid is domain.Invalid of a field whose value says in both languages what is
// wrong with it.
func invalid(rule, field string, err error) error {
	zh, en := inBoth(err.Error())
	return domain.Invalid(rule, field, field+" "+zh, field+": "+en)
}

func refused(r *domain.Refusal) *Problem {
	status := map[domain.Reason]int{
		domain.ReasonInvalid:   http.StatusUnprocessableEntity,
		domain.ReasonForbidden: http.StatusForbidden,
		domain.ReasonIllegal:   http.StatusConflict,
	}[r.Reason]
	p := newProblem(status, "refused", r.Chinese+" / "+r.English)
	p.Rule, p.Allowed = r.Rule, r.Allowed
	if r.Field != "" {
		p.Errors = []Fault{{Location: "body." + r.Field, Message: r.Chinese + " / " + r.English}}
	}
	return p
}

// routing is the problem of a request that no handler took.
func routing(status int, path string) *Problem {
	switch status {
	case http.StatusNotFound:
		if len(path) > 1 && strings.HasSuffix(path, "/") {
			return newProblem(status, "no-route", "没有这个地址，请去掉地址末尾的 /，接口清单见 /openapi.json / there is nothing here: leave out the slash at the end; see /openapi.json")
		}
		return newProblem(status, "no-route", "没有这个地址，接口清单见 /openapi.json / there is nothing here, see /openapi.json")
	case http.StatusMethodNotAllowed:
		return newProblem(status, "method", "该地址不支持这个方法，可用的方法见 Allow / this method is not supported here, see Allow")
	case http.StatusUnauthorized:
		return newProblem(status, "unauthorized", "缺少或错误的令牌 / the bearer token is missing or wrong")
	case http.StatusUnsupportedMediaType:
		return newProblem(status, "media-type", "不支持的内容类型 / the content type is not supported")
	}
	return newProblem(status, "http", "请求不能处理 / the request can't be handled: "+http.StatusText(status))
}

// humaProblems says what kind of problem huma means by a status.
var humaProblems = map[int]struct{ kind, zh, en string }{
	http.StatusBadRequest:            {"malformed", "请求无法解析", "the request can't be read"},
	http.StatusNotAcceptable:         {"not-acceptable", "不支持所要求的返回类型，可用 application/json", "the answer's type is not offered"},
	http.StatusUnsupportedMediaType:  {"media-type", "不支持的内容类型", "the content type is not supported"},
	http.StatusRequestEntityTooLarge: {"body-too-large", "请求内容过大", "the request body is too large"},
	http.StatusRequestTimeout:        {"timeout", "读取请求超时", "the request took too long to read"},
	http.StatusUnprocessableEntity:   {"invalid", "请求不合要求", "the request is not valid"},
}

// toProblem replaces huma's own error bodies, so that every error of the API has
// one form and says what was wrong in both languages. It is a huma.Transformer.
func toProblem(_ huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	head, ok := humaProblems[m.Status]
	if !ok {
		head = humaProblems[http.StatusUnprocessableEntity]
	}
	p := newProblem(m.Status, head.kind, "")
	var all []explained
	for _, e := range m.Errors {
		if e == nil {
			continue
		}
		x := explain(e)
		all = append(all, x)
		p.Errors = append(p.Errors, x.fault())
	}
	if len(all) == 0 {
		zh, en := inBoth(m.Detail)
		all = []explained{{"", zh, en}}
	}
	p.Detail = joined(head.zh, head.en, all)
	return p, nil
}
