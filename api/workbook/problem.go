package workbook

import (
	"fmt"
	"strings"
)

// A Problem says what could not be taken, where it stands and what to do.
type Problem struct {
	Rule   string `json:"rule" doc:"作出判断的规则"`
	Sheet  string `json:"sheet,omitempty" doc:"工作表；CSV 没有"`
	Row    int    `json:"row" doc:"行号，从 1 起"`
	Column string `json:"column,omitempty" doc:"表头"`
	Cell   string `json:"cell,omitempty" doc:"单元格，如 C12"`
	Value  string `json:"value,omitempty" doc:"单元格里的内容"`
	Words  string `json:"message" doc:"哪里不对、应当怎样做；先中文后英文"`
}

func (p Problem) Error() string {
	var place strings.Builder
	if p.Sheet != "" {
		fmt.Fprintf(&place, "工作表“%s”", p.Sheet)
	}
	fmt.Fprintf(&place, "第 %d 行", p.Row)
	if p.Column != "" {
		fmt.Fprintf(&place, "“%s”", p.Column)
	}
	return place.String() + "：" + p.Words
}

// Ignored is what was passed over on purpose.
type Ignored struct {
	Sheet  string `json:"sheet,omitempty"`
	Row    int    `json:"row,omitempty" doc:"行号；忽略整列时没有"`
	Column string `json:"column,omitempty" doc:"忽略的列的表头"`
	Text   string `json:"text,omitempty" doc:"该行的开头"`
	Why    string `json:"why"`
}

// A fault is what is wrong with a value, wherever it stands.
type fault struct{ rule, words string }

func faultf(rule, format string, args ...any) *fault {
	return &fault{rule, fmt.Sprintf(format, args...)}
}
