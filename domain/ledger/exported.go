package ledger

import "duban/domain"

// Exported records that somebody was handed the dossier of a year: who pulled what,
// at which head. It is recorded once the file is made, so that it lies behind the
// head the dossier rests on.
type Exported struct {
	domain.Particulars
	Year     int    `json:"year"`
	TreeSize uint64 `json:"tree_size"` // of the head
	SHA256   string `json:"sha256"`    // of the ZIP
	Bytes    int64  `json:"bytes"`
}

// EventType names the event.
func (*Exported) EventType() string { return "duban.ledger.exported.v1" }

// Validate checks the payload by itself.
func (e *Exported) Validate() error {
	switch {
	case e.Year == 0:
		return domain.Invalid("exported.year", "year", "缺少年度", "the year is missing")
	case e.TreeSize == 0:
		return domain.Invalid("exported.tree_size", "tree_size", "缺少树的大小", "the size of the tree is missing")
	case e.Bytes <= 0:
		return domain.Invalid("exported.bytes", "bytes", "缺少文件长度", "the file's length is missing")
	}
	return domain.CheckEvidence("sha256", []domain.Evidence{{SHA256: e.SHA256}})
}
