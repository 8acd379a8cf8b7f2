package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"duban/api"
	"duban/domain/calendar"
	"duban/domain/notice"
	"duban/projections"
)

func (a *app) importCommand() *cobra.Command {
	var dry bool
	var assignedOn, key string
	cmd := &cobra.Command{
		Use: "import FILE", Short: "登记通知（文本、.docx 或改过的草稿 JSON）/ import a notice", Args: exactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := a.readFile(args[0])
			if err != nil {
				return fmt.Errorf("读不到通知 / can't read the notice: %w", err)
			}
			media := mediaType(args[0])
			if dry {
				return a.dryRun(b, media)
			}
			c, err := a.client()
			if err != nil {
				return err
			}
			q := url.Values{}
			if assignedOn != "" {
				q.Set("assigned_on", assignedOn)
			}
			header := map[string]string{}
			if key != "" {
				header["Idempotency-Key"] = key
			}
			out, err := c.do(cmd.Context(), request{method: http.MethodPost, path: "directives", query: q, body: bytes.NewReader(b), media: media, header: header})
			if err := a.printWrite(out, err); err != nil || a.json {
				return err
			}
			return a.printImported(cmd.Context(), c, out, assignedOn)
		},
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "只试读，不写入 / read it only")
	cmd.Flags().StringVar(&assignedOn, "assigned-on", "", "交办日期，缺省为现在 / date of assignment, by default now")
	cmd.Flags().StringVar(&key, "idempotency-key", "", "ULID，重试时用同一个 / the same at a retry")
	return cmd
}

// longAgo is how many days after its issue a notice is handed out at the latest
// without a word about it; what is older is most likely entered after the fact.
const longAgo = 60

// printImported says what became of the notice.
func (a *app) printImported(ctx context.Context, c *client, answer []byte, assignedOn string) error {
	var w api.WriteResult
	if err := decode(answer, &w); err != nil {
		return err
	}
	var d projections.DirectiveView
	if err := c.get(ctx, "directives/"+url.PathEscape(w.ID), url.Values{"min_seq": {strconv.FormatUint(w.Sequence, 10)}}, &d); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "%s：任务 %d，分项 %d；清单见 duban tasks / tasks and shares\n", d.DocumentNumber, d.TaskCount, d.ShareCount)
	today := calendar.On(time.Now())
	if assignedOn == "" && d.IssuedOn != "" && d.IssuedOn.AddDays(longAgo) < today {
		fmt.Fprintf(a.out, "注意：文件印发于 %s，没有写 --assigned-on，交办日期记为今天 %s。补录旧文件的，请撤销登记（duban directive void %s --reason 交办日期有误），再用 --assigned-on 导入 / "+
			"issued on %s but assigned today: if it was handed out earlier, void it and import it with --assigned-on\n", d.IssuedOn, today, w.ID, d.IssuedOn)
	}
	return nil
}

// mediaType goes by the file's ending; what a text is made of is found out by
// reading it.
func mediaType(file string) string {
	switch strings.ToLower(filepath.Ext(file)) {
	case ".json":
		return "application/json"
	case ".docx":
		return "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	default:
		return "text/plain"
	}
}

func (a *app) dryRun(b []byte, media string) error {
	if media == "application/json" {
		return usageError{fmt.Errorf("草稿不必再试读，直接 import / a draft needs no dry run: import it")}
	}
	d, err := notice.Parse(b)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(d)
	}
	return a.printDraft(d)
}

func (a *app) printDraft(d notice.Draft) error {
	fmt.Fprintf(a.out, "文号：%s\n标题：%s\n发文机关：%s\n日期：%s\n主送：%s\n", d.DocumentNumber, d.Title, d.Issuer, d.IssuedOn, strings.Join(d.Addressees, "、"))
	for _, r := range d.Requirements {
		fmt.Fprintf(a.out, "要求（第 %d–%d 行）：%s\n", r.Lines[0], r.Lines[1], r.Text)
	}
	shares, tasks := 0, 0
	rows := make([][]string, len(d.Clauses))
	for i, c := range d.Clauses {
		var offices, dates []string
		for _, o := range c.Offices {
			offices = append(offices, o.Name)
		}
		for _, dl := range c.Deadlines {
			dates = append(dates, string(dl.Date)+" "+dl.Words)
		}
		if len(offices) > 0 {
			tasks++
			shares += len(offices)
		}
		rows[i] = []string{fmt.Sprint(c.Number), strings.Join(c.Path, "/"), strings.Join(offices, "、"), strings.Join(dates, "；"), excerpt(c.Text, 24)}
	}
	if err := a.table([]string{"项", "条款", "处室", "时限", "内容"}, rows); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "共 %d 项，其中 %d 项有责任处室，%d 个分项\n", len(d.Clauses), tasks, shares)
	for _, w := range d.Warnings {
		fmt.Fprintf(a.out, "注意（第 %d 行）：%s\n", w.Line, w.Message)
	}
	return nil
}

// decode is json.Unmarshal with the words of an answer that can't be read.
func decode(b []byte, v any) error {
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	return nil
}
