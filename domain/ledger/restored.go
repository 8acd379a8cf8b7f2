package ledger

import (
	"encoding/base64"
	"strings"

	"duban/domain"
	"duban/domain/calendar"
)

// Restored is the first thing recorded in a copy that was restored from a backup,
// after the server that restored it opened it. What the ledger recorded after the
// backup is not in the copy, and others may have been shown it: so from this event
// on the copy is another incarnation of the ledger, named by this event's id, with
// keys of its own.
type Restored struct {
	domain.Particulars
	Origin   string        `json:"origin"`    // of the ledger that was backed up
	Events   uint64        `json:"events"`    // that the copy took over, the first ones
	TreeSize uint64        `json:"tree_size"` // of the signed head the backup was compared with
	Root     string        `json:"root"`      // that head's, in base64
	BackupOn calendar.Date `json:"backup_on"` // when the backup was made, in Asia/Shanghai
}

// EventType names the event.
func (*Restored) EventType() string { return "duban.ledger.restored.v1" }

const hashBytes = 32 // of SHA-256

// Validate checks the payload by itself.
func (r *Restored) Validate() error {
	if err := domain.CheckText("origin", r.Origin, true); err != nil {
		return err
	}
	root, err := base64.StdEncoding.DecodeString(r.Root)
	switch {
	case len(strings.Split(r.Origin, "/")) != 3 || !strings.HasPrefix(r.Origin, "duban/"):
		return domain.Invalid("restored.origin", "origin", "账本名称应为 duban/单位/编号", "an origin is written duban/ORG/INCARNATION")
	case r.Events == 0:
		return domain.Invalid("restored.events", "events", "缺少事件数", "the number of events is missing")
	case r.TreeSize == 0:
		return domain.Invalid("restored.tree_size", "tree_size", "缺少树的大小", "the size of the tree is missing")
	case err != nil || len(root) != hashBytes:
		return domain.Invalid("restored.root", "root", "树根应为 32 字节的 base64", "a root is 32 bytes in base64")
	}
	if _, err := calendar.ParseDate(string(r.BackupOn)); err != nil {
		return domain.Invalid("restored.backup_on", "backup_on", "备份日期不正确", "the day of the backup is no date")
	}
	return nil
}
