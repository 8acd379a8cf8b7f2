package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"duban/api"
)

// TestBuildingIsAskedBesideTheAPI: also of a server that is not ready.
func TestBuildingIsAskedBesideTheAPI(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			http.NotFound(w, r)
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(`{"ready":false,"building":{"readmodel":{"done_events":3,"events":7}}}`))
	}))
	defer server.Close()
	b, err := (&client{base: server.URL + "/api/v1/", http: server.Client()}).building(t.Context())
	require.NoError(t, err)
	require.Equal(t, api.BuildsView{Model: &api.BuildView{Done: 3, Events: 7}}, b)
}
