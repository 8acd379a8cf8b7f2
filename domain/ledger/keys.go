package ledger

import (
	"strings"

	"duban/domain"
	"duban/domain/calendar"
)

// KeyPublished names the first key that signs the heads of this ledger's tree, so
// that the log itself says who signs it.
type KeyPublished struct {
	domain.Particulars
	Key string `json:"key"` // verifier key as C2SP signed-note writes it: name+hash+base64
}

// EventType names the event.
func (*KeyPublished) EventType() string { return "duban.ledger.key_published.v1" }

// Validate checks the payload by itself.
func (k *KeyPublished) Validate() error { return checkKey("key", k.Key) }

// KeyRotated names the key that signs from now on. Until the end of a day the old
// one signs too, so that whoever checks has time to learn of the new one; heads
// signed before stay as they are.
type KeyRotated struct {
	domain.Particulars
	Old    string        `json:"old"`
	New    string        `json:"new"`
	From   uint64        `json:"from"`  // heads over at least that many events carry the new signature
	Until  calendar.Date `json:"until"` // last day of the old key, in Asia/Shanghai
	Reason string        `json:"reason,omitempty"`
}

// EventType names the event.
func (*KeyRotated) EventType() string { return "duban.ledger.key_rotated.v1" }

// Validate checks the payload by itself.
func (k *KeyRotated) Validate() error {
	if err := checkKey("old", k.Old); err != nil {
		return err
	}
	if err := checkKey("new", k.New); err != nil {
		return err
	}
	switch {
	case k.Old == k.New:
		return domain.Invalid("key_rotated.same", "new", "新旧密钥相同", "the new key is the old one")
	case k.From == 0:
		return domain.Invalid("key_rotated.from", "from", "缺少起始大小", "the size it begins at is missing")
	}
	if _, err := calendar.ParseDate(string(k.Until)); err != nil {
		return domain.Invalid("key_rotated.until", "until", "旧密钥的最后日期不正确", "the old key's last day is no date")
	}
	return domain.CheckText("reason", k.Reason, false)
}

func checkKey(field, vkey string) error {
	if err := domain.CheckText(field, vkey, true); err != nil {
		return err
	}
	if parts := strings.SplitN(vkey, "+", 3); len(parts) != 3 || parts[0] == "" || len(parts[1]) != 8 || parts[2] == "" {
		return domain.Invalid("key.form", field, "验证密钥应写作 名称+散列+base64", "a verifier key is written name+hash+base64")
	}
	return nil
}
