package notice_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/domain/notice"
)

const wordML = `xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"`

// The numbers that a word processor makes are printed, and so they are read: 一、 by a
// style, （一） and 1. by the paragraph itself, in lists that begin anew.
func TestAutomaticNumbersAreRead(t *testing.T) {
	level := func(i int, format, text string) string {
		return fmt.Sprintf(`<w:lvl w:ilvl="%d"><w:start w:val="1"/><w:numFmt w:val="%s"/><w:lvlText w:val="%s"/></w:lvl>`, i, format, text)
	}
	lists := `<w:numbering ` + wordML + `><w:abstractNum w:abstractNumId="4">` + level(0, "chineseCounting", "%1、") + level(1, "japaneseCounting", "（%2）") + level(2, "decimal", "%3．") +
		level(3, "decimalEnclosedCircleChinese", "%4") + level(4, "upperLetter", "%5.") + `</w:abstractNum>` +
		`<w:num w:numId="1"><w:abstractNumId w:val="4"/></w:num>` +
		`<w:num w:numId="2"><w:abstractNumId w:val="4"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride></w:num></w:numbering>`
	styles := `<w:styles ` + wordML + `><w:style w:type="paragraph" w:styleId="1"><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style></w:styles>`
	numbered := func(list, level int, text string) string {
		return fmt.Sprintf(`<w:p><w:pPr><w:tabs><w:tab w:val="left" w:pos="720"/></w:tabs><w:numPr><w:ilvl w:val="%d"/><w:numId w:val="%d"/></w:numPr>`+
			`<w:pPrChange><w:pPr><w:numPr><w:numId w:val="2"/></w:numPr></w:pPr></w:pPrChange></w:pPr><w:r><w:t>%s</w:t></w:r></w:p>`, level, list, text)
	}
	styled := func(text string) string {
		return `<w:p><w:pPr><w:pStyle w:val="1"/></w:pPr><w:r><w:t>` + text + `</w:t></w:r></w:p>`
	}
	body := paragraphs("甲厅发〔2021〕3号\n甲省水利厅关于做好防汛工作的通知\n各市水利局：\n任务如下：") +
		styled("抓水库") + numbered(1, 1, "查。") + numbered(1, 2, "坝体。（建管处负责）") + numbered(1, 2, "闸门。（规划处负责）") + numbered(1, 3, "大闸。（规划处负责）") +
		numbered(1, 1, "修。（建管处负责）") + styled("备料") + numbered(1, 1, "沙袋。（财务处负责）") + numbered(0, 0, "不得延误。") +
		paragraphs("附件\n任务清单") + numbered(2, 0, "演练。（防御处负责）") + numbered(2, 4, "不识得的编号。（防御处负责）")
	d, err := notice.Parse(archiveOf(t, map[string]string{
		"word/document.xml": `<w:document ` + wordML + `><w:body>` + body + `</w:body></w:document>`, "word/numbering.xml": lists, "word/styles.xml": styles,
	}))
	require.NoError(t, err)
	var got []string
	for _, c := range d.Clauses {
		got = append(got, path(c)+" "+strings.Join(c.Headings, "/")+" "+c.Text+" "+offices(c))
	}
	assert.Equal(t, []string{
		"一/（一）/1 抓水库/查 坝体。 建管处:lead",
		"一/（一）/2 抓水库/查/闸门 闸门。 规划处:lead",
		"一/（一）/2/① 抓水库/查/闸门 大闸。 规划处:lead",
		"一/（二） 抓水库 修。 建管处:lead",
		"二/（一） 备料 沙袋。 财务处:lead",
		"二/（一） 备料 不得延误。 ",
		"一  演练。 防御处:lead",
		"一  不识得的编号。 防御处:lead",
	}, got)
	require.NotEmpty(t, d.Warnings)
	assert.Contains(t, d.Warnings[0].Message, "自动编号")

	for _, name := range []string{"word/numbering.xml", "word/styles.xml"} {
		d, err := notice.Parse(archiveOf(t, map[string]string{
			"word/document.xml": `<w:document ` + wordML + `><w:body>` + body + `</w:body></w:document>`, name: "<w:broken",
		}))
		require.NoError(t, err, "without its lists a document is read all the same")
		assert.Contains(t, d.Warnings[0].Message, "自动编号")
	}
}

func archiveOf(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range files {
		w, err := z.Create(name)
		require.NoError(t, err)
		_, err = w.Write([]byte(content))
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	return b.Bytes()
}
