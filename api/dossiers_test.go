package api_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/api"
	"duban/domain/ledger"
	"duban/projections/dossier"
)

func (n *node) verified(a answer) dossier.Report {
	n.t.Helper()
	r, err := dossier.Verify(n.t.Context(), bytes.NewReader(a.body), int64(len(a.body)), dossier.VerifyOptions{})
	require.NoError(n.t, err)
	return r
}

func TestDossier(t *testing.T) {
	n := startLog(t)
	n.importNotice(shortNotice)
	auditor := n.member("shenji", "auditor", "")
	recorded := n.store.Acked()
	a := n.do(request{method: http.MethodGet, path: "dossiers/2019", token: auditor}).want(http.StatusOK)
	r := n.verified(a)
	assert.True(t, r.Partial, "the year goes on")
	assert.Equal(t, "test", r.Org)
	assert.EqualValues(t, 1, r.Range.First)
	assert.GreaterOrEqual(t, r.Range.Last, recorded, "what was recorded before the request is inside")
	assert.Equal(t, "application/zip", a.header.Get("Content-Type"))
	assert.Equal(t, strconv.Itoa(len(a.body)), a.header.Get("Content-Length"))
	assert.Equal(t, strconv.FormatUint(r.TreeSize, 10), a.header.Get(api.HeaderTreeSize))
	assert.Contains(t, a.header.Get("Content-Disposition"), "dossier-2019.zip")

	// The export is an event, behind the head.
	var page api.EventsView
	n.get("events?after=" + strconv.FormatUint(r.TreeSize, 10)).want(http.StatusOK).into(&page)
	require.Len(t, page.Events, 1)
	assert.Equal(t, "person/shenji", page.Events[0].Actor)
	var event struct{ Data ledger.Exported }
	require.NoError(t, json.Unmarshal(page.Events[0].Event, &event))
	assert.Equal(t, r.TreeSize, event.Data.TreeSize)
	assert.Equal(t, `"`+event.Data.SHA256+`"`, a.header.Get("ETag"))
	assert.EqualValues(t, len(a.body), event.Data.Bytes)

	// The same head gives the same bytes, whatever came since.
	n.clock.pass()
	n.attach("后来的")
	n.member("houlai", "auditor", "")
	again := n.get("dossiers/2019?at_size=" + a.header.Get(api.HeaderTreeSize)).want(http.StatusOK)
	assert.Equal(t, a.body, again.body)
	later := n.get("dossiers/2019").want(http.StatusOK)
	assert.Greater(t, n.verified(later).TreeSize, r.TreeSize)

	// In the next year the event of the first export proves that 2019 is over.
	n.clock.set(t, "2020-01-02 09:00")
	n.get("dossiers/2019").want(http.StatusOK)
	r = n.verified(n.get("dossiers/2019").want(http.StatusOK))
	assert.False(t, r.Partial)
}

func TestDossierRefused(t *testing.T) {
	n := startLog(t)
	im := n.importNotice(shortNotice)
	office := n.member("huagong", "office", im.offices["化工处"])
	n.do(request{method: http.MethodGet, path: "dossiers/2019", token: office}).want(http.StatusForbidden)
	n.get("dossiers/2018").want(http.StatusNotFound)
	n.get("dossiers/2019?at_size=999999").want(http.StatusNotFound)
	n.get("dossiers/1").want(http.StatusUnprocessableEntity)
	start(t).get("dossiers/2019").want(http.StatusServiceUnavailable)
}
