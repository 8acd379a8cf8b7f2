package notice

import (
	"bytes"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
	utf16 "golang.org/x/text/encoding/unicode"
)

// The reasons why bytes are refused. Each says what to do about it.
var (
	ErrEmpty = errors.New("文件是空的，请选择有正文的通知 / " +
		"the file is empty: choose a notice with a text")
	ErrNotText = errors.New("不是文本，请提供 UTF-8 或 GB18030 文本，或 .docx 文件 / " +
		"this is no text: supply UTF-8 or GB18030 text, or a .docx file")
	ErrTooLarge = errors.New("文件过大：文本以 4 MiB、.docx 正文以 16 MiB、条款以 10000 项为限，请拆分后导入 / " +
		"too large: text is limited to 4 MiB, the body of a .docx to 16 MiB, clauses to 10,000; divide the file")
	ErrBrokenDocx = errors.New(".docx 文件已损坏，请用文字处理软件重新另存，或另存为纯文本 / " +
		"the .docx file is broken: save it again in a word processor, or as plain text")
	ErrNotNotice = errors.New("没有找到发文字号、公文标题、标号或责任标注，看来不是通知，请核对文件 / " +
		"no document number, title, numbered clause or mark was found: this does not look like a notice, check the file")
)

// The bounds on what is read.
const (
	maxText     = 4 << 20  // bytes of text, also of the text made from a .docx
	maxDocument = 16 << 20 // bytes of word/document.xml, uncompressed
	maxClauses  = 10_000
	maxWarnings = 10_000
)

const (
	mediaText = "text/plain"
	mediaDocx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
)

// decode turns the bytes of a file into text. Its warnings concern what a .docx
// holds that the text can't show.
func decode(source []byte) (text, mediaType string, warnings []Warning, err error) {
	if bytes.HasPrefix(source, []byte("PK\x03\x04")) {
		if text, warnings, err = readDocx(source); err == nil {
			text, err = plain(text)
		}
		mediaType = mediaDocx
	} else {
		text, err = decodeText(source)
		mediaType = mediaText
	}
	if err != nil {
		return "", "", nil, err
	}
	if strings.TrimSpace(strings.ReplaceAll(text, "\u3000", " ")) == "" {
		return "", "", nil, ErrEmpty
	}
	return text, mediaType, warnings, nil
}

func decodeText(b []byte) (string, error) {
	switch {
	case len(b) > maxText:
		return "", ErrTooLarge
	case len(bytes.TrimSpace(b)) == 0:
		return "", ErrEmpty
	case bytes.HasPrefix(b, []byte("\xff\xfe")), bytes.HasPrefix(b, []byte("\xfe\xff")):
		return believed(utf16.UTF16(utf16.LittleEndian, utf16.ExpectBOM), b)
	case bytes.IndexByte(b, 0) >= 0:
		return "", ErrNotText
	}
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	if utf8.Valid(b) {
		return plain(string(b))
	}
	return believed(simplifiedchinese.GB18030, b)
}

// believed decodes bytes that may be anything. Everything decodes to something;
// only a text without holes and with Chinese in it is believed.
func believed(from encoding.Encoding, b []byte) (string, error) {
	d, err := from.NewDecoder().Bytes(b)
	if err != nil || len(d) > maxText*2 || bytes.ContainsRune(d, utf8.RuneError) {
		return "", ErrNotText
	}
	s := strings.TrimPrefix(string(d), "\ufeff")
	han, other := 0, 0
	for _, r := range s {
		switch {
		case isHan(r), r < 0x80, strings.ContainsRune("，。、；：“”‘’（）〔〕《》【】！？—…·　①②③④⑤⑥⑦⑧⑨⑩％～〈〉", r), r >= '！' && r <= '～':
			if isHan(r) && r >= 0x4E00 && r <= 0x9FA5 {
				han++
			}
		default:
			other++
		}
	}
	if han == 0 || other*5 > han {
		return "", ErrNotText
	}
	return plain(s)
}

// plain refuses control characters that no text holds and unifies line ends.
func plain(s string) (string, error) {
	if strings.ContainsRune(s, '\r') {
		s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	}
	for _, r := range s {
		if unicode.IsControl(r) && !strings.ContainsRune("\n\t\f\v", r) {
			return "", ErrNotText
		}
	}
	return s, nil
}

func isHan(r rune) bool { return unicode.Is(unicode.Han, r) || r == '〇' }
