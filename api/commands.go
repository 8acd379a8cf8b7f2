package api

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"duban/domain"
)

// A resource is one kind of aggregate as the API offers it: its acts become
// routes, its decision decides them.
type resource struct {
	kind    domain.Kind
	plural  string // path segment
	chinese string
	acts    []domain.Act
	create  string // the act that makes a new one: POST plural
	// subject names what a creating act is about where that has an identity of its
	// own; nil: something new. Such an act may be given again.
	subject func(domain.Payload) domain.Ref
	single  bool // it is the only one of its kind, found at plural itself
	decide  func(history []domain.Event, c domain.Command) ([]domain.Event, error)
	// prepare returns what is asked with what only the server can fill in; nil:
	// nothing. What the client gave is left as it is.
	prepare func(u *unit, c domain.Command) (domain.Payload, error)
	// follow adds what the command means for other aggregates; nil: nothing.
	follow func(u *unit, c domain.Command) error
	// done runs once the events are recorded, also when a retry finds them
	// recorded at seq; nil: nothing.
	done func(ctx context.Context, c domain.Command, seq uint64) error
}

type createInput struct {
	WriteHeaders
	Body json.RawMessage
}

type commandInput struct {
	WriteHeaders
	ID   string `path:"id" doc:"编号"`
	Body json.RawMessage
}

// commands adds the routes of a resource's acts.
func (s *Server) commands(r resource) {
	for _, a := range r.acts {
		op := huma.Operation{
			Method: http.MethodPost, Tags: []string{r.chinese}, Summary: a.Chinese,
			MaxBodyBytes:  maxCommandBytes,
			RequestBody:   &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {Schema: s.askSchema(a)}}},
			DefaultStatus: http.StatusOK,
		}
		if a.Name == r.create {
			op.Path, op.OperationID, op.DefaultStatus = "/"+r.plural, a.Name+"-"+r.kind.String(), http.StatusCreated
			register(s, op, func(ctx context.Context, in *createInput) (*writeOutput, error) {
				return s.create(ctx, r, a, in.WriteHeaders, in.Body)
			})
			continue
		}
		op.Path, op.OperationID = "/"+r.plural+"/{id}/"+a.Name, a.Name+"-"+r.kind.String()
		register(s, op, func(ctx context.Context, in *commandInput) (*writeOutput, error) {
			return s.command(ctx, r, a, in.WriteHeaders, in.ID, in.Body)
		})
	}
}

func (s *Server) create(ctx context.Context, r resource, a domain.Act, h WriteHeaders, body []byte) (*writeOutput, error) {
	c, err := s.newCall(ctx, h, "POST "+r.plural, body)
	if err != nil {
		return nil, err
	}
	target := domain.Ref{Kind: r.kind, ID: c.newID(0)}
	location := apiPrefix + "/" + r.plural
	if r.subject != nil {
		ask, _, err := decodeAsk(a.Ask, body, c.caller)
		if err != nil {
			return nil, err
		}
		target = r.subject(ask)
	}
	if !r.single {
		location += "/" + target.ID
	}
	out, err := s.carryOut(ctx, r, a, c, target, body)
	if err != nil {
		return nil, err
	}
	out.Location = location
	return out, nil
}

func (s *Server) command(ctx context.Context, r resource, a domain.Act, h WriteHeaders, id string, body []byte) (*writeOutput, error) {
	target, err := reference(r.kind, id)
	if err != nil {
		return nil, err
	}
	c, err := s.newCall(ctx, h, "POST "+r.plural+"/"+id+"/"+a.Name, body)
	if err != nil {
		return nil, err
	}
	return s.carryOut(ctx, r, a, c, target, body)
}

func (s *Server) carryOut(ctx context.Context, r resource, a domain.Act, c call, target domain.Ref, body []byte) (*writeOutput, error) {
	ask, at, err := decodeAsk(a.Ask, body, c.caller)
	if err != nil {
		return nil, err
	}
	asked := domain.Command{Entry: c.entry(at), Subject: target, Ask: ask}
	out, err := s.execute(ctx, c, target, func(u *unit) error { return s.decideAct(u, r, a, asked) })
	if err != nil {
		return nil, err
	}
	if r.done != nil {
		if err := r.done(ctx, asked, out.Sequence); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// decideAct adds to the unit what an act on a resource leads to, there and on other
// aggregates.
func (s *Server) decideAct(u *unit, r resource, a domain.Act, cmd domain.Command) error {
	target, ask := cmd.Subject, cmd.Ask
	history, err := u.history(target)
	if err != nil {
		return err
	}
	if len(history) == 0 && a.Name != r.create {
		return notFound(target)
	}
	if err := s.checkRefs(u, ask); err != nil {
		return err
	}
	if r.prepare != nil {
		if cmd.Ask, err = r.prepare(u, cmd); err != nil {
			return err
		}
	}
	if err := u.decide(target, func(h []domain.Event) ([]domain.Event, error) { return r.decide(h, cmd) }); err != nil {
		return err
	}
	if err := s.checkAmended(u, target, ask); err != nil {
		return err
	}
	if err := s.checkWithdrawal(u.ctx, u.call.caller, target, ask); err != nil {
		return err
	}
	if r.follow == nil {
		return nil
	}
	return r.follow(u, cmd)
}

// reference makes a Ref of a path parameter; what can't be an id is not found.
func reference(kind domain.Kind, id string) (domain.Ref, error) {
	ref, err := domain.ParseRef(kind.String() + "/" + id)
	if err != nil {
		return domain.Ref{}, newProblem(http.StatusNotFound, "not-found", err.Error())
	}
	return ref, nil
}

func notFound(ref domain.Ref) error {
	return newProblem(http.StatusNotFound, "not-found", "没有这条记录："+ref.String()+" / there is no "+ref.String())
}

// referrer is a payload that names other aggregates.
type referrer interface{ References() []domain.Ref }

// checkRefs refuses a command that names offices, tasks or inspections that
// aren't there, or gives something to an office that is no more. They are loaded
// strongly, not read from a read model. An entry on behalf of an office that is no
// more is let through: its papers may still come in late.
func (s *Server) checkRefs(u *unit, p domain.Payload) error {
	refs := []domain.Ref{p.Circumstances().OnBehalfOf}
	if r, ok := p.(referrer); ok {
		for _, ref := range r.References() {
			if err := u.checkStands(ref); err != nil {
				return err
			}
			refs = append(refs, ref)
		}
	}
	checked := []domain.Kind{domain.KindOffice, domain.KindTask, domain.KindInspection, domain.KindFinding, domain.KindDirective}
	for _, ref := range refs {
		if !slices.Contains(checked, ref.Kind) {
			continue
		}
		history, err := u.history(ref)
		if err != nil {
			return err
		}
		if len(history) == 0 {
			return domain.Invalid("reference.unknown", "", "没有登记 "+ref.String(), "there is no "+ref.String())
		}
	}
	return nil
}
