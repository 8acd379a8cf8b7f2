package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/oklog/ulid/v2"

	"duban/domain"
	"duban/eventstore"
)

// WriteHeaders are the headers every write takes.
type WriteHeaders struct {
	IdempotencyKey string `header:"Idempotency-Key" doc:"ULID。同一个键重试不会重复入账；缺省由服务器生成"`
	IfMatch        string `header:"If-Match" doc:"读到的 ETag（版本）；已过期返回 412"`
}

// WriteResult is what a write answers: the events it recorded on the aggregate.
// It is rebuilt from the stored events when a request is repeated.
type WriteResult struct {
	ID       string        `json:"id" doc:"记录编号"`
	Kind     string        `json:"kind"`
	Version  uint64        `json:"version" doc:"写入后的版本"`
	Sequence uint64        `json:"sequence" doc:"事务最后一个事件的流序号；读接口的 min_seq"`
	Events   []RecordedRef `json:"events" doc:"本次在该记录上写入的事件"`
}

// RecordedRef names a recorded event.
type RecordedRef struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Sequence uint64 `json:"sequence"`
}

type writeOutput struct {
	ETag     string `header:"ETag" doc:"记录的版本"`
	Sequence uint64 `header:"Duban-Sequence" doc:"事务最后一个事件的流序号"`
	Replayed string `header:"Idempotent-Replayed" doc:"true：此前已入账，这是原来的结果"`
	Location string `header:"Location" doc:"新建记录的地址"`
	Body     WriteResult
}

// A call is one write request: who asks for what, and how to know it again.
type call struct {
	caller  domain.Caller
	now     time.Time
	key     ulid.ULID
	command eventstore.Command
	ifMatch *uint64
}

// newCall reads what every write carries. route names the resource with its ids
// and the act: together with the caller and the key it is the command's id.
func (s *Server) newCall(ctx context.Context, h WriteHeaders, route string, body []byte) (call, error) {
	c := call{caller: callerOf(ctx), now: s.Clock()}
	if h.IdempotencyKey == "" {
		id, err := ulid.New(ulid.Timestamp(c.now), ulid.DefaultEntropy())
		if err != nil {
			return call{}, fmt.Errorf("make an idempotency key: %w", err)
		}
		c.key = id
	} else {
		id, err := ulid.ParseStrict(h.IdempotencyKey)
		if err != nil {
			return call{}, newProblem(http.StatusBadRequest, "idempotency-key",
				"Idempotency-Key 应为 ULID（26 个字符） / the Idempotency-Key is a ULID of 26 characters")
		}
		c.key = id
	}
	if h.IfMatch != "" && h.IfMatch != "*" {
		v, err := strconv.ParseUint(strings.Trim(h.IfMatch, `"`), 10, 64)
		if err != nil {
			return call{}, newProblem(http.StatusBadRequest, "if-match",
				`If-Match 应为读到的 ETag，如 "3" / If-Match is the ETag as read, like "3"`)
		}
		c.ifMatch = &v
	}
	c.command = eventstore.Command{ID: eventstore.CommandID(c.caller.Person, route, c.key), Digest: eventstore.Digest(body)}
	return c, nil
}

func (c call) entry(at time.Time) domain.Entry {
	if at.IsZero() {
		at = c.now
	}
	return domain.Entry{By: c.caller, Time: at, Now: c.now}
}

// newID returns the id of the call's n-th new aggregate, the same at every retry.
func (c call) newID(n int) string { return c.command.IDs(c.key).NewID(n) }

// A unit is one try to carry out a call: what was loaded and what is to be
// appended, in one transaction, on the condition that nothing loaded has moved.
type unit struct {
	ctx    context.Context
	server *Server
	call   call
	ids    int // new aggregates named so far, beside the target
	loaded map[domain.Ref]eventstore.History
	added  map[domain.Ref][]domain.Event
	order  []domain.Ref
	last   uint64 // if not 0: a list was read, and nothing may be recorded behind this sequence
}

func (s *Server) newUnit(ctx context.Context, c call) *unit {
	return &unit{ctx: ctx, server: s, call: c, loaded: map[domain.Ref]eventstore.History{}, added: map[domain.Ref][]domain.Event{}}
}

// history returns an aggregate's events, with those already added by this unit. They
// are others' too, and not to be changed.
func (u *unit) history(ref domain.Ref) ([]domain.Event, error) {
	a, ok := u.loaded[ref]
	if !ok {
		var err error
		if a, err = u.server.Store.History(u.ctx, ref); err != nil {
			return nil, fmt.Errorf("load %s: %w", ref, err)
		}
		u.loaded[ref] = a
	}
	if added := u.added[ref]; len(added) > 0 {
		return slices.Concat(a.Events, added), nil
	}
	return a.Events, nil
}

// newRef names a further new aggregate, the same at every try.
func (u *unit) newRef(kind domain.Kind) domain.Ref {
	u.ids++
	return domain.Ref{Kind: kind, ID: u.call.newID(u.ids)}
}

// count returns how many events the unit adds so far.
func (u *unit) count() int {
	n := 0
	for _, events := range u.added {
		n += len(events)
	}
	return n
}

// before returns an aggregate's events without those this unit added.
func (u *unit) before(ref domain.Ref) []domain.Event { return u.loaded[ref].Events }

// add appends events to an aggregate that was loaded.
func (u *unit) add(ref domain.Ref, events ...domain.Event) {
	if _, ok := u.added[ref]; !ok {
		u.order = append(u.order, ref)
	}
	u.added[ref] = append(u.added[ref], events...)
}

// decide runs a decision over an aggregate's history and adds what it says.
func (u *unit) decide(ref domain.Ref, decide func([]domain.Event) ([]domain.Event, error)) error {
	history, err := u.history(ref)
	if err != nil {
		return err
	}
	if err := domain.CheckKnown(history); err != nil {
		return err
	}
	events, err := decide(history)
	if err != nil {
		return err
	}
	if len(events) > 0 {
		u.add(ref, events...)
	}
	return nil
}

func (u *unit) writes() []eventstore.Write {
	var ws []eventstore.Write
	for _, ref := range u.order {
		ws = append(ws, eventstore.Write{Subject: ref, Head: u.loaded[ref].Head, Events: u.added[ref]})
	}
	return ws
}

// expectations are the aggregates the decision rests on without writing to them.
func (u *unit) expectations() []eventstore.Expectation {
	var es []eventstore.Expectation
	for ref, a := range u.loaded {
		if _, written := u.added[ref]; !written {
			es = append(es, eventstore.Expectation{Subject: ref, Head: a.Head})
		}
	}
	return es
}

// maxTries bounds how often a call is decided anew after losing a race.
const maxTries = 8

// execute carries out a call whose result is recorded on target. plan decides
// within a unit; it runs again when another writer was faster, unless the client
// named the version it had seen. Calls on one target take turns.
func (s *Server) execute(ctx context.Context, c call, target domain.Ref, plan func(*unit) error) (*writeOutput, error) {
	leave, err := s.turns.take(ctx, target)
	if err != nil {
		return nil, fmt.Errorf("await the turn on %s: %w", target, err)
	}
	defer leave()
	for try := 1; ; try++ {
		u := s.newUnit(ctx, c)
		if out, err := u.attempt(target, plan); out != nil || err != nil {
			return out, err
		}
		if err := s.checkEvidence(ctx, u); err != nil {
			return nil, err
		}
		receipt, err := s.Store.Append(ctx, eventstore.Append{
			Command: c.command, Key: c.key, CorrelationID: c.key.String(), Writes: u.writes(), Expect: u.expectations(), Last: u.last,
		})
		switch {
		case err == nil:
			return output(target, slices.DeleteFunc(receipt.Records, func(r eventstore.Record) bool { return r.Subject != target })), nil
		case !errors.Is(err, eventstore.ErrConflict) || try == maxTries:
			return nil, fmt.Errorf("append to %s: %w", target, err)
		}
	}
}

// attempt decides a call on the state that it loads. Where the call was recorded
// before, it returns what that came to.
func (u *unit) attempt(target domain.Ref, plan func(*unit) error) (*writeOutput, error) {
	if _, err := u.history(target); err != nil {
		return nil, err
	}
	before := u.loaded[target]
	if out, err := u.server.replay(u.ctx, u.call, before); out != nil || err != nil {
		return out, err
	}
	if v := u.call.ifMatch; v != nil && *v != before.Head.Version {
		return nil, stale(before.Head.Version)
	}
	if err := u.checkCaller(); err != nil {
		return nil, err
	}
	return nil, plan(u)
}

// replay answers a call that was recorded before: the same request gets the same
// answer, another request under the same key is refused.
func (s *Server) replay(ctx context.Context, c call, h eventstore.History) (*writeOutput, error) {
	recorded := h.Find(c.command.ID)
	if len(recorded) == 0 {
		return nil, nil
	}
	if recorded[0].CommandDigest != c.command.Digest {
		return nil, newProblem(http.StatusUnprocessableEntity, "idempotency-key-reused",
			"这个 Idempotency-Key 已用于另一个请求，请换一个 / this idempotency key was used for another request: take a new one")
	}
	a, err := s.Store.Load(ctx, h.Ref) // says of which transaction they are
	if err != nil {
		return nil, err
	}
	found := a.Find(c.command.ID)
	if len(found) == 0 {
		return nil, fmt.Errorf("%w: %s 的事件尚未全部可读 / the events of %s can't all be read yet", eventstore.ErrUnavailable, h.Ref, h.Ref)
	}
	out := output(h.Ref, found)
	out.Replayed = "true"
	return out, nil
}

func stale(version uint64) error {
	return newProblem(http.StatusPreconditionFailed, "stale", fmt.Sprintf(
		"记录已被他人更新，现为版本 %d，请重新读取后再办理 / the record has changed since you read it and is at version %d: read it again", version, version))
}

// output is a pure function of the stored events, so that a retry gets the same.
func output(target domain.Ref, records []eventstore.Record) *writeOutput {
	last := records[len(records)-1]
	end := last.Seq
	if last.TxCount > 0 {
		end += uint64(last.TxCount - last.TxIndex)
	}
	out := &writeOutput{ETag: etag(last.Version), Sequence: end, Body: WriteResult{
		ID: target.ID, Kind: target.Kind.String(), Version: last.Version, Sequence: end,
	}}
	for _, r := range records {
		out.Body.Events = append(out.Body.Events, recorded(r.Event))
	}
	return out
}

func recorded(e domain.Event) RecordedRef {
	return RecordedRef{ID: e.ID, Type: e.Data.EventType(), Sequence: e.Seq}
}

func etag(version uint64) string { return `"` + strconv.FormatUint(version, 10) + `"` }

// checkEvidence: an event may name only bytes that are stored. Size and type are
// the store's, whatever the client said.
func (s *Server) checkEvidence(ctx context.Context, u *unit) error {
	for _, ref := range u.order {
		for _, e := range u.added[ref] {
			p := e.Data.Circumstances()
			lists := [][]domain.Evidence{p.Evidence}
			if p.Approval != nil {
				lists = append(lists, p.Approval.Evidence)
			}
			for _, list := range lists {
				for i := range list {
					if err := s.fillEvidence(ctx, &list[i]); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

func (s *Server) fillEvidence(ctx context.Context, e *domain.Evidence) error {
	stored, err := s.Store.StatEvidence(ctx, e.SHA256)
	if errors.Is(err, eventstore.ErrNoEvidence) || errors.Is(err, eventstore.ErrEvidenceWithdrawn) {
		return domain.Invalid("evidence.absent", "evidence",
			"证据 "+e.SHA256+" 尚未上传或已撤回，请先 PUT /api/v1/evidence",
			"the evidence "+e.SHA256+" is not stored: PUT /api/v1/evidence first")
	}
	if err != nil {
		return fmt.Errorf("look up evidence: %w", err)
	}
	e.Size = stored.Size
	if e.MediaType == "" {
		e.MediaType = stored.MediaType
	}
	return nil
}

// decodeAsk decodes a command's body: the fields of the event it asks for, and
// the time it happened.
func decodeAsk(prototype domain.Payload, body []byte, caller domain.Caller) (domain.Payload, time.Time, error) {
	var fields map[string]json.RawMessage
	if err := unmarshalStrict(body, &fields); err != nil {
		return nil, time.Time{}, newProblem(http.StatusBadRequest, "malformed", err.Error())
	}
	var at time.Time
	if raw, ok := fields["time"]; ok {
		if err := json.Unmarshal(raw, &at); err != nil || at.IsZero() {
			return nil, time.Time{}, domain.Invalid("time.form", "time", "time 应为 RFC 3339 时间，如 2019-07-01T09:00:00+08:00", "time is RFC 3339, like 2019-07-01T09:00:00+08:00")
		}
		delete(fields, "time")
	}
	rest, err := json.Marshal(fields)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("encode fields: %w", err)
	}
	p, err := domain.DecodeStrict(prototype, rest)
	if err != nil {
		return nil, time.Time{}, domain.Misfit("body.fields", "", prototype, fields)
	}
	if own, ok := p.(interface{ ShareOffice() *domain.Ref }); ok && caller.Role == domain.RoleOffice && own.ShareOffice().IsZero() {
		*own.ShareOffice() = caller.Office
	}
	return p, at, nil
}

// askSchema is the JSON schema of a command's body: that of the event's payload
// with the time it happened. An office need not name itself.
func (s *Server) askSchema(a domain.Act) *huma.Schema {
	registry := s.api.OpenAPI().Components.Schemas
	named := registry.Schema(reflect.TypeOf(a.Ask).Elem(), true, domain.ShortType(a.Ask))
	full := *registry.SchemaFromRef(named.Ref)
	full.Properties = map[string]*huma.Schema{"time": {Type: huma.TypeString, Format: "date-time", Description: "发生时间，缺省为现在；可以早于录入（补录）"}}
	for k, v := range registry.SchemaFromRef(named.Ref).Properties {
		full.Properties[k] = v
	}
	if _, ok := a.Ask.(interface{ ShareOffice() *domain.Ref }); ok {
		full.Required = slices.DeleteFunc(slices.Clone(full.Required), func(f string) bool { return f == "office" })
	}
	full.Description = a.Chinese
	full.PrecomputeMessages()
	return &full
}
