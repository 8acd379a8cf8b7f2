package name

import "duban/domain"

// Claimed (占用): from now on the name means its owner.
type Claimed struct {
	domain.Particulars
	Kind  Kind       `json:"kind" doc:"document_number 文号, office_name 处室名称, notice_text 文件标题、日期和条款的摘要, register_row 表中一行的摘要"`
	Name  string     `json:"name" doc:"名称，照原样"`
	Owner domain.Ref `json:"owner" doc:"名称所指：directive/…、office/… 或 finding/…"`
}

// EventType names the event.
func (*Claimed) EventType() string { return "duban.name.claimed.v1" }

// Validate checks the payload by itself.
func (c *Claimed) Validate() error {
	if c.Kind == 0 {
		return domain.Invalid("name.claimed.kind", "kind", "缺少名称类别 kind", "the kind of name is missing")
	}
	if err := domain.CheckText("name", c.Name, true); err != nil {
		return err
	}
	if Normalise(c.Kind, c.Name) == "" {
		return domain.Invalid("name.claimed.empty", "name", "名称没有可见字符", "the name has no visible characters")
	}
	if !owns(c.Owner.Kind) {
		return domain.Invalid("name.claimed.owner", "owner", "owner 应为 directive/…、office/… 或 finding/…", "owner is a directive/…, an office/… or a finding/…")
	}
	return nil
}

// Released (释放): the name no longer means its owner and may be claimed again.
type Released struct {
	domain.Particulars
	Reason string `json:"reason" doc:"释放原因"`
}

// EventType names the event.
func (*Released) EventType() string { return "duban.name.released.v1" }

// Validate checks the payload by itself.
func (r *Released) Validate() error { return domain.CheckText("reason", r.Reason, true) }

// Payloads returns a prototype of every event of a name.
func Payloads() []domain.Payload { return []domain.Payload{&Claimed{}, &Released{}} }
