package notice_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"duban/domain/notice"
)

// onPaper breaks every paragraph where paper of that width would, with a page number
// every few lines.
func onPaper(text string, width int) string {
	var out []string
	for _, l := range strings.Split(text, "\n") {
		runes := []rune(l)
		for len(runes) > width {
			out = append(out, string(runes[:width]))
			if runes = runes[width:]; len(out)%15 == 0 {
				out = append(out, "", fmt.Sprintf("— %d —", len(out)/15), "")
			}
		}
		out = append(out, string(runes))
	}
	return strings.Join(out, "\n")
}

func gist(d notice.Draft) []string {
	out := []string{d.DocumentNumber, d.Title, d.Issuer, string(d.IssuedOn), strings.Join(d.Addressees, "｜")}
	for _, c := range d.Clauses {
		out = append(out, path(c)+" "+c.Text+" → "+offices(c)+" ⏱ "+deadlines(c))
	}
	return out
}

// Where the paper ends says nothing: the fixture and samples of long paragraphs
// read the same however their lines are broken.
func TestLinesBrokenByThePaperAreMended(t *testing.T) {
	for _, source := range []string{string(seed(t)), sampleProvince, sampleArticles, samplePoints, sampleMeasures, sampleRequests, sampleMinistry} {
		whole := gist(parse(t, source))
		for _, width := range []int{24, 28, 34} {
			assert.Equal(t, whole, gist(parse(t, onPaper(source, width))), width)
		}
	}
}

func TestContactDataThatALineBrokeIsHidden(t *testing.T) {
	d := parse(t, sampleWrapped)
	for _, secret := range []string{"王刚", "0123", "67890"} {
		assert.NotContains(t, d.Source, secret)
	}
	assert.Equal(t, "2022-03-22", string(d.IssuedOn), "a date behind a number is none of it")
}
