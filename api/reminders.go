package api

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/oklog/ulid/v2"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/office"
	"duban/domain/task"
	"duban/eventstore"
	"duban/projections"
)

// ReminderRequest asks for the reminders of a day.
type ReminderRequest struct {
	Date   string `json:"date,omitempty" doc:"哪一天的催办，缺省为今天；以前的日期为补录，以后的日期只能试算"`
	DryRun bool   `json:"dry_run,omitempty" doc:"只试算，不入账"`
}

// ReminderRun is what a day's reminders came to.
type ReminderRun struct {
	Date    calendar.Date  `json:"date"`
	DryRun  bool           `json:"dry_run,omitempty"`
	Entered []ReminderItem `json:"entered" doc:"已入账的催办；试算时为将入账的"`
	Skipped []ReminderItem `json:"skipped" doc:"逢催办日而没有催办的分项及其原因"`
}

// ReminderItem is one share on a day of reminding.
type ReminderItem struct {
	Task          string            `json:"task"`
	Number        int               `json:"number" doc:"第几项"`
	Path          []string          `json:"path"`
	Office        projections.Named `json:"office"`
	Step          string            `json:"step" doc:"t_7、t_3、t_1 到期前几天，overdue 逾期"`
	StepChinese   string            `json:"step_chinese"`
	Deadline      calendar.Date     `json:"deadline"`
	Period        calendar.Period   `json:"period,omitempty"`
	Words         string            `json:"words" doc:"催办内容"`
	Reason        string            `json:"reason,omitempty" doc:"没有催办的原因：suspended 已中止, pending 等待答复, recent 刚交办、转办、恢复或延期, reminded 已催办, refused 被拒绝"`
	ReasonChinese string            `json:"reason_chinese,omitempty"`
}

// reasonRefused: the task takes no command now, as one that newer software wrote to.
const reasonRefused = "refused"

type remindersInput struct{ Body ReminderRequest }

func (s *Server) reminders() {
	// Every task that is overdue is read from the ledger: this gets its own time.
	huma.Register(s.api, huma.Operation{Method: http.MethodPost, Path: "/reminders", OperationID: "remind-by-calendar", Tags: []string{"任务"},
		Summary: "按期催办：到期前 7 天、3 天、1 天和逾期的分项，同一事项不重复"},
		func(ctx context.Context, in *remindersInput) (*body[ReminderRun], error) {
			run, err := s.remindAsked(ctx, in.Body)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			return &body[ReminderRun]{Body: run}, nil
		})
}

func (s *Server) remindAsked(ctx context.Context, r ReminderRequest) (ReminderRun, error) {
	if err := requireRole(ctx, domain.RoleSafetyOffice); err != nil {
		return ReminderRun{}, err
	}
	today := calendar.On(s.Clock())
	day := today
	if r.Date != "" {
		var err error
		if day, err = calendar.ParseDate(r.Date); err != nil {
			return ReminderRun{}, invalid("reminders.date", "date", err)
		}
	}
	if day > today && !r.DryRun {
		return ReminderRun{}, domain.Invalid("reminders.future", "date",
			"不能预先催办，今天是 "+string(today)+"；可以用 dry_run 试算", "nobody is reminded ahead of time, today is "+string(today)+": dry_run shows what will be due")
	}
	ctx, cancel := context.WithTimeout(ctx, checkupTime)
	defer cancel()
	return s.remind(ctx, callerOf(ctx), day, r.DryRun)
}

// RemindToday enters the reminders of today in the server's own name.
func (s *Server) RemindToday(ctx context.Context) (ReminderRun, error) {
	if err := s.unchecked(); err != nil {
		return ReminderRun{}, err
	}
	return s.remind(ctx, eventstore.System(), calendar.On(s.Clock()), false)
}

// A round is one run over the tasks that may be due on a day.
type round struct {
	server *Server
	caller domain.Caller
	day    calendar.Date
	names  map[domain.Ref]string // of offices
	run    ReminderRun
}

func (s *Server) remind(ctx context.Context, by domain.Caller, day calendar.Date, dry bool) (ReminderRun, error) {
	if err := s.reach(ctx, s.Store.Acked()); err != nil {
		return ReminderRun{}, err
	}
	v, err := s.Model.At(ctx, projections.AsOf{})
	if err != nil {
		return ReminderRun{}, err
	}
	defer v.Close()
	due, err := v.OfDeadline(ctx, day.AddDays(task.RemindAhead))
	if err != nil {
		return ReminderRun{}, err
	}
	r := round{server: s, caller: by, day: day, names: map[domain.Ref]string{},
		run: ReminderRun{Date: day, DryRun: dry, Entered: []ReminderItem{}, Skipped: []ReminderItem{}}}
	for _, ref := range due.Tasks {
		if err := r.task(ctx, ref); err != nil {
			return ReminderRun{}, fmt.Errorf("remind of %s: %w", ref, err)
		}
	}
	return r.run, nil
}

// task enters what is due of one task. The list came from a read model; what counts
// is the task as the ledger holds it.
func (r *round) task(ctx context.Context, ref domain.Ref) error {
	a, err := r.server.Store.History(ctx, ref)
	if err != nil {
		return err
	}
	t := task.Replay(a.Events)
	calls := t.Calls(r.day)
	c := r.call(ref)
	switch {
	case len(t.Reminders(r.day)) == 0:
		return r.note(ctx, t, calls, "", "")
	case len(a.Find(c.command.ID)) > 0:
		return r.note(ctx, t, calls, task.WithheldReminded.String(), task.WithheldReminded.Chinese())
	case r.run.DryRun:
		return r.note(ctx, t, calls, "", "")
	}
	out, err := r.enter(ctx, c, ref)
	var refused *domain.Refusal
	switch {
	case errors.As(err, &refused):
		return r.note(ctx, t, calls, reasonRefused, refused.Chinese)
	case errors.Is(err, errReminded) || err == nil && out.Replayed != "":
		return r.note(ctx, t, calls, task.WithheldReminded.String(), task.WithheldReminded.Chinese())
	case err != nil:
		return err
	}
	return r.note(ctx, t, calls, "", "")
}

// call is the task's one command of the day. The day and the task make its id,
// whoever asks: that ends a race of two runs and the repetition after a crash, while
// the task's state keeps the same reminder from being entered on another day.
func (r *round) call(ref domain.Ref) call {
	key := dayKey(r.day)
	return call{caller: r.caller, now: r.server.Clock(), key: key, command: eventstore.Command{
		ID: eventstore.CommandID(eventstore.System().Person, "reminders/"+ref.String(), key), Digest: eventstore.Digest([]byte(r.day)),
	}}
}

// errReminded: another run was faster.
var errReminded = errors.New("the reminders are entered")

func (r *round) enter(ctx context.Context, c call, ref domain.Ref) (*writeOutput, error) {
	entry := c.entry(time.Time{})
	if r.day < calendar.On(c.now) { // entered late
		entry.Time = r.day.End()
	}
	return r.server.execute(ctx, c, ref, func(u *unit) error {
		history, err := u.history(ref)
		if err != nil {
			return err
		}
		asks := task.Replay(history).Reminders(r.day)
		if len(asks) == 0 {
			return errReminded
		}
		for _, ask := range asks {
			err := u.decide(ref, func(h []domain.Event) ([]domain.Event, error) {
				return task.Decide(task.Replay(h), domain.Command{Entry: entry, Subject: ref, Ask: ask})
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// dayKey is the key of a day's reminders: a ULID like any other, with the day's
// first instant as its time.
func dayKey(d calendar.Date) ulid.ULID {
	var key ulid.ULID
	entropy := sha256.Sum256([]byte("reminders " + d))
	copy(key[6:], entropy[:])
	_ = key.SetTime(ulid.Timestamp(d.Start())) // fails after the year 10889
	return key
}

// note puts a task's calls into the answer. reason is why those that were due were
// not entered, "" if they were.
func (r *round) note(ctx context.Context, t task.State, calls []task.Call, reason, chinese string) error {
	for _, c := range calls {
		name, err := r.name(ctx, c.Office)
		if err != nil {
			return err
		}
		item := ReminderItem{
			Task: t.Ref.ID, Number: t.Number, Path: t.Path, Office: projections.Named{ID: c.Office.ID, Name: name},
			Step: c.Step.String(), StepChinese: c.Step.Chinese(), Deadline: c.Deadline, Period: c.Period, Words: c.Words(r.day),
			Reason: reason, ReasonChinese: chinese,
		}
		if c.Withheld != 0 {
			item.Reason, item.ReasonChinese = c.Withheld.String(), c.Withheld.Chinese()
		}
		if item.Reason == "" {
			r.run.Entered = append(r.run.Entered, item)
		} else {
			r.run.Skipped = append(r.run.Skipped, item)
		}
	}
	return nil
}

func (r *round) name(ctx context.Context, ref domain.Ref) (string, error) {
	if name, ok := r.names[ref]; ok {
		return name, nil
	}
	a, err := r.server.Store.History(ctx, ref)
	if err != nil {
		return "", err
	}
	r.names[ref] = office.Replay(a.Events).Name
	return r.names[ref], nil
}
