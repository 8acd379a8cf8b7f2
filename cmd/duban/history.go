package main

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"duban/api"
	"duban/domain"
	"duban/domain/vocabulary"
	"duban/projections"
)

func (a *app) historyCommand() *cobra.Command {
	var q query
	cmd := &cobra.Command{Use: "history ID", Short: "一条记录的全部事件 / every event of a record", Args: exactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		c, err := a.client()
		if err != nil {
			return err
		}
		_, b, err := findRecord(cmd.Context(), c, args[0], q.values)
		if err != nil || a.json {
			return a.rawOr(b, err)
		}
		var h api.HistoryView
		if err := decode(b, &h); err != nil {
			return err
		}
		return a.printHistory(cmd.Context(), c, h)
	}}
	q.flags(cmd, cutFlags())
	return cmd
}

func (a *app) printHistory(ctx context.Context, c *client, h api.HistoryView) error {
	words, names := vocabulary.Words(), map[string]string{}
	rows := make([][]string, len(h.Events))
	for i, e := range h.Events {
		var offices []string
		for _, ref := range officesOf(e) {
			if names[ref] == "" {
				var err error
				if names[ref], err = officeName(ctx, c, ref); err != nil {
					return err
				}
			}
			offices = append(offices, names[ref])
		}
		rows[i] = []string{strconv.FormatUint(e.Sequence, 10), localTime(e.Time), localTime(e.RecordedTime), words[e.Type], strings.Join(offices, "、"),
			strings.TrimPrefix(e.Type, "duban."), e.Actor, marksOf(e), e.ID}
	}
	return a.table([]string{"序号", "发生", "入账", "事件", "处室", "类型", "录入人", "", "事件编号"}, rows)
}

func marksOf(e projections.TrailEntry) string {
	var marks []string
	for _, m := range []struct {
		is   bool
		word string
	}{{e.Late, "补录"}, {e.Voided, "作废"}, {len(e.CorrectedBy) > 0, "已更正"}} {
		if m.is {
			marks = append(marks, m.word)
		}
	}
	return strings.Join(marks, " ")
}

// officeName returns an office's present name. What only looks like an office, in a
// text that somebody wrote, stays as it is.
func officeName(ctx context.Context, c *client, ref string) (string, error) {
	var o projections.OfficeView
	err := c.get(ctx, "offices/"+url.PathEscape(strings.TrimPrefix(ref, "office/")), nil, &o)
	var p problemError
	if asProblem(err, &p) && p.p.Status == http.StatusNotFound {
		return ref, nil
	}
	return o.Name, err
}

// officesOf returns the offices an event is about, in the order it names them; where
// it names none, the one it was entered for.
func officesOf(e projections.TrailEntry) []string {
	var event struct{ Data any }
	_ = json.Unmarshal(e.Event, &event) // what can't be read names none
	var found []string
	collectOffices(event.Data, &found)
	if len(found) == 0 && e.Office != "" {
		found = []string{e.Office}
	}
	return found
}

// collectOffices finds references to offices at the places where the types of events
// have them: in fields and lists, in the fields' alphabetical order.
func collectOffices(v any, found *[]string) {
	switch v := v.(type) {
	case string:
		if ref, err := domain.ParseRef(v); err == nil && ref.Kind == domain.KindOffice && !slices.Contains(*found, v) {
			*found = append(*found, v)
		}
	case []any:
		for _, x := range v {
			collectOffices(x, found)
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			collectOffices(v[k], found)
		}
	}
}
