package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

// A duplicate is left to a finding that goes on with it.
func TestDuplicateOfWhat(t *testing.T) {
	n := start(t)
	inspector, other := n.member("jiancha-a", "inspector", ""), n.member("jiancha-b", "inspector", "")
	record := func(grade string) string {
		t.Helper()
		w := n.act(inspector, "findings", body{"subject": body{"name": "某厂", "place": "厂区"}, "description": "d", "category": "c", "found_on": "2019-06-27"})
		path := "findings/" + w.ID
		if grade != "" {
			n.act(inspector, path+"/verify", body{})
			n.act(inspector, path+"/grade", body{"grade": grade, "criterion": "x"})
		}
		return path
	}
	mark := func(original string) body { return body{"original": "finding/" + original[len("findings/"):]} }
	refused := func(path, original, rule string) {
		t.Helper()
		n.unchanged(func() {
			assert.Equal(t, rule, n.post(other, path+"/mark-duplicate", mark(original)).problem(http.StatusConflict).Rule)
		})
	}

	major, again := record("major"), record("major")
	n.act(other, again+"/mark-duplicate", mark(major))
	refused(record(""), again, "finding.duplicate_of.original")
	refused(major, again, "finding.duplicate_of.original")

	dismissed := record("")
	n.act(inspector, dismissed+"/dismiss", body{"reason": "不属实"})
	refused(record("ordinary"), dismissed, "finding.duplicate_of.original")

	ordinary, graver := record("ordinary"), record("major")
	refused(graver, ordinary, "finding.duplicate_of.major")
	// Nor by way of a correction.
	marked := n.act(other, graver+"/mark-duplicate", mark(major))
	n.unchanged(func() {
		p := n.post(other, graver+"/correct", body{"target": marked.Events[0].ID, "mode": "amend", "changes": mark(ordinary), "reason": "指错"}).problem(http.StatusConflict)
		assert.Equal(t, "finding.duplicate_of.major", p.Rule)
	})
	last := record("major")
	approvedMark := mark(ordinary)
	approvedMark["approval"] = approved("同意并案")
	n.act(other, last+"/mark-duplicate", approvedMark)

	lone := record("")
	n.unchanged(func() {
		p := n.post(other, lone+"/mark-duplicate", mark("findings/"+nobody)).problem(http.StatusUnprocessableEntity)
		assert.Equal(t, "reference.unknown", p.Rule)
	})
}
