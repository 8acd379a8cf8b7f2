package api

import (
	"context"
	"errors"
	"slices"
	"strings"

	"duban/api/forms"
	"duban/api/workbook"
	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/name"
	"duban/projections"
)

// hazardForm is the register's name in addresses.
const hazardForm = "hazards"

// HazardParams say what a register of hazards that somebody else keeps doesn't tell.
type HazardParams struct {
	Supervising      string `query:"supervising_office" doc:"隐患台账：督办处室，编号或名称；缺省为 on_behalf_of"`
	Criterion        string `query:"criterion" maxLength:"2000" doc:"隐患台账：重大隐患的判定依据；有重大隐患时必填"`
	Place            string `query:"place" maxLength:"200" doc:"隐患台账：地点；缺省记为原台账未载明"`
	Categories       string `query:"categories" maxLength:"4000" doc:"隐患台账：隐患类型的对照，原台账的写法:账本的类别，多项用逗号隔开"`
	ApprovalLeader   string `query:"approval_leader" doc:"批示领导：由一人录入整改报告和复查、销号的，须有批示"`
	ApprovalOn       string `query:"approval_on" doc:"批示日期 YYYY-MM-DD，可以晚于复查日期"`
	ApprovalWords    string `query:"approval_words" doc:"批示内容"`
	ApprovalEvidence string `query:"approval_evidence" pattern:"^[0-9a-f]{64}$" doc:"批示件的 SHA-256，先用 PUT /api/v1/evidence 上传"`
}

// hazardImport reads what holds for all rows of a register.
func (p HazardParams) hazardImport(t forms.Terms) (forms.HazardImport, error) {
	if t.By.Role != domain.RoleSafetyOffice {
		return forms.HazardImport{}, domain.Forbidden("register.role",
			"他人的隐患台账由安委会办公室代录", "the safety office takes over a register that somebody else keeps")
	}
	if t.OnBehalfOf.IsZero() || t.ReceivedVia == 0 || t.ReceivedOn == "" {
		return forms.HazardImport{}, domain.Invalid("register.behalf", "on_behalf_of",
			"请写明是谁的台账 on_behalf_of、怎样收到 received_via、何时收到 received_on",
			"state whose register it is (on_behalf_of), how it came (received_via) and when (received_on)")
	}
	im := forms.HazardImport{Terms: t, Supervising: t.OnBehalfOf, Criterion: strings.TrimSpace(p.Criterion), Place: strings.TrimSpace(p.Place)}
	if p.Supervising != "" {
		ref, ok := t.Office(strings.TrimPrefix(p.Supervising, "office/"))
		if !ok {
			return im, domain.Invalid("register.supervising", "supervising_office",
				"没有名为“"+p.Supervising+"”的处室", "there is no office called "+p.Supervising)
		}
		im.Supervising = ref
	}
	categories, err := pairs("categories", p.Categories)
	if err != nil {
		return im, err
	}
	im.Categories = map[string]string{}
	for _, c := range categories {
		im.Categories[c[0]] = c[1]
	}
	im.Approval, err = p.approval()
	return im, err
}

func (p HazardParams) approval() (*domain.Approval, error) {
	if p.ApprovalLeader+p.ApprovalOn+p.ApprovalWords+p.ApprovalEvidence == "" {
		return nil, nil
	}
	a := &domain.Approval{Leader: p.ApprovalLeader, Words: p.ApprovalWords}
	if strings.TrimSpace(a.Leader) == "" || strings.TrimSpace(a.Words) == "" || p.ApprovalOn == "" {
		return nil, domain.Invalid("register.approval", "approval_leader",
			"批示须写明领导 approval_leader、日期 approval_on、内容 approval_words", "an approval states its leader, its day and its words (approval_leader, approval_on, approval_words)")
	}
	var err error
	if a.On, err = calendar.ParseDate(p.ApprovalOn); err != nil {
		return nil, &projections.QueryError{Field: "approval_on", Err: err}
	}
	if p.ApprovalEvidence != "" {
		a.Evidence = []domain.Evidence{{SHA256: p.ApprovalEvidence}}
	}
	return a, nil
}

// pairs reads "a:b,c:d", in full or half width.
func pairs(field, list string) ([][2]string, error) {
	var out [][2]string
	split := func(r rune) bool { return strings.ContainsRune(",，、;；\n", r) }
	for _, pair := range strings.FieldsFunc(list, split) {
		from, to, ok := strings.Cut(strings.ReplaceAll(pair, "：", ":"), ":")
		from, to = strings.TrimSpace(from), strings.TrimSpace(to)
		twice := slices.ContainsFunc(out, func(p [2]string) bool { return p[0] == from })
		if !ok || from == "" || to == "" || twice {
			return nil, &projections.QueryError{Field: field, Err: errors.New(
				"读不懂“" + pair + "”：应为 原来的写法:对应的写法，多项用逗号隔开，每项一次 / write it as theirs:ours, several with commas between them, each once")}
		}
		out = append(out, [2]string{from, to})
	}
	return out, nil
}

// withHeaders returns a table that also comes back under the headers of a list.
func withHeaders(t workbook.Table, list string) (workbook.Table, error) {
	named, err := pairs("map", list)
	if err != nil {
		return t, err
	}
	for _, n := range named {
		if t, err = t.WithHeader(n[0], n[1]); err != nil {
			return t, &projections.QueryError{Field: "map", Err: err}
		}
	}
	return t, nil
}

// hazardPlan plans a register on the findings that its rows made before.
func (s *Server) hazardPlan(p HazardParams) func(context.Context, *projections.View, forms.Returned, forms.Terms) (forms.Plan, histories, error) {
	return func(ctx context.Context, _ *projections.View, in forms.Returned, t forms.Terms) (forms.Plan, histories, error) {
		im, err := p.hazardImport(t)
		if err != nil {
			return forms.Plan{}, nil, err
		}
		if im.Approval != nil {
			for i := range im.Approval.Evidence {
				if err := s.fillEvidence(ctx, &im.Approval.Evidence[i]); err != nil {
					return forms.Plan{}, nil, err
				}
			}
		}
		seen := histories{}
		plan, err := im.Plan(&in, func(claim string) ([]domain.Event, error) {
			held, err := s.Store.History(ctx, name.Ref(name.KindRegisterRow, claim))
			if err != nil {
				return nil, err
			}
			owner := name.Replay(held.Events).Owner
			if owner.IsZero() {
				return nil, nil
			}
			a, err := s.Store.History(ctx, owner)
			seen[owner] = a
			return a.Events, err
		})
		return plan, seen, err
	}
}
