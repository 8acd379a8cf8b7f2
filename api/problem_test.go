package api

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"duban/projections"
)

// Whoever asks for rows that are being built learns how far they are and when to
// come again.
func TestBuildingIsToldInWords(t *testing.T) {
	for kind, err := range map[string]error{
		"building":   &projections.BuildingError{Done: 37, Total: 100},
		"rebuilding": &projections.RebuildingError{Done: 37, Total: 100},
	} {
		p, known := problem(fmt.Errorf("list tasks: %w", err))
		require.True(t, known)
		require.Equal(t, http.StatusServiceUnavailable, p.Status)
		require.Equal(t, "urn:duban:problem:"+kind, p.Type)
		require.Equal(t, err.Error(), p.Detail)
		require.Contains(t, p.Detail, "已完成 37%")
		require.NotEmpty(t, p.header.Get("Retry-After"))
	}
}
