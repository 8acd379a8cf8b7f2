package api

import (
	"fmt"
	"strings"
	"time"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/directive"
	"duban/domain/name"
	"duban/domain/notice"
	"duban/domain/office"
	"duban/domain/task"
)

// An imported notice becomes one transaction: the directive with its clauses,
// the claim on its number, the offices that are new with the claims on their
// names, and for every clause with offices a task, its assignment and its stated
// deadlines. Either all of it stands in the ledger or nothing.
type noticeImport struct {
	call     call
	draft    notice.Draft
	source   domain.Evidence
	target   domain.Ref
	assigned time.Time
	issued   time.Time
}

func newImport(c call, d notice.Draft, assignedOn string) (*noticeImport, error) {
	if len(d.Clauses) == 0 {
		return nil, domain.Invalid("draft.clauses", "clauses",
			"这份通知没有读出条款，不能登记；原文有条款的，请在试读得到的草稿里补上 clauses 再登记",
			"no clauses were found in this notice, and one without clauses can't be recorded: if it has some, add them to the draft that the preview gives")
	}
	im := &noticeImport{call: c, draft: d, target: domain.Ref{Kind: domain.KindDirective, ID: c.newID(0)}, assigned: c.now, issued: c.now}
	if d.IssuedOn != "" && d.IssuedOn < calendar.On(c.now) {
		im.issued = d.IssuedOn.Start()
	}
	if assignedOn == "" {
		return im, nil
	}
	on, err := calendar.ParseDate(assignedOn)
	if err != nil {
		return nil, invalid("assigned_on.form", "assigned_on", err)
	}
	if d.IssuedOn != "" && on < d.IssuedOn {
		return nil, domain.Invalid("assigned_on.early", "assigned_on",
			"交办日期 "+assignedOn+" 早于发文日期 "+string(d.IssuedOn), "assigned_on "+assignedOn+" lies before the notice was issued, "+string(d.IssuedOn))
	}
	if on != calendar.On(c.now) {
		im.assigned = on.Start()
	}
	return im, nil
}

// plan adds the whole import to the unit.
func (im *noticeImport) plan(u *unit) error {
	if err := im.claimNumber(u); err != nil {
		return err
	}
	offices, err := im.offices(u)
	if err != nil {
		return err
	}
	clauses, err := im.clauses(offices)
	if err != nil {
		return err
	}
	if err := im.claimContent(u, clauses); err != nil {
		return err
	}
	if err := im.issue(u, clauses); err != nil {
		return err
	}
	for _, c := range clauses {
		ref := u.newRef(domain.KindTask)
		if len(assignment(c).Offices) == 0 {
			continue
		}
		if err := docket(u, im.call.entry(im.assigned), im.target, ref, c); err != nil {
			return err
		}
	}
	return nil
}

func (im *noticeImport) claimNumber(u *unit) error {
	if im.draft.DocumentNumber == "" {
		return nil
	}
	return claimName(u, im.claim(), name.KindDocumentNumber, im.draft.DocumentNumber)
}

func (im *noticeImport) claim() domain.Command {
	return domain.Command{Entry: im.call.entry(im.call.now), Subject: im.target}
}

// claimContent claims what the notice says, so that it is not recorded twice, once
// with its number and once without. Whoever holds it is named as a reader would.
func (im *noticeImport) claimContent(u *unit, clauses []directive.Clause) error {
	content := directive.ContentHash(im.draft.Title, im.draft.IssuedOn, clauses)
	history, err := u.history(name.Ref(name.KindNoticeText, content))
	if err != nil {
		return err
	}
	held := name.Replay(history)
	if !held.Held() {
		return claimName(u, im.claim(), name.KindNoticeText, content)
	}
	if history, err = u.history(held.Owner); err != nil {
		return err
	}
	d := directive.Replay(history)
	earlier := "《" + d.Title + "》" + d.DocumentNumber + "，" + held.Owner.String()
	return domain.Illegal("name.claimed.taken",
		"标题、日期和条款都相同的文件已经登记："+earlier+"；文号有误的，先撤销登记（void）原文件",
		"a notice with the same title, date and clauses is recorded already: "+earlier+"; void that one first if its number is wrong")
}

// offices returns the office behind every printed name, registering those that
// the ledger does not know yet.
func (im *noticeImport) offices(u *unit) (map[string]domain.Ref, error) {
	known := map[string]domain.Ref{}
	for _, c := range im.draft.Clauses {
		for _, o := range c.Offices {
			key := name.Normalise(name.KindOfficeName, o.Name)
			if _, ok := known[key]; ok || o.Group || office.IsGroup(o.Name) {
				continue
			}
			ref, err := im.office(u, o.Name)
			if err != nil {
				return nil, err
			}
			known[key] = ref
		}
	}
	return known, nil
}

func (im *noticeImport) office(u *unit, printed string) (domain.Ref, error) {
	history, err := u.history(name.Ref(name.KindOfficeName, printed))
	if err != nil {
		return domain.Ref{}, err
	}
	if s := name.Replay(history); s.Held() {
		return u.heir(s.Owner)
	}
	ref := u.newRef(domain.KindOffice)
	ask := &office.Registered{Name: strings.TrimSpace(printed), Type: officeType(printed)}
	// The notice names the office, so it was there when the notice was issued.
	cmd := domain.Command{Entry: im.call.entry(im.issued), Subject: ref, Ask: ask}
	err = u.decide(ref, func(h []domain.Event) ([]domain.Event, error) {
		return office.Decide(office.Replay(h), cmd)
	})
	if err != nil {
		return domain.Ref{}, err
	}
	return ref, claimOfficeNames(u, cmd)
}

// officeType reads the type off a name's ending; the safety office can tell
// better and may register offices before the import.
func officeType(printed string) office.Type {
	switch {
	case strings.HasSuffix(printed, "中心"):
		return office.TypeCenter
	case strings.HasSuffix(printed, "处") || strings.HasSuffix(printed, "室") || strings.HasSuffix(printed, "科"):
		return office.TypeOffice
	default:
		return office.TypeExternal
	}
}

// clauses returns the draft's clauses with the offices they mean.
func (im *noticeImport) clauses(offices map[string]domain.Ref) ([]directive.Clause, error) {
	out := make([]directive.Clause, 0, len(im.draft.Clauses))
	for _, c := range im.draft.Clauses {
		d := directive.Clause{
			Number: c.Number, Path: c.Path, Headings: c.Headings, Part: c.Part, Text: c.Text, TextSHA256: c.TextSHA256,
			Lines: c.Lines, Mark: c.Mark, AndOthers: c.AndOthers, KindWords: c.KindWords,
		}
		if c.Kind != 0 {
			if err := d.Kind.UnmarshalText([]byte(c.Kind.String())); err != nil {
				return nil, fmt.Errorf("clause %d: %w", c.Number, err)
			}
		}
		for _, o := range c.Offices {
			var role directive.OfficeRole // a missing one is the directive's to refuse
			if o.Role != 0 {
				if err := role.UnmarshalText([]byte(o.Role.String())); err != nil {
					return nil, fmt.Errorf("clause %d: %w", c.Number, err)
				}
			}
			ref := offices[name.Normalise(name.KindOfficeName, o.Name)]
			d.Offices = append(d.Offices, directive.ClauseOffice{Name: o.Name, Role: role, PrintedRole: o.PrintedRole, Group: ref.IsZero(), Office: ref})
		}
		for _, dl := range c.Deadlines {
			d.Deadlines = append(d.Deadlines, directive.ClauseDeadline{Date: dl.Date, Words: dl.Words})
		}
		out = append(out, d)
	}
	return out, nil
}

// issue adds the directive and its clauses.
func (im *noticeImport) issue(u *unit, clauses []directive.Clause) error {
	d := im.draft
	asks := []domain.Payload{&directive.Issued{
		DocumentNumber: d.DocumentNumber, Title: d.Title, Issuer: d.Issuer, IssuedOn: d.IssuedOn, IssuedOnKind: issuedOnKind(d),
		Addressees: d.Addressees, CC: d.CC, BasedOn: d.BasedOn, Requirements: requirements(d),
		Source:     directive.Source{SHA256: im.source.SHA256, MediaType: im.source.MediaType, Bytes: im.source.Size},
		TextSHA256: directive.TextHash(d.Source),
	}}
	split, err := directive.Split(clauses)
	if err != nil {
		return err
	}
	for _, p := range split {
		asks = append(asks, p)
	}
	for _, ask := range asks {
		cmd := domain.Command{Entry: im.call.entry(im.issued), Subject: im.target, Ask: ask}
		err := u.decide(im.target, func(h []domain.Event) ([]domain.Event, error) {
			return directive.Decide(directive.Replay(h), cmd)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func issuedOnKind(d notice.Draft) directive.IssuedOnKind {
	var k directive.IssuedOnKind
	if err := k.UnmarshalText([]byte(d.IssuedOnKind.String())); err != nil {
		return 0 // an unknown date has no kind
	}
	return k
}

func requirements(d notice.Draft) []directive.Requirement {
	var out []directive.Requirement
	for _, r := range d.Requirements {
		out = append(out, directive.Requirement{Text: r.Text, Lines: r.Lines})
	}
	return out
}

// docket makes a task of a clause that names offices.
func docket(u *unit, entry domain.Entry, of, ref domain.Ref, c directive.Clause) error {
	kind, err := task.ParseKind(c.Kind.String())
	if err != nil {
		kind = task.KindOneOff // the notice does not say; decide-kind can
	}
	asks := []domain.Payload{
		&task.Docketed{Directive: of, Number: c.Number, Path: c.Path, Part: c.Part, TextSHA256: c.TextSHA256, Kind: kind},
		assignment(c),
	}
	for _, dl := range c.Deadlines {
		asks = append(asks, &task.StatedDeadline{Date: dl.Date, Words: dl.Words})
	}
	return decideTasks(u, ref, entry, asks...)
}

// assignment is what a clause's mark assigns: one share per office, however
// often the mark names it.
func assignment(c directive.Clause) *task.Assigned {
	a := &task.Assigned{}
	seen := map[domain.Ref]bool{}
	for _, o := range c.Offices {
		if o.Office.IsZero() || seen[o.Office] {
			continue
		}
		seen[o.Office] = true
		role, err := task.ParseRole(o.Role.String())
		if err != nil {
			role = task.RoleJoint
		}
		a.Offices = append(a.Offices, task.Assignment{Office: o.Office, Role: role, PrintedRole: o.PrintedRole})
	}
	return a
}
