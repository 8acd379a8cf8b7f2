package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/oklog/ulid/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/api"
	"duban/domain"
	"duban/domain/task"
	"duban/eventstore"
)

const remindedNotice = `关于抓好某项工作的通知

各处室：
现将有关事项通知如下：
一、主要任务
1.完善制度，2019年12月底前完成。（责任处室：化工处、机电处）
2.开展排查，2019年11月底前完成。（责任处室：化工处）
3.加强宣传。（责任处室：信息中心）

某单位
2019年6月27日
`

// reminders imports three tasks, assigned on 2019-07-01: two with a date.
func remindersOf(t *testing.T) (*node, imported) {
	n := start(t)
	n.clock.set(t, "2019-07-01 09:00")
	im := n.importNotice(remindedNotice)
	require.Len(t, im.tasks, 3)
	return n, im
}

func (n *node) remind(b body) api.ReminderRun {
	n.t.Helper()
	var run api.ReminderRun
	n.post(n.token, "reminders", b).want(http.StatusOK).into(&run)
	return run
}

// lines are items as "1 化工处 t_7", with the reason where there is one.
func lines(items []api.ReminderItem) []string {
	out := []string{}
	for _, i := range items {
		out = append(out, strings.TrimSpace(string(rune('0'+i.Number))+" "+i.Office.Name+" "+i.Step+" "+i.Reason))
	}
	return out
}

// reminded returns the reminders on record of a task.
func (n *node) reminded(id string) (out []eventstore.Record) {
	n.t.Helper()
	a, err := n.store.Load(n.t.Context(), domain.Ref{Kind: domain.KindTask, ID: id})
	require.NoError(n.t, err)
	for _, r := range a.Records {
		if _, ok := r.Data.(*task.Reminded); ok {
			out = append(out, r)
		}
	}
	return out
}

func TestReminders(t *testing.T) {
	n, im := remindersOf(t)
	n.clock.set(t, "2019-12-24 09:00")
	due := []string{"1 化工处 t_7", "1 机电处 t_7", "2 化工处 overdue"}
	n.unchanged(func() {
		run := n.remind(body{"dry_run": true})
		assert.True(t, run.DryRun)
		assert.Equal(t, due, lines(run.Entered))
	})
	run := n.remind(body{})
	assert.EqualValues(t, "2019-12-24", run.Date)
	assert.Equal(t, due, lines(run.Entered))
	assert.Empty(t, run.Skipped)

	records := n.reminded(im.tasks[1])
	require.Len(t, records, 1, "one command for the task, one event for what is the same")
	d := records[0].Data.(*task.Reminded)
	assert.Len(t, d.Offices, 2)
	assert.Equal(t, "距时限 2019-12-31 还有 7 天，请抓紧办理", d.Words)
	assert.Equal(t, domain.RoleSafetyOffice, records[0].Authority)
	assert.Equal(t, "operator", records[0].Actor.ID)

	n.unchanged(func() {
		again := n.remind(body{"date": "2019-12-24"})
		assert.Empty(t, again.Entered)
		assert.Equal(t, []string{"1 化工处 t_7 reminded", "1 机电处 t_7 reminded", "2 化工处 overdue reminded"}, lines(again.Skipped))
	})
}

// A run after a restart finds what the one before it entered, also where that was
// broken off half way.
func TestRemindersAfterRestart(t *testing.T) {
	n, im := remindersOf(t)
	n.clock.set(t, "2019-12-24 09:00")
	n.remind(body{})
	n.close()
	n.open()
	n.unchanged(func() { assert.Empty(t, n.remind(body{}).Entered) })
	n.clock.set(t, "2019-12-28 09:00")
	assert.Equal(t, []string{"1 化工处 t_3", "1 机电处 t_3"}, lines(n.remind(body{}).Entered))
	n.clock.set(t, "2019-12-31 09:00")
	assert.Equal(t, []string{"2 化工处 overdue"}, lines(n.remind(body{}).Entered), "seven days after the last")
	n.clock.set(t, "2020-01-01 09:00")
	run := n.remind(body{})
	assert.Equal(t, []string{"1 化工处 overdue", "1 机电处 overdue"}, lines(run.Entered))
	assert.Equal(t, []string{"2 化工处 overdue reminded"}, lines(run.Skipped))
	assert.Len(t, n.reminded(im.tasks[1]), 3)
}

// Of runs that overlap one enters each reminder, whoever asked.
func TestRemindersAtOnce(t *testing.T) {
	n, im := remindersOf(t)
	n.clock.set(t, "2019-12-24 09:00")
	server := api.New(n.config)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() { n.post(n.token, "reminders", body{}).want(http.StatusOK) })
		wg.Go(func() {
			_, err := server.RemindToday(t.Context())
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	assert.Len(t, n.reminded(im.tasks[1]), 1)
	assert.Len(t, n.reminded(im.tasks[2]), 1)
}

// The server reminds in its own name, and a clerk who asks after it enters nothing.
func TestServerReminds(t *testing.T) {
	n, im := remindersOf(t)
	n.clock.set(t, "2019-12-24 09:00")
	run, err := api.New(n.config).RemindToday(t.Context())
	require.NoError(t, err)
	assert.Len(t, run.Entered, 3)
	r := n.reminded(im.tasks[2])[0]
	assert.Equal(t, "person/system", r.Actor.String())
	assert.Equal(t, domain.RoleSystem, r.Authority)
	assert.True(t, r.Office.IsZero())
	n.unchanged(func() { assert.Empty(t, n.remind(body{}).Entered) })
	var history struct{ Events []json.RawMessage }
	n.get(n.caughtUp("tasks/" + im.tasks[2] + "/history")).want(http.StatusOK).into(&history)
	assert.Contains(t, string(history.Events[len(history.Events)-1]), "system")
}

// Nobody is reminded of what just came to them or was just put off.
func TestRemindersWithheld(t *testing.T) {
	n, im := remindersOf(t)
	leader := body{"leader": "厅长", "on": "2019-12-22", "words": "同意"}
	clerk := n.member("huagong-01", "office", im.offices["化工处"])
	n.clock.set(t, "2019-12-22 09:00")
	n.act(n.token, "tasks/"+im.tasks[1]+"/transfer", body{"from": im.offices["机电处"], "to": im.offices["信息中心"], "cause": "decision"})
	n.act(clerk, "tasks/"+im.tasks[2]+"/request-extension", body{"new_date": "2019-12-25", "reason": "设备未到货"})
	n.act(n.token, "tasks/"+im.tasks[2]+"/grant-extension", body{"office": im.offices["化工处"], "new_date": "2019-12-25", "approval": leader,
		"basis": []body{{"document": "上级同意延期的函"}}, "evidence": n.attach("函")})
	n.clock.set(t, "2019-12-24 09:00")
	run := n.remind(body{})
	assert.Equal(t, []string{"1 化工处 t_7"}, lines(run.Entered))
	assert.Equal(t, []string{"1 信息中心 t_7 recent", "2 化工处 t_1 recent"}, lines(run.Skipped))
	n.act(clerk, "tasks/"+im.tasks[1]+"/request-closure", body{"summary": "已完成"})
	n.clock.set(t, "2019-12-28 09:00")
	run = n.remind(body{})
	assert.Equal(t, []string{"1 信息中心 t_3", "2 化工处 overdue"}, lines(run.Entered))
	assert.Equal(t, []string{"1 化工处 t_3 pending"}, lines(run.Skipped))
}

// A day that is over is entered late, one to come only tried.
func TestRemindersOfAnotherDay(t *testing.T) {
	n, im := remindersOf(t)
	n.clock.set(t, "2019-12-26 09:00")
	n.unchanged(func() {
		p := n.post(n.token, "reminders", body{"date": "2019-12-28"}).problem(http.StatusUnprocessableEntity)
		assert.Equal(t, "reminders.future", p.Rule)
		n.post(n.token, "reminders", body{"date": "12月28日"}).problem(http.StatusUnprocessableEntity)
		assert.Equal(t, []string{"1 化工处 t_3", "1 机电处 t_3", "2 化工处 overdue"}, lines(n.remind(body{"date": "2019-12-28", "dry_run": true}).Entered))
		office := n.member("huagong-01", "office", im.offices["化工处"])
		n.post(office, "reminders", body{"dry_run": true}).problem(http.StatusForbidden)
	})
	n.remind(body{"date": "2019-12-24"})
	r := n.reminded(im.tasks[1])[0]
	assert.Equal(t, "2019-12-24 23:59", r.Time.Format("2006-01-02 15:04"))
}

// What the day's command entered for a task is not entered again where somebody
// took it out.
func TestVoidedReminderStaysOut(t *testing.T) {
	n, im := remindersOf(t)
	n.clock.set(t, "2019-12-24 09:00")
	n.remind(body{})
	n.act(n.token, "tasks/"+im.tasks[2]+"/correct", body{"target": n.reminded(im.tasks[2])[0].ID, "mode": "void", "reason": "已当面说明"})
	n.unchanged(func() {
		assert.Contains(t, lines(n.remind(body{}).Skipped), "2 化工处 overdue reminded")
		assert.Contains(t, lines(n.remind(body{"dry_run": true}).Skipped), "2 化工处 overdue reminded")
	})
	_, err := ulid.ParseStrict(n.reminded(im.tasks[2])[0].ID)
	assert.NoError(t, err)
}
