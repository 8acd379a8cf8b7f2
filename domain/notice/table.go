package notice

import (
	"regexp"
	"strings"
)

// A table assigns tasks in columns: 序号, 任务, 牵头单位, 配合单位, 完成时限. Its rows
// are lines with tabs between the cells.
type table struct {
	columns []column
	heads   []string
	group   string // the last entry of a column that was merged over rows
	mark    string // the last row's mark
}

type column uint8

const (
	columnText   column = iota // what is to be done
	columnSerial               // 序号
	columnOffice               // 牵头单位
	columnTime                 // 完成时限
	columnPerson               // 责任人
)

// A row is a task of a table.
type row struct {
	heading string // of the first of several columns of text
	mark    string // the cells that say who and when, each behind its column's head
}

var (
	serialHead = regexp.MustCompile(`^(序号|编号|序|项号)$`)
	officeHead = regexp.MustCompile(`^(主要|市级|县级|省级|具体)?(责任|牵头|配合|主办|协办|承办|参与|落实|实施|主管|监管|督办|整改责任|整改)(处室|单位|部门|科室|机构|主体)(（[^）]*）|\([^)]*\))?$`)
	timeHead   = regexp.MustCompile(`^(完成|整改|办结|办理|落实)?(时限|时间|期限|时间节点|时间要求)(要求)?$|^进度安排$`)
	personHead = regexp.MustCompile(`责任人|领导|联系人|负责人|联络员|电话|联系方式`)
	taskHead   = regexp.MustCompile(`任务|内容|事项|措施|工作|要求|项目|目标|问题`)
)

// cellsOf returns the cells of a line, nil if it is no row.
func cellsOf(line string) []string {
	sep := "\t"
	if strings.Count(line, "|") >= 3 && strings.HasPrefix(trim(line), "|") {
		sep = "|"
		line = strings.Trim(trim(line), "|")
	}
	cells := strings.Split(line, sep)
	if len(cells) < 2 {
		return nil
	}
	for i := range cells {
		cells[i] = trim(cells[i])
	}
	return cells
}

// tableOf returns the table whose head the piece is, nil if it is none.
func tableOf(pc piece) *table {
	if len(pc.cells) < 2 || len(pc.text) > maxTitle {
		return nil
	}
	t := &table{columns: make([]column, len(pc.cells)), heads: make([]string, len(pc.cells))}
	tasks, offices := 0, 0
	for i, c := range pc.cells {
		c = squeeze(c)
		t.heads[i] = c
		switch {
		case serialHead.MatchString(c):
			t.columns[i] = columnSerial
		case officeHead.MatchString(c):
			t.columns[i] = columnOffice
			offices++
		case timeHead.MatchString(c):
			t.columns[i] = columnTime
		case personHead.MatchString(c):
			t.columns[i] = columnPerson
		case taskHead.MatchString(c):
			tasks++
		}
	}
	if tasks == 0 || offices == 0 {
		return nil
	}
	return t
}

// para makes a paragraph of a row. Where a cell is empty because it was merged
// with the one above, the one above counts.
func (t *table) para(pc piece, i, doc int) para {
	q := para{from: pc.line, to: pc.line, doc: doc, pieces: []int{i}, row: &row{}}
	var text, mark []string
	offices := false
	for k, c := range pc.cells {
		if c == "" {
			continue
		}
		kind, head := columnText, ""
		if k < len(t.columns) {
			kind, head = t.columns[k], t.heads[k]
		}
		switch kind {
		case columnSerial:
			q.labelled = true
			q.label = label{style: styleRow, printed: strings.TrimRight(c, "、.．"), number: ordinal(c)}
		case columnOffice, columnTime:
			offices = offices || kind == columnOffice
			mark = append(mark, head+"："+c)
		case columnPerson: // no names of persons
		default:
			if k == t.firstText() && t.manyTexts() {
				t.group = c
			} else {
				text = append(text, c)
			}
		}
	}
	q.text = strings.Join(text, "\n")
	q.row.heading = t.group
	if q.text == "" {
		q.text, q.row.heading = t.group, ""
	}
	if !offices && t.mark != "" {
		mark = append([]string{t.mark}, mark...)
	} else if offices {
		t.mark = strings.Join(officesOnly(mark), "；")
	}
	q.row.mark = strings.Join(mark, "；")
	return q
}

func officesOnly(mark []string) []string {
	var out []string
	for _, m := range mark {
		if head, _, _ := strings.Cut(m, "："); officeHead.MatchString(head) {
			out = append(out, m)
		}
	}
	return out
}

func (t *table) firstText() int {
	for i, c := range t.columns {
		if c == columnText {
			return i
		}
	}
	return -1
}

func (t *table) manyTexts() bool {
	n := 0
	for i, c := range t.columns {
		if c == columnText && t.heads[i] != "备注" {
			n++
		}
	}
	return n > 1
}
