package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"duban/api"
	"duban/api/forms"
)

// sheetFlags are the flags of import-sheet.
type sheetFlags struct {
	query
	preview            bool
	rejected, template string
}

func (a *app) importSheetCommand() *cobra.Command {
	var f sheetFlags
	cmd := &cobra.Command{
		Use:   "import-sheet FORM [FILE]",
		Short: "收回填好的表格（.xlsx、.csv）/ bring a sheet back",
		Long: "FORM：progress 进展汇总表、rectification 问题整改清单、bulk 批量录入、hazards 他人的隐患台账。\n" +
			"先用 --preview 看每一行会怎样；有退回的行时退出码为 1。\n" +
			"FORM is progress, rectification, bulk, or hazards: somebody else's register of hazards. --preview says what would become of each row; the exit code is 1 if rows are rejected.",
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return usageError{errors.New("缺少表式，如 progress、rectification、bulk、hazards / name the form: progress, rectification, bulk or hazards")}
			case f.template == "" && len(args) != 2:
				return usageError{errors.New("缺少文件；空白表用 --template 文件 / name the file; --template FILE writes an empty form")}
			case f.template != "" && len(args) != 1:
				return usageError{errors.New("--template 只写空白表，不收文件 / --template writes an empty form and takes no file")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.template != "" {
				return a.save(cmd, "imports/"+url.PathEscape(args[0])+"/template", &query{}, f.template)
			}
			return a.importSheet(cmd, args[0], args[1], &f)
		},
	}
	f.flags(cmd, with(registerFlags(), map[string]string{
		"on-behalf-of": "代录：处室编号或名称，缺省为各行的处室 / office it is entered for, by default that of each row",
		"received-via": "收到方式 paper、oa、phone、meeting / how it came", "received-on": "收到日期 / when it came",
		"map": "表头对照：文件的表头:本表的表头，多项用逗号隔开 / headers of the file: theirs:ours, several with commas",
	}))
	cmd.Flags().BoolVar(&f.preview, "preview", false, "只试读，不写入 / record nothing")
	cmd.Flags().StringVar(&f.rejected, "rejected", "", "把退回的行及原因写入 Excel 文件，改好后可再导入 / write the rejected rows and why to this workbook")
	cmd.Flags().StringVar(&f.template, "template", "", "把空白表写入文件 / write an empty form to this file")
	return cmd
}

const approvalEvidence = "approval_evidence" // in the query

// registerFlags say what somebody else's register of hazards doesn't tell.
func registerFlags() map[string]string {
	return map[string]string{
		"supervising-office": "hazards：督办处室，缺省为 on-behalf-of / supervising office, by default that of on-behalf-of",
		"criterion":          "hazards：重大隐患的判定依据 / criterion of the major hazards",
		"place":              "hazards：地点 / where they all are",
		"categories":         "hazards：隐患类型对照，原类型:账本类别 / categories, theirs:ours",
		"approval-leader":    "hazards：批示领导，由一人录入整改和复查的须有批示 / leader who approves that one person enters both sides",
		"approval-on":        "hazards：批示日期 / day of the approval",
		"approval-words":     "hazards：批示内容 / words of the approval",
		"approval-evidence":  "hazards：批示件：文件，随导入上传；或已上传的 SHA-256 / the approval: a file, or the digest of one that was uploaded",
	}
}

func (a *app) importSheet(cmd *cobra.Command, form, file string, f *sheetFlags) error {
	sheet, err := a.readFile(file)
	if err != nil {
		return fmt.Errorf("读不到表格 / can't read the sheet: %w", err)
	}
	c, err := a.client()
	if err != nil {
		return err
	}
	f.values.Set("name", filepath.Base(file))
	if err := a.attachApproval(cmd.Context(), c, f); err != nil {
		return err
	}
	send := func(path string) ([]byte, error) {
		return c.do(cmd.Context(), request{
			method: http.MethodPost, path: "imports/" + url.PathEscape(form) + path, query: f.values,
			body: bytes.NewReader(sheet), media: "application/octet-stream",
		})
	}
	path := ""
	if f.preview {
		path = "/preview"
	}
	b, err := send(path)
	if err != nil {
		return err
	}
	var v api.ImportView
	if err := json.Unmarshal(b, &v); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	rejected := rejectedRows(v)
	if f.rejected != "" && rejected > 0 {
		f.values.Set("format", "xlsx")
		back, err := send("/preview")
		if err != nil {
			return err
		}
		if err := os.WriteFile(f.rejected, back, 0o600); err != nil {
			return fmt.Errorf("写入 %s 失败 / write %s: %w", f.rejected, f.rejected, err)
		}
	}
	if a.json {
		err = a.printRaw(b)
	} else {
		err = a.printImport(v)
	}
	if err == nil && rejected > 0 {
		return fmt.Errorf("退回 %d 行 / %d rows were rejected", rejected, rejected)
	}
	return err
}

// attachApproval stores the file that --approval-evidence names. A preview stores
// nothing and does without it.
func (a *app) attachApproval(ctx context.Context, c *client, f *sheetFlags) error {
	file := f.values.Get(approvalEvidence)
	switch {
	case file == "" || digest.MatchString(file):
		return nil
	case f.preview:
		f.values.Del(approvalEvidence)
		return nil
	}
	list, err := a.attach(ctx, c, []string{file})
	if err == nil {
		f.values.Set(approvalEvidence, list[0].SHA256)
	}
	return err
}

func rejectedRows(v api.ImportView) int {
	n := 0
	for _, r := range v.Rows {
		if r.Outcome.Rejected() {
			n++
		}
	}
	return n
}

// recordedRows counts the rows that this import put into the ledger.
func recordedRows(v api.ImportView) int {
	n := 0
	for _, r := range v.Rows {
		if len(r.Events) > 0 && (r.Outcome == forms.OutcomeChanged || r.Outcome == forms.OutcomeNew) {
			n++
		}
	}
	return n
}

// printImport prints the rows of which there is something to say.
func (a *app) printImport(v api.ImportView) error {
	var rows [][]string
	for _, r := range v.Rows {
		var acts, words []string
		for _, act := range r.Acts {
			acts = append(acts, act.Chinese)
		}
		for _, c := range r.Changes {
			words = append(words, c.Column+"："+excerpt(c.Was, 12)+" → "+excerpt(c.Becomes, 20))
		}
		for _, p := range r.Reasons {
			words = append(words, strings.TrimPrefix(p.Column+"："+p.Words, "："))
		}
		if len(acts)+len(words)+len(r.Events) > 0 {
			rows = append(rows, []string{strconv.Itoa(r.Row), r.Chinese, r.Record, strings.Join(acts, "、"), strings.Join(words, "；")})
		}
	}
	if len(rows) > 0 {
		if err := a.table([]string{"行", "结果", "记录", "事项", "差异或原因"}, rows); err != nil {
			return err
		}
	}
	for _, p := range v.Problems {
		fmt.Fprintln(a.out, p.Error())
	}
	for _, i := range v.Ignored {
		where := "第 " + strconv.Itoa(i.Row) + " 行“" + i.Text + "”"
		if i.Row == 0 {
			where = "“" + i.Column + "”列"
		}
		fmt.Fprintf(a.out, "跳过%s：%s\n", where, i.Why)
	}
	what := fmt.Sprintf("已导入，本次入账 %d 行", recordedRows(v))
	if v.Preview {
		what = "试读，没有写入"
	}
	fmt.Fprintf(a.out, "%s（%s）：", v.Chinese, what)
	var counts []string
	for _, c := range v.Totals {
		counts = append(counts, fmt.Sprintf("%s %d", c.Chinese, c.N))
	}
	_, err := fmt.Fprintf(a.out, "%s；账本序号 %d\n", strings.Join(counts, "，"), v.Sequence)
	return err
}
