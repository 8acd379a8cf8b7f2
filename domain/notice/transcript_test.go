package notice_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/domain/notice"
)

// transcript writes what a clerk would check in a draft, one line a finding.
func transcript(d notice.Draft) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s｜%s｜%s｜%s\n", d.DocumentNumber, d.Title, d.Issuer, d.IssuedOn)
	fmt.Fprintf(&b, "to %s\n", strings.Join(d.Addressees, "｜"))
	if len(d.CC) > 0 {
		fmt.Fprintf(&b, "cc %s\n", strings.Join(d.CC, "｜"))
	}
	if len(d.BasedOn) > 0 {
		fmt.Fprintf(&b, "on %s\n", strings.Join(d.BasedOn, "｜"))
	}
	for _, r := range d.Requirements {
		fmt.Fprintf(&b, "asks %s\n", r.Text)
	}
	for _, c := range d.Clauses {
		line := path(c)
		if c.Part > 0 {
			line += fmt.Sprintf("#%d", c.Part)
		}
		text := []rune(strings.ReplaceAll(c.Text, "\n", "／"))
		line += fmt.Sprintf(" [%s] %s", strings.Join(c.Headings, "／"), string(text[:min(len(text), 9)]))
		if o := offices(c); o != "" {
			line += " → " + o
		}
		if l := deadlines(c); l != "" {
			line += " ⏱ " + l
		}
		b.WriteString(line + "\n")
	}
	for _, w := range d.Warnings {
		if w.Line > 0 {
			fmt.Fprintf(&b, "warns %d\n", w.Line)
		}
	}
	return b.String()
}

// What the parser makes of each sample was checked against what a clerk would
// write down; the transcripts pin it. Regenerate with -update and read the diff.
func TestSamplesReadAsAClerkWould(t *testing.T) {
	var got strings.Builder
	for _, s := range samples {
		got.WriteString(transcript(parse(t, s)) + "\n")
	}
	golden := filepath.Join("testdata", "samples.txt")
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(got.String()), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), got.String())
}

// Names of persons stay in the source, where they were printed, and nowhere else
// but in a mark as printed.
func TestPersonsAreNoOffices(t *testing.T) {
	for _, s := range samples {
		d := parse(t, s)
		for _, name := range []string{"王小明", "李大海", "王刚", "赵红", "张建国", "李四", "王五", "赵六", "钱七", "周八", "吴九"} {
			for _, c := range d.Clauses {
				assert.NotContains(t, offices(c), name)
				assert.NotContains(t, c.Text, name)
			}
			for _, w := range d.Warnings {
				assert.NotContains(t, w.Message, name)
			}
			for _, r := range d.Requirements {
				assert.NotContains(t, r.Text, name)
			}
		}
	}
}
