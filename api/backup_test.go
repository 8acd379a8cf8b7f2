package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"duban/api/backup"
)

func TestBackupHead(t *testing.T) {
	n := startLog(t)
	n.importNotice(shortNotice)
	var h backup.Head
	n.get("backup/head?events=3").want(http.StatusOK).into(&h)
	assert.Equal(t, uint64(3), h.Events)
	assert.GreaterOrEqual(t, h.Size, h.Events)
	assert.Contains(t, h.Checkpoint, h.Origin+"\n")
	assert.NotEmpty(t, h.Consistency)
	b, err := h.Binding()
	assert.NoError(t, err)
	assert.Len(t, b.Proof, len(h.Consistency))
	h.Consistency[0] = "x"
	_, err = h.Binding()
	assert.ErrorContains(t, err, "一致性证明")

	n.get("backup/head").want(http.StatusUnprocessableEntity)
	beyond := n.get("backup/head?events=999999").want(http.StatusServiceUnavailable)
	assert.Contains(t, string(beyond.body), "没有覆盖全部事件的签名树头")
	n.get("backup/streams/credentials").want(http.StatusUnprocessableEntity)
}
