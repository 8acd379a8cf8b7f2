package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/6tail/lunar-go/HolidayUtil"
	"github.com/danielgtaylor/huma/v2"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/policy"
	"duban/domain/workyear"
	"duban/projections"
)

type calendarsInput struct{ CutParams }

type proposalInput struct {
	ID string `path:"id" doc:"年份"`
}

// CalendarProposal is a year's working calendar as a command to publish it.
type CalendarProposal struct {
	Year   int             `json:"year"`
	Off    []calendar.Date `json:"off"`
	Worked []calendar.Date `json:"worked,omitempty"`
	Source string          `json:"source" doc:"建议的来源；发布时请改为国务院办公厅通知的文号"`
}

const (
	tagCalendars = "工作日历"
	tagPolicy    = "亮灯规则"
)

func (s *Server) calendars() {
	s.commands(resource{
		kind: domain.KindCalendar, plural: "calendars", chinese: tagCalendars, acts: workyear.Acts(), create: "publish",
		subject: func(p domain.Payload) domain.Ref { return workyear.Ref(p.(*workyear.YearPublished).Year) },
		decide: func(history []domain.Event, c domain.Command) ([]domain.Event, error) {
			return workyear.Decide(workyear.Replay(history), c)
		},
	})
	register(s, huma.Operation{Method: http.MethodGet, Path: "/calendars", OperationID: "list-calendars", Tags: []string{tagCalendars}, Summary: "已发布的年份"},
		func(ctx context.Context, in *calendarsInput) (*body[projections.Page[projections.CalendarView]], error) {
			v, today, err := s.view(ctx, in.CutParams)
			if err != nil {
				return nil, err
			}
			defer v.Close()
			page, err := v.Calendars(ctx, today)
			return &body[projections.Page[projections.CalendarView]]{Body: page}, err
		})
	register(s, huma.Operation{Method: http.MethodGet, Path: "/calendars/{id}", OperationID: "get-calendar", Tags: []string{tagCalendars}, Summary: "一年的工作日历及其各版"},
		func(ctx context.Context, in *oneInput) (*body[projections.CalendarView], error) {
			v, _, err := s.view(ctx, in.CutParams)
			if err != nil {
				return nil, err
			}
			defer v.Close()
			y, err := v.Calendar(ctx, in.ID)
			return &body[projections.CalendarView]{ETag: etag(y.Version), Body: y}, err
		})
	register(s, huma.Operation{Method: http.MethodGet, Path: "/calendars/{id}/proposal", OperationID: "propose-calendar", Tags: []string{tagCalendars},
		Summary: "按内置的节假日资料拟出一年的工作日历，不写入任何内容"},
		func(_ context.Context, in *proposalInput) (*body[CalendarProposal], error) {
			p, err := propose(in.ID)
			return &body[CalendarProposal]{Body: p}, err
		})
	s.historyRoute("calendars", tagCalendars, domain.KindCalendar)
}

// holidayData names the source of proposals.
const holidayData = "6tail/lunar-go v1.4.6"

// propose takes a year from the holiday data built in. It holds the last version of
// each year, so that of 2020 is the prolonged one.
func propose(year string) (CalendarProposal, error) {
	var plain calendar.Workdays // Monday to Friday
	n, err := strconv.Atoi(year)
	p := CalendarProposal{Year: n, Source: fmt.Sprintf("国务院办公厅关于%d年部分节假日安排的通知（据 %s）", n, holidayData)}
	if err == nil && len(year) == len("2020") {
		for e := HolidayUtil.GetHolidaysByYear(n).Front(); e != nil; e = e.Next() {
			h, ok := e.Value.(*HolidayUtil.Holiday)
			if !ok {
				continue
			}
			d := calendar.Date(h.GetDay())
			switch {
			case !h.IsWork():
				p.Off = append(p.Off, d)
			case !plain.Works(d): // it also lists a weekday as worked, 2012-05-02
				p.Worked = append(p.Worked, d)
			}
		}
	}
	if len(p.Off) == 0 {
		return p, newProblem(http.StatusNotFound, "not-found",
			"内置的节假日资料没有 "+year+" 年，请自行填写 off 和 worked / the holiday data built in does not hold "+year+": give off and worked yourself")
	}
	return p, nil
}

// policy adds the rules of the lights: what is in force is read and set at one
// place.
func (s *Server) policy() {
	s.commands(resource{
		kind: domain.KindPolicy, plural: "policy/lights", chinese: tagPolicy, acts: policy.Acts(), create: "set-lights", single: true,
		subject: func(domain.Payload) domain.Ref { return policy.Ref() },
		decide: func(history []domain.Event, c domain.Command) ([]domain.Event, error) {
			return policy.Decide(policy.Replay(history), c)
		},
	})
	register(s, huma.Operation{Method: http.MethodGet, Path: "/policy/lights", OperationID: "get-lights", Tags: []string{tagPolicy}, Summary: "现行亮灯规则及历次设定"},
		func(ctx context.Context, in *calendarsInput) (*body[projections.PolicyView], error) {
			v, _, err := s.view(ctx, in.CutParams)
			if err != nil {
				return nil, err
			}
			defer v.Close()
			p, err := v.LightRules(ctx)
			return &body[projections.PolicyView]{ETag: etag(p.Version), Body: p}, err
		})
}
