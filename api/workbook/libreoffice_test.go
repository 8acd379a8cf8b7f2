//go:build libreoffice

package workbook_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"duban/api/workbook"
)

// TestThroughLibreOffice: a workbook that LibreOffice has opened and saved comes
// back as it was. It runs in .ci/e2e, which installs LibreOffice; the build tag
// keeps it out of make test, which needs nothing installed.
func TestThroughLibreOffice(t *testing.T) {
	rows := rosterRows()
	saved := throughLibreOffice(t, xlsx(t, sheet(roster(), rows)), "xlsx")
	r := read(t, saved, roster())
	requireSame(t, rows, r)
	require.Equal(t, 3, r.Header)

	// Other ways in which an office may send it back.
	r = read(t, throughLibreOffice(t, saved, "csv:Text - txt - csv (StarCalc):44,34,76"), roster()) // commas, quotes, UTF-8
	require.Empty(t, r.Problems)
	require.Len(t, r.Rows, len(rows))
	require.Equal(t, rows[1].Key, r.Rows[1].Key, "a row under merged cells, of which a .csv keeps the first only")
	_, err := workbook.Read(throughLibreOffice(t, saved, "xls"), roster(), workbook.Limits{})
	require.ErrorIs(t, err, workbook.ErrOldExcel)
	_, err = workbook.Read(throughLibreOffice(t, saved, "ods"), roster(), workbook.Limits{})
	require.ErrorIs(t, err, workbook.ErrOtherFormat)
}

func throughLibreOffice(t *testing.T, data []byte, format string) []byte {
	t.Helper()
	dir := t.TempDir()
	in := filepath.Join(dir, "table.xlsx")
	require.NoError(t, os.WriteFile(in, data, 0o600))
	cmd := exec.CommandContext(t.Context(), "soffice", "-env:UserInstallation=file://"+filepath.Join(dir, "profile"),
		"--headless", "--convert-to", format, "--outdir", filepath.Join(dir, "out"), in)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	extension, _, _ := strings.Cut(format, ":")
	b, err := os.ReadFile(filepath.Join(dir, "out", "table."+extension))
	require.NoError(t, err, "%s", out)
	return b
}
