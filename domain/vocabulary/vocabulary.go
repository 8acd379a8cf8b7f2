// Package vocabulary lists every event type there is, for those who decode any
// of them: the event store, the read models and the golden files; and what each is
// called, for those who show them.
package vocabulary

import (
	"slices"

	"duban/domain"
	"duban/domain/directive"
	"duban/domain/finding"
	"duban/domain/inspection"
	"duban/domain/ledger"
	"duban/domain/name"
	"duban/domain/office"
	"duban/domain/policy"
	"duban/domain/task"
	"duban/domain/workyear"
)

// Payloads returns a prototype of every event type.
func Payloads() []domain.Payload {
	return slices.Concat(ledger.Payloads(), name.Payloads(), office.Payloads(), directive.Payloads(),
		task.Payloads(), inspection.Payloads(), finding.Payloads(),
		workyear.Payloads(), policy.Payloads())
}

// Words returns what people call the events, by their types: 签收, 申请报结.
func Words() map[string]string {
	words := map[string]string{
		(*ledger.Opened)(nil).EventType(): "启动服务", (*ledger.Accepted)(nil).EventType(): "接受异常事件",
		(*ledger.KeyPublished)(nil).EventType(): "公布签名密钥", (*ledger.KeyRotated)(nil).EventType(): "更换签名密钥",
		(*ledger.Exported)(nil).EventType(): "导出卷宗", (*ledger.Restored)(nil).EventType(): "由备份恢复",
	}
	for _, a := range slices.Concat(name.Acts(), office.Acts(), directive.Acts(), task.Named(), inspection.Acts(), finding.Named(), workyear.Acts(), policy.Acts()) {
		words[a.Ask.EventType()] = a.Chinese
	}
	return words
}
