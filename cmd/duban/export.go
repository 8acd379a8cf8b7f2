package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/spf13/cobra"
)

// stdout stands for the standard output where a file is named.
const stdout = "-"

// exporting lets a list be had as a table: --xlsx and --csv write the whole report
// at path, of what the list's flags select, to a file.
func (a *app) exporting(cmd *cobra.Command, path string, q *query) *cobra.Command {
	var xlsx, csv string
	cmd.Flags().StringVar(&xlsx, "xlsx", "", "把整张表写入 Excel 文件，- 为标准输出 / write the whole table as a workbook to this file")
	cmd.Flags().StringVar(&csv, "csv", "", "把整张表写入 CSV 文件，- 为标准输出 / write the whole table as .csv to this file")
	list := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case xlsx != "" && csv != "":
			return usageError{errors.New("--xlsx 和 --csv 只能用一个 / use either --xlsx or --csv")}
		case xlsx != "":
			return a.export(cmd, path, q, "xlsx", xlsx)
		case csv != "":
			return a.export(cmd, path, q, "csv", csv)
		}
		return list(cmd, args)
	}
	return cmd
}

func (a *app) export(cmd *cobra.Command, path string, q *query, format, file string) error {
	q.values.Set("format", format)
	return a.save(cmd, path, q, file)
}

// save writes what the server answers to a file.
func (a *app) save(cmd *cobra.Command, path string, q *query, file string) error {
	c, err := a.client()
	if err != nil {
		return err
	}
	b, err := c.do(cmd.Context(), request{method: http.MethodGet, path: path, query: q.values})
	if err != nil {
		return err
	}
	if file == stdout {
		_, err := a.out.Write(b)
		return err
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		return fmt.Errorf("写入 %s 失败 / write %s: %w", file, file, err)
	}
	if a.json {
		return a.printJSON(exported{File: file, Bytes: len(b)})
	}
	_, err = fmt.Fprintf(a.out, "已写入 %s，%d 字节\n", file, len(b))
	return err
}

// exported is what an export answers with --json.
type exported struct {
	File  string `json:"file"`
	Bytes int    `json:"bytes"`
}

func (a *app) registerCommand() *cobra.Command {
	var q query
	var out string
	cmd := &cobra.Command{Use: "register", Short: "一个年度的台账，一个 Excel 文件 / the whole register of a year as one workbook", Args: exactArgs(0), RunE: func(cmd *cobra.Command, _ []string) error {
		if err := q.required("year", "2019"); err != nil {
			return err
		}
		if out == "" {
			return usageError{errors.New("缺少 -o 文件，例如 -o 台账.xlsx / -o FILE is missing, for example -o register.xlsx")}
		}
		return a.save(cmd, "register", &q, out)
	}}
	q.flags(cmd, with(cutFlags(), map[string]string{"year": "年度 / year"}))
	cmd.Flags().StringVarP(&out, "output", "o", "", "写入的文件，- 为标准输出 / the file to write, - for the standard output")
	return cmd
}
