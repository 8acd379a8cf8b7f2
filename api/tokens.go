package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"duban/domain"
	"duban/domain/office"
	"duban/eventstore"
)

// TokenRequest says for whom a token is made.
type TokenRequest struct {
	Person string `json:"person" minLength:"1" maxLength:"128" doc:"人员编号或账号"`
	Office string `json:"office,omitempty" doc:"处室编号 office/…；角色为 office 时必填"`
	Role   string `json:"role" enum:"safety_office,office,inspector,auditor,assessor"`
	Note   string `json:"note,omitempty" maxLength:"200"`
}

// TokenMade is a new token. It is shown this once: only its digest is kept.
type TokenMade struct {
	Token  string `json:"token"`
	Digest string `json:"digest" doc:"停用时使用"`
	TokenView
}

// TokenView is a token's holder, without the token.
type TokenView struct {
	Person  string    `json:"person"`
	Office  string    `json:"office,omitempty"`
	Role    string    `json:"role"`
	Note    string    `json:"note,omitempty"`
	Created time.Time `json:"created"`
}

// Me is who the caller's token stands for.
type Me struct {
	Person string `json:"person"`
	Office string `json:"office,omitempty"`
	Role   string `json:"role"`
}

type (
	tokenInput  struct{ Body TokenRequest }
	digestInput struct {
		Digest string `path:"digest" pattern:"^[0-9a-f]{64}$"`
	}
	noInput struct{}
)

const tagTokens = "令牌"

func (s *Server) tokens() {
	register(s, huma.Operation{Method: http.MethodPost, Path: "/tokens", OperationID: "add-token", Tags: []string{tagTokens}, Summary: "发放令牌", DefaultStatus: http.StatusCreated}, s.addToken)
	register(s, huma.Operation{Method: http.MethodDelete, Path: "/tokens/{digest}", OperationID: "revoke-token", Tags: []string{tagTokens}, Summary: "停用令牌"},
		func(ctx context.Context, in *digestInput) (*struct{}, error) {
			if err := requireRole(ctx, domain.RoleSafetyOffice); err != nil {
				return nil, err
			}
			_, err := s.Store.Credential(ctx, in.Digest)
			if errors.Is(err, eventstore.ErrNoCredential) {
				return nil, newProblem(http.StatusNotFound, "not-found", "没有这个令牌，或已停用，请核对发放时的 digest / there is no such token, or it is revoked already: check the digest it was made with")
			}
			if err != nil {
				return nil, err
			}
			return nil, s.Store.RevokeCredential(ctx, in.Digest)
		})
	register(s, huma.Operation{Method: http.MethodGet, Path: "/me", OperationID: "me", Tags: []string{tagTokens}, Summary: "令牌代表谁"},
		func(ctx context.Context, _ *noInput) (*body[Me], error) {
			c := callerOf(ctx)
			return &body[Me]{Body: Me{Person: c.Person.ID, Office: c.Office.ID, Role: c.Role.String()}}, nil
		})
}

func (s *Server) addToken(ctx context.Context, in *tokenInput) (*body[TokenMade], error) {
	if err := requireRole(ctx, domain.RoleSafetyOffice); err != nil {
		return nil, err
	}
	role, err := domain.ParseRole(in.Body.Role)
	if err != nil {
		return nil, invalid("token.role", "role", err)
	}
	person, err := domain.Person(in.Body.Person)
	if err != nil {
		return nil, invalid("token.person", "person", err)
	}
	cred := eventstore.Credential{Person: person, Role: role, Created: s.Clock(), Note: in.Body.Note}
	if in.Body.Office != "" {
		if cred.Office, err = s.knownOffice(ctx, in.Body.Office); err != nil {
			return nil, err
		}
	}
	if role == domain.RoleOffice && cred.Office.IsZero() {
		return nil, domain.Invalid("token.office", "office", "责任处室的令牌须写明处室 office/编号", "a token of an office names the office")
	}
	token := NewToken()
	if err := s.Store.PutCredential(ctx, TokenDigest(token), cred); err != nil {
		return nil, err
	}
	return &body[TokenMade]{Body: TokenMade{Token: token, Digest: TokenDigest(token), TokenView: TokenView{
		Person: person.ID, Office: cred.Office.ID, Role: role.String(), Note: cred.Note, Created: cred.Created,
	}}}, nil
}

func (s *Server) knownOffice(ctx context.Context, text string) (domain.Ref, error) {
	ref, err := domain.ParseRef(text)
	if err != nil || ref.Kind != domain.KindOffice {
		return domain.Ref{}, domain.Invalid("office.form", "office", "处室应写成 office/编号", "an office is written office/ID")
	}
	a, err := s.Store.History(ctx, ref)
	if err != nil {
		return domain.Ref{}, err
	}
	if len(a.Events) == 0 {
		return domain.Ref{}, domain.Invalid("office.unknown", "office", "没有登记处室 "+text, "there is no office "+text)
	}
	if o := office.Replay(a.Events); o.Gone() {
		heir, err := s.Store.History(ctx, o.Heir)
		if err != nil {
			return domain.Ref{}, err
		}
		return domain.Ref{}, goneOffice(o.Name, len(o.Into) > 1, o.Heir, office.Replay(heir.Events).Name)
	}
	return ref, nil
}
