package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"duban/api"
)

func (a *app) remindCommand() *cobra.Command {
	var ask api.ReminderRequest
	cmd := &cobra.Command{
		Use: "remind", Short: "按期催办 / enter the reminders of a day", Args: exactArgs(0),
		Long: "催办到期前 7 天、3 天、1 天和逾期（此后每 7 天）的分项；同一事项不重复，刚交办、转办、恢复或延期的 3 天内不催。\n" +
			"Reminds of what is due in 7, 3 and 1 days and of what is overdue, then every 7 days; nothing twice, and nothing that came or was put off within 3 days.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			body, err := json.Marshal(ask)
			if err != nil {
				return err
			}
			b, err := c.do(cmd.Context(), request{method: http.MethodPost, path: "reminders", body: bytes.NewReader(body), media: "application/json"})
			if err != nil || a.json {
				return a.rawOr(b, err)
			}
			var run api.ReminderRun
			if err := decode(b, &run); err != nil {
				return err
			}
			return a.printReminders(run)
		},
	}
	cmd.Flags().StringVar(&ask.Date, "date", "", "哪一天的催办 2019-12-24，缺省为今天 / of which day")
	cmd.Flags().BoolVar(&ask.DryRun, "dry-run", false, "只试算，不入账 / only show what would be entered")
	return cmd
}

func (a *app) printReminders(run api.ReminderRun) error {
	done := "已催办"
	if run.DryRun {
		done = "将催办"
	}
	var rows [][]string
	add := func(items []api.ReminderItem) {
		for _, i := range items {
			outcome := done
			if i.Reason != "" {
				outcome = "未催办：" + i.ReasonChinese
			}
			rows = append(rows, []string{i.Task, strings.Join(i.Path, ""), i.Office.Name, i.StepChinese, string(i.Deadline), string(i.Period), outcome})
		}
	}
	add(run.Entered)
	add(run.Skipped)
	if err := a.table([]string{"编号", "条款", "处室", "节点", "时限", "所属期", "结果"}, rows); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.out, "%s：%s %d 项，未催办 %d 项\n", run.Date, done, len(run.Entered), len(run.Skipped))
	return err
}
