package notice_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/domain/notice"
)

// The notice of letter was issued on 2021-03-01.
func TestDeadlines(t *testing.T) {
	for _, tc := range []struct {
		text, want string
		kind       notice.Kind
		warned     bool
	}{
		{"到2021年12月底，全部完成改造。", "2021年12月底=2021-12-31", notice.KindOneOff, false},
		{"2022年6月底前建成平台。", "2022年6月底前=2022-06-30", notice.KindOneOff, false},
		{"2021年9月30日前报送总结。", "2021年9月30日前=2021-09-30", notice.KindOneOff, false},
		{"2021 年 9 月 30 日前报送总结。", "2021 年 9 月 30 日前=2021-09-30", notice.KindOneOff, false},
		{"2024年2月末前完成。", "2024年2月末前=2024-02-29", notice.KindOneOff, false},
		{"2021年底前完成。", "2021年底前=2021-12-31", notice.KindOneOff, false},
		{"2025年末全面建成。", "2025年末=2025-12-31", notice.KindOneOff, false},
		{"2021年上半年印发方案。", "2021年上半年=2021-06-30", notice.KindOneOff, false},
		{"2021年第三季度完成验收。", "2021年第三季度=2021-09-30", notice.KindOneOff, false},
		{"2021年5月中旬前完成自查。", "2021年5月中旬前=2021-05-20", notice.KindOneOff, false},
		{"2021年6月份完成自查。", "2021年6月份=2021-06-30", notice.KindOneOff, true},
		{"2025年前达到一级标准。", "2025年前=2024-12-31", notice.KindOneOff, true},
		{"6月底前完成自查。", "6月底前=2021-06-30", notice.KindOneOff, false},
		{"今年12月20日前完成。", "今年12月20日前=2021-12-20", notice.KindOneOff, false},
		{"年底前完成。", "年底前=2021-12-31", notice.KindOneOff, false},
		{"自本方案印发之日起30日内制定计划。", "自本方案印发之日起30日内=2021-03-31", notice.KindOneOff, false},
		{"通知印发之日起三个月内完成。", "通知印发之日起三个月内=2021-06-01", notice.KindOneOff, false},
		{"印发之日起15个工作日内报送。", "印发之日起15个工作日内=", 0, false},
		{"每年12月底前报送总结。", "每年12月底前=", notice.KindRecurring, false},
		{"逐年淘汰落后产能。", "", notice.KindRecurring, false},
		{"长期坚持，常抓不懈。", "", notice.KindStanding, false},
		{"及时更新发布。", "", 0, false},
		{"2021年9月31日前完成。", "2021年9月31日前=", 0, true},
		{"2021年13月底前完成。", "2021年13月底前=", 0, true},
		{"今年2月30日前完成。", "今年2月30日前=", 0, true},
		// No limits: a year that is a target, dates that lie behind, what was built.
		{"2025年城镇化率达到65%。", "", 0, false},
		{"到2025年，体系基本形成。", "", 0, false},
		{"改造2000年前建成的小区。", "", 0, false},
		{"2019年12月底前的隐患清零。", "", 0, false},
		{"落实2020年3月5日会议精神。", "", 0, false},
		{"修订规划（2021-2025年）。", "", 0, false},
	} {
		d := parse(t, letter("1."+tc.text))
		require.Len(t, d.Clauses, 1, tc.text)
		c := d.Clauses[0]
		assert.Equal(t, tc.want, deadlines(c), tc.text)
		assert.Equal(t, tc.kind, c.Kind, tc.text)
		assert.Equal(t, tc.kind == 0, c.KindWords == "", tc.text)
		var warned bool
		for _, w := range d.Warnings {
			warned = warned || w.Line == 5
		}
		assert.Equal(t, tc.warned, warned, "%s: %v", tc.text, d.Warnings)
	}
}

// What a mark states as its time limit is one, whatever it says.
func TestStatedLimits(t *testing.T) {
	for words, want := range map[string]string{
		"2021年":         "2021年=2021-12-31",
		"2021年6月":       "2021年6月=2021-06-30",
		"2021年6月底，长期坚持": "2021年6月底=2021-06-30 长期坚持=",
		"每年12月底":        "每年12月底=",
		"长期坚持":          "长期坚持=",
		"立即整改，2021年4月1日前报告": "2021年4月1日前=2021-04-01 立即整改=",
		"2021年2月29日":        "2021年2月29日=",
	} {
		d := parse(t, letter("1.修堤。（责任单位：建管处；完成时限："+words+"）"))
		require.Len(t, d.Clauses, 1)
		assert.Equal(t, want, deadlines(d.Clauses[0]), words)
	}
}
