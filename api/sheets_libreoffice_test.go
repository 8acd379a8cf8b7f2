//go:build libreoffice

package api_test

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/api/forms"
	"duban/domain/task"
)

// TestThroughLibreOffice: the summary of progress is exported from a live ledger,
// opened, changed in one cell and saved by LibreOffice, and brought back: exactly
// the change is recorded. It runs in .ci/e2e, which installs LibreOffice; the build
// tag keeps it out of make test, which needs nothing installed.
func TestThroughLibreOffice(t *testing.T) {
	n := start(t)
	im, _ := reported(n)
	n.act(n.token, "tasks/"+im.tasks[2]+"/report", body{"office": im.offices["化工处"], "period": "2019-07", "condition": "behind", "progress": "规划，“初稿”；\n待审",
		"on_behalf_of": im.offices["化工处"], "received_via": "paper", "received_on": "2019-08-20", "evidence": n.attach("来件")})
	exported := n.get(n.caughtUp("reports?period=2019-07&format=xlsx")).want(http.StatusOK).body

	unchanged := libreOffice(t, libreOffice(t, exported, "xlsx", "fods"), "fods", "xlsx")
	n.unchanged(func() {
		same := broughtIn(t, n.sendSheet(n.token, "progress"+received, unchanged))
		assert.Equal(t, []string{"same", "same", "same", "same", "same", "same"}, outcomes(same))
	})

	flat := libreOffice(t, exported, "xlsx", "fods")
	require.Equal(t, 1, bytes.Count(flat, []byte("已登记12户")), "the cell to change")
	changed := libreOffice(t, bytes.Replace(flat, []byte("已登记12户"), []byte("已登记15户"), 1), "fods", "xlsx")
	before := n.store.Acked()
	done := broughtIn(t, n.sendSheet(n.token, "progress"+received, changed))
	assert.Equal(t, []string{"changed", "same", "same", "same", "same", "same"}, outcomes(done))
	require.Len(t, done.Rows[0].Changes, 1)
	assert.Equal(t, forms.Change{Column: "进展情况", Cell: done.Rows[0].Changes[0].Cell, Was: "已登记12户", Becomes: "已登记15户"}, done.Rows[0].Changes[0])
	events := n.recordedSince(before)
	require.Equal(t, []string{"task.progress_reported"}, types(events))
	assert.Equal(t, "task/"+im.tasks[1], events[0].Subject)
	var e struct{ Data task.ProgressReported }
	answer{t: t, body: events[0].Event}.into(&e)
	assert.Equal(t, []any{"已登记15户", "2019-07", im.offices["化工处"], done.SHA256}, []any{e.Data.Progress, string(e.Data.Period), e.Data.Office.String(), e.Data.Evidence[0].SHA256})

	n.unchanged(func() {
		assert.Equal(t, "already", broughtIn(t, n.sendSheet(n.token, "progress"+received, changed)).Rows[0].Outcome.String())
	})
}

// libreOffice converts a document.
func libreOffice(t *testing.T, data []byte, from, to string) []byte {
	t.Helper()
	dir := t.TempDir()
	in := filepath.Join(dir, "table."+from)
	require.NoError(t, os.WriteFile(in, data, 0o600))
	cmd := exec.CommandContext(t.Context(), "soffice", "-env:UserInstallation=file://"+filepath.Join(dir, "profile"),
		"--headless", "--convert-to", to, "--outdir", filepath.Join(dir, "out"), in)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	b, err := os.ReadFile(filepath.Join(dir, "out", "table."+to))
	require.NoError(t, err, "%s", out)
	return b
}
