package notice_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/domain/notice"
)

func TestNothingPrintedIsDropped(t *testing.T) {
	for _, source := range append([]string{string(seed(t)), flattened()}, samples...) {
		_, faults, err := notice.Account([]byte(source))
		require.NoError(t, err)
		assert.Empty(t, faults)
	}
	assert.NotEmpty(t, notice.Missing("甲乙", "乙甲"), "the check can fail")
}

func FuzzParse(f *testing.F) {
	for _, s := range append([]string{flattened()}, samples...) {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		d, faults, err := notice.Account(source)
		again, err2 := notice.Parse(source)
		if err != nil {
			require.Equal(t, err, err2)
			return
		}
		require.Empty(t, faults)
		require.Equal(t, d, again, "the same bytes give the same draft")
		first, err := json.Marshal(d)
		require.NoError(t, err)
		require.True(t, utf8.Valid(first))
		require.False(t, bytes.ContainsRune(first, utf8.RuneError) && !strings.ContainsRune(d.Source, utf8.RuneError), "no character was cut")
		var back notice.Draft
		require.NoError(t, json.Unmarshal(first, &back))
		second, err := json.Marshal(back)
		require.NoError(t, err)
		require.Equal(t, string(first), string(second))
		last := strings.Count(d.Source, "\n") + 1
		for i, c := range d.Clauses {
			require.Equal(t, i+1, c.Number)
			require.Equal(t, notice.TextHash(c.Text), c.TextSHA256)
			require.True(t, 1 <= c.Lines[0] && c.Lines[0] <= c.Lines[1] && c.Lines[1] <= last, "lines %v of %d", c.Lines, last)
			for _, o := range c.Offices {
				require.NotEmpty(t, o.Name)
				require.NotZero(t, o.Role)
			}
		}
	})
}

// flattened is a notice of our own as OCR leaves it: in one line, in half-width
// punctuation, headings without full stops.
func flattened() string {
	filler := strings.Repeat("坚持问题导向，补齐短板弱项，健全长效机制，提升治理能力。", 20)
	return "甲省水利厅甲省水利厅关于印发《甲省河湖管护方案》的通知各市水利局:为加强河湖管护，制定本方案。现印发给你们，请于6月底前制定本市方案。" +
		"联系人:张三，电话:0531-87081234。附件:甲省河湖管护方案甲省水利厅2021年5月8日(此件公开发布)附件甲省河湖管护方案" +
		"一、加强排查1.查清底数。" + filler + "每3.5公里设一处标志，2021年8月底前完成。(河湖处牵头，规划处等按照职责分工负责)" +
		"2.划定边界。" + filler + "(河湖处、执法局负责)二、严格执法3.打击违法。" + filler + "(执法局负责)" +
		"三、保障措施4.加强领导。" + filler + "5.强化宣传。" + filler
}

func TestABodyInOneLine(t *testing.T) {
	d := parse(t, flattened())
	assert.Equal(t, "甲省水利厅", d.Issuer)
	assert.Equal(t, "甲省水利厅关于印发《甲省河湖管护方案》的通知", d.Title)
	assert.Equal(t, []string{"各市水利局"}, d.Addressees)
	assert.Equal(t, "2021-05-08", string(d.IssuedOn))
	assert.Equal(t, "于6月底前制定本市方案", d.Requirements[0].Text)
	assert.NotContains(t, d.Source, "87081234")
	var got []string
	for _, c := range d.Clauses {
		got = append(got, path(c)+" "+strings.Join(c.Headings, "/")+" "+offices(c)+" "+deadlines(c))
	}
	assert.Equal(t, []string{
		"一/1 加强排查 河湖处:lead 规划处:supporting 等 2021年8月底前=2021-08-31",
		"一/2 加强排查 河湖处:joint 执法局:joint ",
		"二/3 严格执法 执法局:lead ",
		"三/4 保障措施  ",
		"三/5 保障措施  ",
	}, got)
}
