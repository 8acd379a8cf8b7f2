package notice_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// letter puts a body below the head of a notice issued on 2021-03-01.
func letter(body string) string {
	return "甲厅发〔2021〕3号\n甲省水利厅关于做好防汛工作的通知\n各市水利局：\n现通知如下：\n" + body + "\n甲省水利厅\n2021年3月1日\n"
}

// Every notation of an office, in sentences of our own. The mark stands behind
// the sentence "1.修堤。"; of its offices the role is given, of time the date.
func TestNotations(t *testing.T) {
	for _, tc := range []struct{ mark, offices, deadlines string }{
		{"（责任处室：建管处）", "建管处:lead", ""},
		{"（责任处室：建管处、规划处）", "建管处:joint 规划处:joint", ""},
		{"(责任处室:建管处、规划处)", "建管处:joint 规划处:joint", ""},
		{"（责任单位：建管处，规划处）", "建管处:joint 规划处:joint", ""},
		{"（责任单位:建管处、规划处等）", "建管处:joint 规划处:joint 等", ""},
		{"（责任单位：建管处；规划处；各市水利局）", "建管处:joint 规划处:joint 各市水利局:joint*", ""},
		{"（责任部门 建管处、规划处）", "建管处:joint 规划处:joint", ""},
		{"【责任单位：建管处、各县（区）政府】", "建管处:joint 各县（区）政府:joint*", ""},
		{"[责任单位：建管处]", "建管处:lead", ""},
		{"（建管处负责）", "建管处:lead", ""},
		{"（建管处、规划处负责）", "建管处:joint 规划处:joint", ""},
		{"(建管处、规划处等有关部门负责)", "建管处:joint 规划处:joint 等", ""},
		{"（建管处和规划处按职责分工负责）", "建管处:joint 规划处:joint", ""},
		{"（由建管处具体负责）", "建管处:lead", ""},
		{"（建管处牵头，规划处、财务处配合）", "建管处:lead 规划处:supporting 财务处:supporting", ""},
		{"(建管处牵头,规划处配合)", "建管处:lead 规划处:supporting", ""},
		{"（建管处、规划处牵头，财务处参与）", "建管处:lead 规划处:lead 财务处:supporting", ""},
		{"（建管处牵头，规划处参加，省气象局指导）", "建管处:lead 规划处:supporting 省气象局:supporting", ""},
		{"（建管处牵头、规划处配合）", "建管处:lead 规划处:supporting", ""},
		{"（建管处牵头规划处配合）", "建管处:lead 规划处:supporting", ""},
		{"（建管处牵头，相关处室配合）", "建管处:lead 等", ""},
		{"（省水利厅指导）", "省水利厅:lead", ""},
		{"（省水利厅指导，试点城市政府负责落实）", "省水利厅:supporting 试点城市政府:lead*", ""},
		{"（牵头单位：建管处；配合单位：规划处、财务处）", "建管处:lead 规划处:supporting 财务处:supporting", ""},
		{"（牵头单位：建管处，配合单位：规划处）", "建管处:lead 规划处:supporting", ""},
		{"（牵头处室：建管处 配合处室：规划处）", "建管处:lead 规划处:supporting", ""},
		{"（牵头单位：建管处，责任单位：规划处、财务处）", "建管处:lead 规划处:supporting 财务处:supporting", ""},
		{"（主办：建管处；协办：规划处）", "建管处:lead 规划处:supporting", ""},
		{"（责任单位：建管处牵头，规划处配合）", "建管处:lead 规划处:supporting", ""},
		{"（建管处牵头，规划处、财务处等按职责分工负责）", "建管处:lead 规划处:supporting 财务处:supporting 等", ""},
		{"(建管处牵头，规划处等按照职责分工负责)", "建管处:lead 规划处:supporting 等", ""},
		{"（建管处会同规划处负责）", "建管处:lead 规划处:supporting", ""},
		{"（由建管处牵头，会同规划处、财务处落实）", "建管处:lead 规划处:supporting 财务处:supporting", ""},
		{"（建管处牵头会同规划处负责）", "建管处:lead 规划处:supporting", ""},
		{"（省商务厅、省供销合作社联合社负责）", "省商务厅:joint 省供销合作社联合社:joint", ""},
		{"（建管处、规划处负责，排在第一位的部门为牵头部门，下同）", "建管处:lead 规划处:supporting", ""},
		{"（建管处、规划处负责。列第一位者为牵头单位，下同）", "建管处:lead 规划处:supporting", ""},
		{"（责任单位：建管处、规划处，列首位的为牵头单位）", "建管处:lead 规划处:supporting", ""},
		{"（建管处负责；完成时限：2021年6月底）", "建管处:lead", "2021年6月底=2021-06-30"},
		{"（责任处室：建管处；完成时限：2021年9月30日前）", "建管处:lead", "2021年9月30日前=2021-09-30"},
		{"（责任单位：建管处，完成时间：长期坚持）", "建管处:lead", "长期坚持="},
		{"（建管处牵头，2021年12月底前完成）", "建管处:lead", "2021年12月底前=2021-12-31"},
		{"（建管处负责，持续推进）", "建管处:lead", "持续推进="},
		{"（各有关部门按职责分工负责）", "各有关部门:lead*", ""},
		{"（各市人民政府，各有关部门按职责分工负责）", "各市人民政府:joint* 等", ""},
		{"（建管处、规划处按职责分工负责，各市政府落实）", "建管处:joint 规划处:joint 各市政府:joint*", ""},
		{"（各省、自治区、直辖市人民政府负责）", "各省、自治区、直辖市人民政府:lead*", ""},
		{"（省文化和旅游厅、技术与改造投资处、省工业和信息化厅负责）", "省文化和旅游厅:joint 技术与改造投资处:joint 省工业和信息化厅:joint", ""},
		{"（建管处、规划处）", "建管处:joint 规划处:joint", ""},
		{"（责任单位：建管处；责任人：张三）", "建管处:lead", ""},
		{"（牵头领导：李四，王五；牵头单位：建管处）", "建管处:lead", ""},
		{"（责任单位：建管处 张三）", "建管处:lead", ""},
		{"责任单位：建管处配合单位：规划处完成时限：2021年6月底", "建管处:lead 规划处:supporting", "2021年6月底=2021-06-30"},
		{"牵头单位：建管处。配合单位：规划处。完成时限：长期坚持。", "建管处:lead 规划处:supporting", "长期坚持="},
		{"\n责任单位：建管处、规划处\n完成时限：2021年6月底前", "建管处:joint 规划处:joint", "2021年6月底前=2021-06-30"},
		{"\n牵头领导：张三\n牵头单位：建管处\n配合单位：规划处", "建管处:lead 规划处:supporting", ""},
	} {
		d := parse(t, letter("1.修堤。"+tc.mark))
		require.Len(t, d.Clauses, 1, tc.mark)
		c := d.Clauses[0]
		assert.Equal(t, "修堤。", c.Text, tc.mark)
		assert.Equal(t, tc.offices, offices(c), tc.mark)
		assert.Equal(t, tc.deadlines, deadlines(c), tc.mark)
		assert.Equal(t, strings.ReplaceAll(tc.mark, "\n", ""), c.Mark)
		for _, w := range d.Warnings {
			for _, name := range []string{"张三", "李四", "王五"} {
				assert.NotContains(t, w.Message, name)
			}
		}
	}
}

// Brackets that say nothing of who or when belong to the text.
func TestBracketsThatAreNoMarks(t *testing.T) {
	for _, text := range []string{
		"落实规划（2021-2025年）。",
		"修订办法（以下简称《办法》）。",
		"排查小区（含村居）。",
		"报水利厅建管处（地址：甲市水利路1号）。",
		"发展合作（PPP）模式。",
		"推进县（市、区）改造。",
		"上报材料（见附件）。",
		"召开会议（具体时间另行通知）。",
		"向领导小组办公室（设在省水利厅）报告。",
		"请县农业农村局（县乡村振兴局）抓紧办理。",
	} {
		d := parse(t, letter("1."+text))
		require.Len(t, d.Clauses, 1, text)
		assert.Equal(t, text, d.Clauses[0].Text)
		assert.Empty(t, d.Clauses[0].Offices, text)
		assert.Empty(t, d.Clauses[0].Mark, text)
	}
}

func TestWhereMarksStand(t *testing.T) {
	type clause struct {
		path, text, offices string
		part                int
	}
	for _, tc := range []struct {
		name, body string
		want       []clause
	}{
		{
			"several marks in a paragraph, each for the sentences before it",
			"一、抓水库。查坝体。查闸门。（建管处负责）备沙袋。（规划处牵头，财务处配合）要高度重视。",
			[]clause{
				{"一", "抓水库。查坝体。查闸门。", "建管处:lead", 1},
				{"一", "备沙袋。", "规划处:lead 财务处:supporting", 2},
				{"一", "要高度重视。", "", 3},
			},
		},
		{
			"the mark before its full stop",
			"一、抓水库（责任单位：建管处）。备沙袋（责任单位：规划处）。",
			[]clause{{"一", "抓水库", "建管处:lead", 1}, {"一", "备沙袋", "规划处:lead", 2}},
		},
		{
			"the mark inside a sentence",
			"一、抓水库（责任单位：建管处），确保安全。",
			[]clause{{"一", "抓水库，确保安全。", "建管处:lead", 0}},
		},
		{
			"a mark on a heading, and one below it that differs",
			"一、抓水库（建管处负责）\n1.查坝体。\n2.查闸门。（规划处负责）",
			[]clause{{"一/1", "查坝体。", "建管处:lead", 0}, {"一/2", "查闸门。", "规划处:lead", 0}},
		},
		{
			"a mark on a heading whose parts all have their own",
			"一、抓水库。（建管处牵头）\n1.查坝体。（财务处负责）\n2.查闸门。（规划处负责）",
			[]clause{{"一", "抓水库。", "建管处:lead", 0}, {"一/1", "查坝体。", "财务处:lead", 0}, {"一/2", "查闸门。", "规划处:lead", 0}},
		},
		{
			"the first leads from here on",
			"一、抓水库。（建管处、规划处负责，排在第一位的部门为牵头部门，下同）\n二、备沙袋。（规划处、财务处负责）",
			[]clause{{"一", "抓水库。", "建管处:lead 规划处:supporting", 0}, {"二", "备沙袋。", "规划处:lead 财务处:supporting", 0}},
		},
		{
			"a mark for several paragraphs",
			"一、抓水库\n查坝体。\n查闸门。（建管处负责）",
			[]clause{{"一", "查坝体。\n查闸门。", "建管处:lead", 0}},
		},
		{
			"paragraphs without labels",
			"查坝体。（建管处负责）\n查闸门。（规划处负责）",
			[]clause{{"", "查坝体。", "建管处:lead", 1}, {"", "查闸门。", "规划处:lead", 2}},
		},
		{
			"neither labels nor marks",
			"近期雨多，要加强巡查。\n各地要备足沙袋。",
			[]clause{{"", "近期雨多，要加强巡查。", "", 0}, {"", "各地要备足沙袋。", "", 0}},
		},
		{
			"a page ends inside a sentence",
			"一、修订城市防洪应急，\n\n- 2 -\n\n抢险预案。（建管处负责）\n二、备沙袋。",
			[]clause{{"一", "修订城市防洪应急，抢险预案。", "建管处:lead", 0}, {"二", "备沙袋。", "", 0}},
		},
		{
			"nothing below a heading",
			"一、抓水库\n二、备沙袋。（建管处负责）",
			[]clause{{"一", "抓水库", "", 0}, {"二", "备沙袋。", "建管处:lead", 0}},
		},
		{
			"numbers that run on over the chapters, 1. and （1） and ①",
			"一、抓水库\n（一）查\n1.坝体。（建管处负责）\n2.闸门：\n（1）大闸。（规划处负责）\n①小闸。（财务处负责）\n二、备料\n3.沙袋。（建管处负责）",
			[]clause{
				{"一/（一）/1", "坝体。", "建管处:lead", 0},
				{"一/（一）/2/（1）", "大闸。", "规划处:lead", 0},
				{"一/（一）/2/（1）/①", "小闸。", "财务处:lead", 0},
				{"二/3", "沙袋。", "建管处:lead", 0},
			},
		},
		{
			"chapters and articles, a reference to one is no label",
			"第一章 总则\n第一条 为防汛，制定本办法。\n第二章 职责\n第二条 查坝体，并按照\n第一条规定执行。（建管处负责）",
			[]clause{{"第一章/第一条", "为防汛，制定本办法。", "", 0}, {"第二章/第二条", "查坝体，并按照第一条规定执行。", "建管处:lead", 0}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []clause
			for _, c := range parse(t, letter(tc.body)).Clauses {
				got = append(got, clause{path(c), c.Text, offices(c), c.Part})
			}
			assert.Equal(t, tc.want, got)
		})
	}
}

func TestAMarkThatDecidesNothingIsWarnedOf(t *testing.T) {
	d := parse(t, letter("一、抓水库（建管处负责）\n1.\n二、查坝体。（规划处负责，以下均由各市落实，不再列出）"))
	assert.Equal(t, "建管处:lead", offices(d.Clauses[0]))
	var lines []int
	for _, w := range d.Warnings {
		lines = append(lines, w.Line)
	}
	assert.Equal(t, []int{6, 7, 7}, lines, "a label without text, and twice what is no office: %v", d.Warnings)
}
