package notice_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"

	"duban/domain/notice"
)

// The seed gives the same draft in every dress.
func TestEncodings(t *testing.T) {
	plain := parse(t, string(seed(t)))
	gb, err := simplifiedchinese.GB18030.NewEncoder().Bytes(seed(t))
	require.NoError(t, err)
	wide, err := unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder().Bytes(seed(t))
	require.NoError(t, err)
	for name, source := range map[string][]byte{
		"byte order mark": append([]byte("\xef\xbb\xbf"), seed(t)...),
		"CRLF":            bytes.ReplaceAll(seed(t), []byte("\n"), []byte("\r\n")),
		"CR":              bytes.ReplaceAll(seed(t), []byte("\n"), []byte("\r")),
		"GB18030":         gb,
		"UTF-16":          wide,
	} {
		d, err := notice.Parse(source)
		require.NoError(t, err, name)
		assert.Equal(t, plain, d, name)
		assert.Equal(t, "text/plain", d.MediaType)
	}
	d, err := notice.Parse(document(t, paragraphs(string(seed(t)))))
	require.NoError(t, err)
	assert.Equal(t, plain.Clauses, d.Clauses)
	assert.Contains(t, d.MediaType, "wordprocessingml")
}

// paragraphs writes lines as the paragraphs of a .docx.
func paragraphs(text string) string {
	var b strings.Builder
	for _, l := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		b.WriteString(`<w:p><w:r><w:t xml:space="preserve">` + l + `</w:t></w:r></w:p>`)
	}
	return b.String()
}

// document makes a .docx with that body.
func document(t *testing.T, body string) []byte {
	t.Helper()
	return archive(t, "word/document.xml", `<?xml version="1.0" encoding="UTF-8"?>`+
		`<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>`+body+`</w:body></w:document>`)
}

func archive(t *testing.T, name, content string) []byte {
	t.Helper()
	return archiveOf(t, map[string]string{name: content})
}

func TestDocx(t *testing.T) {
	cell := func(s string) string { return `<w:tc>` + paragraphs(s) + `</w:tc>` }
	row := func(cells ...string) string {
		return `<w:tr>` + strings.Join(cells, "") + `</w:tr>`
	}
	body := paragraphs("甲厅发〔2021〕3号\n甲省水利厅关于做好防汛工作的通知\n各市水利局：\n任务如下：") +
		`<w:p><w:r><w:t>一、</w:t></w:r><w:del><w:r><w:delText>旧</w:delText><w:t>旧</w:t></w:r></w:del><w:ins><w:r><w:t>任务</w:t></w:r></w:ins></w:p>` +
		`<w:tbl>` +
		row(cell("序号"), cell("任务"), cell("牵头单位"), cell("完成时限")) +
		row(cell("1"), cell("修堤"), cell("建管处\n规划处"), cell("2021年6月底前")) +
		row(cell("2"), cell("备沙袋"), cell("财务处"), cell("")) + `</w:tbl>` +
		`<w:p><w:pPr><w:numPr/></w:pPr><w:r><w:t>加强领导。</w:t></w:r></w:p>`
	d, err := notice.Parse(document(t, body))
	require.NoError(t, err)
	require.Len(t, d.Clauses, 3)
	assert.Equal(t, "修堤", d.Clauses[0].Text)
	assert.Equal(t, "一/1", path(d.Clauses[0]))
	assert.Equal(t, []string{"任务"}, d.Clauses[0].Headings)
	assert.Equal(t, "建管处:lead 规划处:lead", offices(d.Clauses[0]))
	assert.Equal(t, "2021年6月底前=2021-06-30", deadlines(d.Clauses[0]))
	assert.Equal(t, "财务处:lead", offices(d.Clauses[1]))
	assert.Equal(t, "加强领导。", d.Clauses[2].Text)
	require.NotEmpty(t, d.Warnings)
	assert.Equal(t, 9, d.Warnings[0].Line)
	assert.Contains(t, d.Warnings[0].Message, "自动编号")
}

func TestRefusals(t *testing.T) {
	whole := document(t, paragraphs(letter("1.修堤。")))
	for _, tc := range []struct {
		name   string
		source []byte
		want   error
	}{
		{"nothing", nil, notice.ErrEmpty},
		{"blanks", []byte(" \r\n\t\u3000"), notice.ErrEmpty},
		{"a mark of byte order alone", []byte("\xef\xbb\xbf"), notice.ErrEmpty},
		{"an empty docx", document(t, ""), notice.ErrEmpty},
		{"a docx of blanks", document(t, paragraphs(" \n ")), notice.ErrEmpty},
		{"a picture", []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), notice.ErrNotText},
		{"bytes of no encoding", bytes.Repeat([]byte{0xff, 0xfe, 0x81}, 100), notice.ErrNotText},
		{"Latin 1", []byte("caf\xe9 cr\xe8me br\xfbl\xe9e, d\xe9j\xe0 vu"), notice.ErrNotText},
		{"control characters", []byte("关于\x01的通知"), notice.ErrNotText},
		{"ten megabytes", bytes.Repeat([]byte("防汛"), 10<<20/6), notice.ErrTooLarge},
		{"too many clauses", []byte(letter(strings.Repeat("一、修堤。\n", 10_001))), notice.ErrTooLarge},
		{"half a docx", whole[:len(whole)/2], notice.ErrBrokenDocx},
		{"another archive", archive(t, "a.txt", "关于防汛的通知"), notice.ErrBrokenDocx},
		{"broken XML", archive(t, "word/document.xml", "<w:document><w:p>"), notice.ErrBrokenDocx},
		{"a zip bomb", document(t, strings.Repeat(" ", 17<<20)), notice.ErrTooLarge},
		{"much text in a docx", document(t, paragraphs(strings.Repeat("防汛", 1<<20))), notice.ErrTooLarge},
		{"a poem", []byte("床前明月光，\n疑是地上霜。\n"), notice.ErrNotNotice},
		{"a program", []byte("package main\n\nfunc main() {}\n"), notice.ErrNotNotice},
	} {
		d, err := notice.Parse(tc.source)
		require.ErrorIs(t, err, tc.want, tc.name)
		assert.Equal(t, notice.Draft{}, d, tc.name)
		assert.Contains(t, err.Error(), " / ", "both languages")
	}
}

// The size in an archive's directory is a claim: it is not believed.
func TestAZipBombThatLiesAboutItsSize(t *testing.T) {
	b := document(t, strings.Repeat(" ", 17<<20))
	at := bytes.LastIndex(b, []byte("PK\x01\x02"))
	require.Positive(t, at)
	copy(b[at+24:], []byte{0, 1, 0, 0}) // uncompressed size in the central directory
	_, err := notice.Parse(b)
	require.Error(t, err)
}
