package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Before the ledger was compared with its last signed head it is read, not written.
func TestNothingIsWrittenUnchecked(t *testing.T) {
	n := begin(t, &node{logs: true, signs: true, hold: make(chan struct{})})
	office := body{"name": "化工处", "type": "office"}
	n.unchanged(func() {
		for _, r := range []request{
			{method: http.MethodPost, path: "offices", media: "application/json", body: encode(t, office)},
			{method: http.MethodPost, path: "directives", media: "text/plain", body: shortNotice},
			{method: http.MethodPost, path: "tokens", media: "application/json", body: encode(t, body{"person": "a", "role": "auditor"})},
			{method: http.MethodPut, path: "evidence", media: "text/plain", body: "来件"},
			{method: http.MethodPost, path: "reminders", media: "application/json", body: "{}"},
			{method: http.MethodGet, path: "dossiers/2019"},
			{method: http.MethodHead, path: "dossiers/2019"},
		} {
			r.token = n.token
			a := n.do(r)
			assert.Equal(t, http.StatusServiceUnavailable, a.status, "%s: %s", a.asked, a.body)
			assert.Equal(t, "1", a.header.Get("Retry-After"), a.asked)
			if r.method != http.MethodHead {
				assert.Equal(t, "urn:duban:problem:starting", a.problem(http.StatusServiceUnavailable).Type)
			}
		}
		_, err := n.server.RemindToday(t.Context())
		require.ErrorContains(t, err, "刚刚启动")
	})
	n.get("offices").want(http.StatusOK)
	n.get("events").want(http.StatusOK)
	ready := n.do(request{method: http.MethodGet, path: "/readyz"}).want(http.StatusServiceUnavailable)
	assert.Contains(t, string(ready.body), `"writable":false`)
	assert.Contains(t, string(n.do(request{method: http.MethodGet, path: "/metrics"}).body), "duban_ledger_writable 0")
	// What may hold up the comparison can be accepted; event 1 is in order.
	n.post(n.token, "doctor/accept", body{"sequence": 1, "reason": "查明"}).problem(http.StatusConflict)
	n.post("", "offices", office).problem(http.StatusUnauthorized)

	close(n.hold)
	<-n.config.Seal.Checked()
	n.act(n.token, "offices", office)
	ready = n.do(request{method: http.MethodGet, path: "/readyz"}).want(http.StatusOK)
	assert.True(t, strings.Contains(string(ready.body), `"writable":true`), string(ready.body))
}
