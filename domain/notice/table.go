package notice

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A table assigns tasks in columns: 序号, 任务, 牵头单位, 配合单位, 完成时限. Its rows
// are lines with tabs between the cells.
type table struct {
	columns []column
	heads   []string
	spaced  bool   // blanks stand between the cells
	section string // the last row that was but a heading
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
	headings []string // the heading row above, and the first of several columns of text
	mark     string   // the cells that say who and when, each behind its column's head
}

var (
	serialHead    = regexp.MustCompile(`^(序号|编号|序|项号)$`)
	officeHead    = regexp.MustCompile(`^(主要|[省市县区]级|[省市县区]直|具体)?(责任|牵头|配合|主办|协办|承办|参与|落实|实施|主管|监管|督办|督导|整改责任|整改|负责|协同)([（(][^）)]{1,6}[）)])?(` + labelBodies + `)(（[^）]*）|\([^)]*\))?$`)
	timeHead      = regexp.MustCompile(`^(完成|整改|办结|办理|落实)?(时限|时间|期限|时间节点|时间要求)(要求)?$|^进度安排$`)
	personHead    = regexp.MustCompile(`责任人|领导|联系人|负责人|负责同志|联络员|经办人|电话|联系方式`)
	chapterSerial = regexp.MustCompile(`^[` + hanDigits + `]+、?$`)
	nobody        = regexp.MustCompile(`^([—－\-–/／\\]+|无)$`)
	noteHead      = regexp.MustCompile(`^(备\s*注|说明)$`)
	taskHead      = regexp.MustCompile(`任务|内容|事项|措施|工作|要求|项目|目标|问题`)
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

// tableOf returns the table whose head the piece is, nil if it is none. Without tabs
// the cells of a head may be told by blanks.
func tableOf(pc piece) *table {
	if len(pc.text) > maxTitle {
		return nil
	}
	if len(pc.cells) >= 2 {
		return headOf(pc.cells)
	}
	fields := strings.Fields(pc.text)
	if len(fields) < 3 {
		return nil
	}
	for _, f := range fields {
		if utf8.RuneCountInString(f) > maxHead {
			return nil
		}
	}
	t := headOf(fields)
	if t != nil {
		t.spaced = true
	}
	return t
}

// maxHead bounds, in characters, the head of a column that no tab sets off.
const maxHead = 12

// headOf reads the heads of a table's columns: one for tasks and one for offices
// there must be.
func headOf(cells []string) *table {
	t := &table{columns: make([]column, len(cells)), heads: make([]string, len(cells))}
	tasks, offices := 0, 0
	for i, c := range cells {
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

// isHead reports whether a cell may be the head of a column.
func isHead(c string) bool {
	return utf8.RuneCountInString(c) <= maxHead && !strings.ContainsAny(c, "。，；：") &&
		(serialHead.MatchString(c) || officeHead.MatchString(c) || timeHead.MatchString(c) || personHead.MatchString(c) || taskHead.MatchString(c) || noteHead.MatchString(c))
}

// cells returns the cells of a row, nil if the piece is none. Blanks inside the task
// are its own.
func (t *table) cells(pc piece) []string {
	if !t.spaced {
		if len(pc.cells) > 1 && !ruled(pc.cells) {
			return pc.cells
		}
		return nil
	}
	fields := strings.Fields(pc.text)
	more := len(fields) - len(t.columns)
	office := slices.Index(t.columns, columnOffice)
	if more < 0 || more > 0 && office < 1 || t.columns[0] == columnSerial && ordinal(strings.TrimRight(fields[0], "、.．")) == 0 {
		return nil
	}
	if more > 0 {
		task := strings.Join(fields[office-1:office+more], " ")
		fields = slices.Concat(fields[:office-1], []string{task}, fields[office+more:])
	}
	return fields
}

// ruled reports whether a row is but the rule below a head: | --- | --- |.
func ruled(cells []string) bool {
	return !slices.ContainsFunc(cells, func(c string) bool { return strings.Trim(c, "-:— ") != "" })
}

// A standing table is one whose cells were printed below each other, a line each.
type standing struct {
	*table
	rows map[int][]string // by the first piece of a row
}

// standingTable reads the table whose head begins with piece i. ok is false if there
// is none, or its rows can't be told.
func (p *page) standingTable(i int) (t standing, end int, ok bool) {
	if !serialHead.MatchString(squeeze(start(p.pieces[i].text, 30))) {
		return standing{}, 0, false
	}
	var heads []string
	for k := i; k < len(p.pieces) && k < i+maxHead && p.pieces[k].cells == nil && isHead(squeeze(p.pieces[k].text)); k++ {
		heads = append(heads, squeeze(p.pieces[k].text))
	}
	n := len(heads)
	if n < 3 {
		return standing{}, 0, false
	}
	if t.table = headOf(heads); t.table == nil {
		return standing{}, 0, false
	}
	t.rows = map[int][]string{}
	end = i + n
	for serial := 1; end+n <= len(p.pieces) && p.pieces[end].text == strconv.Itoa(serial); serial++ {
		var cells []string
		for _, pc := range p.pieces[end : end+n] {
			cells = append(cells, pc.text)
		}
		if next := end + n; next < len(p.pieces) && p.pieces[next].text != strconv.Itoa(serial+1) && slices.ContainsFunc(p.pieces[next:min(next+n, len(p.pieces))], func(pc piece) bool { return pc.text == strconv.Itoa(serial+1) }) {
			return standing{}, 0, false // this row has more lines than columns
		}
		t.rows[end] = cells
		end += n
	}
	return t, end, len(t.rows) > 0
}

// para makes a paragraph of a row. Where a cell is empty because it was merged
// with the one above, the one above counts.
func (t *table) para(cells []string, line, i, doc int) para {
	q := para{from: line, to: line, doc: doc, pieces: []int{i}, row: &row{}}
	var text, mark []string
	offices := false
	for k, c := range cells {
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
			if nobody.MatchString(c) {
				continue
			}
			mark = append(mark, head+"："+c)
		case columnPerson: // no names of persons
		default:
			if k == t.firstText() && t.manyTexts() {
				t.group = mend(c)
			} else {
				text = append(text, mend(c))
			}
		}
	}
	q.text = strings.Join(text, "\n")
	q.row.headings = slices.DeleteFunc([]string{t.section, t.group}, func(h string) bool { return h == "" })
	if q.text == "" {
		q.text, q.row.headings = t.group, nil
	}
	if !offices && t.mark != "" {
		mark = append([]string{t.mark}, mark...)
	} else if offices {
		t.mark = strings.Join(officesOnly(mark), "；")
	}
	q.row.mark = strings.Join(mark, "；")
	return q
}

// headingRow returns the text of a row that is but a heading over the rows below it.
func (t *table) headingRow(cells []string) string {
	filled := slices.DeleteFunc(slices.Clone(cells), func(c string) bool { return c == "" })
	if len(filled) == 2 && len(t.columns) > 3 && t.columns[0] == columnSerial && chapterSerial.MatchString(filled[0]) {
		return strings.TrimRight(filled[0], "、") + "、" + filled[1] // 一	经济指标
	}
	if len(t.columns) < 3 || len(filled) != 1 || utf8.RuneCountInString(filled[0]) < 3 || ordinal(filled[0]) > 0 {
		return ""
	}
	return filled[0]
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
