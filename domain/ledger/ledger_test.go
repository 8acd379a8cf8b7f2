package ledger

import (
	"errors"
	"testing"

	"duban/domain"
	"duban/domain/domaintest"
)

const digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

const (
	oldKey = "duban/nx-gxt/01DEPW0000SV16WK10XPQEZ6RR+b4d6eff1+AQ2qEqKqVCGxKPwnzfLzHQHc5z9tWP1Zz6mYgtmBm0qE"
	origin = "duban/nx-gxt/01DEPW0000SV16WK10XPQEZ6RR"
	root   = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
	newKey = "duban/nx-gxt/01DEPW0000SV16WK10XPQEZ6RR+0aa1b2c3+AXGv6uLZJcQnHnPcFdKqNw3u4v5qEoVx0TUdtjbG3XnT"
)

// full returns one event of each type with every field of its own filled in; its
// particulars are pinned by the other aggregates.
func full() []domain.Payload {
	p := domain.Particulars{Note: "备注"}
	return []domain.Payload{
		&Opened{p, "v1.2.3", "sha256:" + digest, true},
		&Accepted{p, 1234, digest, "磁盘故障后人工核对"},
		&KeyPublished{p, oldKey},
		&KeyRotated{p, oldKey, newKey, 1234, "2026-12-31", "每年更换"},
		&Exported{p, 2019, 1234, digest, 56789},
		&Restored{p, origin, 1234, 1230, root, "2026-11-24"},
	}
}

// The stored bytes of every event type are pinned: they decode for ever.
func TestGolden(t *testing.T) { domaintest.Golden(t, full(), Payloads()) }

func TestValidate(t *testing.T) {
	for _, tt := range []struct {
		rule, field string
		p           domain.Payload
	}{
		{"field.required", "software", &Opened{}},
		{"accepted.sequence", "sequence", &Accepted{SHA256: digest, Reason: "x"}},
		{"evidence.sha256", "sha256", &Accepted{Sequence: 1, SHA256: "sha256:" + digest, Reason: "x"}},
		{"field.required", "reason", &Accepted{Sequence: 1, SHA256: digest}},
		{"field.required", "key", &KeyPublished{}},
		{"key.form", "key", &KeyPublished{Key: "duban+AQ=="}},
		{"key.form", "new", &KeyRotated{Old: oldKey, New: "x"}},
		{"key_rotated.same", "new", &KeyRotated{Old: oldKey, New: oldKey}},
		{"key_rotated.from", "from", &KeyRotated{Old: oldKey, New: newKey}},
		{"key_rotated.until", "until", &KeyRotated{Old: oldKey, New: newKey, From: 1, Until: "2026-13-01"}},
		{"exported.year", "year", &Exported{TreeSize: 1, SHA256: digest, Bytes: 1}},
		{"exported.tree_size", "tree_size", &Exported{Year: 2019, SHA256: digest, Bytes: 1}},
		{"exported.bytes", "bytes", &Exported{Year: 2019, TreeSize: 1, SHA256: digest}},
		{"evidence.sha256", "sha256", &Exported{Year: 2019, TreeSize: 1, SHA256: "x", Bytes: 1}},
		{"field.required", "origin", &Restored{Events: 1, TreeSize: 1, Root: root}},
		{"restored.origin", "origin", &Restored{Origin: "nx-gxt", Events: 1, TreeSize: 1, Root: root}},
		{"restored.events", "events", &Restored{Origin: origin, TreeSize: 1, Root: root}},
		{"restored.tree_size", "tree_size", &Restored{Origin: origin, Events: 1, Root: root}},
		{"restored.root", "root", &Restored{Origin: origin, Events: 1, TreeSize: 1, Root: "AAAA"}},
		{"restored.backup_on", "backup_on", &Restored{Origin: origin, Events: 1, TreeSize: 1, Root: root}},
	} {
		r := (*domain.Refusal)(nil)
		if err := tt.p.Validate(); !errors.As(err, &r) || r.Rule != tt.rule || r.Field != tt.field {
			t.Errorf("%s: %v, want %s for %s", tt.p.EventType(), err, tt.rule, tt.field)
		}
	}
}
