package eventstore

import (
	"errors"
	"fmt"
	"strings"

	"duban/domain"
)

// What can go wrong, to be matched with errors.Is. The values with details
// (ConflictError, EventError, GapError, DriftError, TooLargeError) are matched
// with errors.As and also answer errors.Is for their sentinel.
var (
	// ErrConflict: the aggregate moved since it was loaded. Load, decide again.
	ErrConflict = errors.New("记录已被他人更新，请重新读取后再办理 / the record has changed meanwhile: load it and decide again")

	// ErrUnavailable: nothing can be written now. Whether the append at hand was
	// recorded may be unknown; repeating it with the same key is always safe.
	ErrUnavailable = errors.New("账本暂时不可用，请稍后重试（写入请用同一个 Idempotency-Key） / the ledger is not available now: try again later, a write with the same idempotency key")

	// ErrOverloaded: more appends wait than the store takes. Nothing was recorded.
	ErrOverloaded = errors.New("当前写入过多，请稍后用同一个 Idempotency-Key 重试 / too many writes are waiting: try again later with the same idempotency key")

	// ErrDrift: the stream is not as this software keeps it.
	ErrDrift = errors.New("账本的流配置被改动，已停止写入 / the stream differs from what the ledger needs, writes are stopped")

	// ErrGap: an event is missing from the stream. Only a backup mends it.
	ErrGap = errors.New("账本缺少事件，已停止写入，只能从备份恢复 / the ledger has lost an event, writes are stopped: restore a backup")

	// ErrMismatch: the stream is not what was signed. Only a backup mends it.
	ErrMismatch = errors.New("账本与已签名的树头不一致，已停止写入，只能从备份恢复 / the ledger is not what was signed, writes are stopped: restore a backup")

	// ErrHeadsMoved: another signer has appended to the signed heads.
	ErrHeadsMoved = errors.New("另一个进程也在签名，每个账本只能有一个签名者（--sign） / somebody else signs too: one ledger has one signer (--sign)")

	// ErrNoHead: there is no signed head of this size, or none at all yet.
	ErrNoHead = errors.New("没有这个大小的树头 / there is no signed head of this size")

	// ErrUndecodable: an event can't be read or does not continue its
	// aggregate's chain. duban doctor --accept lets work go on.
	ErrUndecodable = errors.New("账本中有无法读取或不合规的事件，已停止写入 / the ledger has an event that can't be read or does not fit, writes are stopped")

	// ErrTooLarge: the event does not fit its 65,535 bytes.
	ErrTooLarge = errors.New("事件过大，请缩短内容或把材料作为证据上传 / the event is too large: shorten it or upload the material as evidence")

	// ErrTooManyEvents: more events than one transaction may hold.
	ErrTooManyEvents = fmt.Errorf("一次最多写入 %d 个事件，请分批 / one append holds at most %d events: split it", MaxEvents, MaxEvents)

	// ErrClockBehind: the last event is more than two seconds ahead of the clock.
	ErrClockBehind = errors.New("本机时钟落后于账本最后一个事件，请校准时钟 / the clock is behind the last event of the ledger: set the clock")

	// ErrInvalidAppend: the caller's append is malformed; a mistake in a program.
	ErrInvalidAppend = errors.New("写入请求不完整或自相矛盾 / the append is incomplete or contradicts itself")

	// ErrEvidenceTooLarge: more bytes than the caller's limit.
	ErrEvidenceTooLarge = errors.New("证据文件超过大小限制 / the evidence is larger than allowed")
	// ErrNoEvidence: bytes with this digest were never stored.
	ErrNoEvidence = errors.New("没有这份证据，请先上传 / there is no such evidence: upload it first")
	// ErrEvidenceWithdrawn: the bytes were stored once and have been removed.
	ErrEvidenceWithdrawn = errors.New("这份证据已被撤回，内容不再保存 / the evidence was withdrawn, its bytes are gone")

	// ErrNoCredential: no credential has this token digest.
	ErrNoCredential = errors.New("令牌无效或已停用 / the token is unknown or revoked")

	// ErrLocked: another process has the data folder open.
	ErrLocked = errors.New("数据目录正被另一个 duban 进程使用，请先停止它 / the data folder is in use by another duban process: stop that one first")
	// ErrVersion: the NATS server is too old to be trusted with the ledger.
	ErrVersion = errors.New("NATS 服务器版本过旧，请升级到 " + minServerVersion + " 或更新 / the NATS server is too old: upgrade to " + minServerVersion + " or newer")
	// ErrReplicas: a cluster that can't, or does not, keep three copies.
	ErrReplicas = errors.New("集群必须为账本保存三个副本 / a cluster must keep three replicas of the ledger")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("账本已关闭 / the ledger is closed")

	// ErrNoEvent: the ledger has not come to the sequence an operator names.
	ErrNoEvent = errors.New("账本还没有这个序号的事件，请核对序号 / the ledger has no event with this sequence yet: check it")

	// ErrNotOdd: the event an operator wants to accept is in order.
	ErrNotOdd = errors.New("该事件没有问题，无需接受 / the event is in order, there is nothing to accept")
)

// ConflictError says that a subject's last event is not the one the append was
// decided on.
type ConflictError struct {
	Subject          domain.Ref
	Expected, Actual uint64 // sequence of the subject's last event, 0 for none
}

func (e *ConflictError) Error() string {
	return domain.Both(ErrConflict.Error(), fmt.Sprintf("%s 预期止于序号 %d，实际 %d", e.Subject, e.Expected, e.Actual),
		fmt.Sprintf("%s ends at sequence %d, not at %d", e.Subject, e.Actual, e.Expected))
}

// Is reports whether target is ErrConflict.
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

// EventError names the one event that can't be read or does not fit.
type EventError struct {
	Sequence uint64
	Err      error
}

func (e *EventError) Error() string {
	zh, en := domain.Halves(e.Err.Error())
	return domain.Both(ErrUndecodable.Error(), fmt.Sprintf("序号 %d：%s；查看并接受：duban doctor --accept %d --reason …", e.Sequence, zh, e.Sequence),
		fmt.Sprintf("event %d: %s; look at it, then duban doctor --accept %d --reason …", e.Sequence, en, e.Sequence))
}

// Is reports whether target is ErrUndecodable.
func (e *EventError) Is(target error) bool { return target == ErrUndecodable }

func (e *EventError) Unwrap() error { return e.Err }

// GapError names the first sequence that is missing.
type GapError struct {
	Sequence uint64 // the first event that is missing
	Found    uint64 // the next event there is, 0 if the stream ends before
}

func (e *GapError) Error() string {
	return domain.Both(ErrGap.Error(), fmt.Sprintf("缺少序号 %d，其后为 %d", e.Sequence, e.Found), fmt.Sprintf("missing sequence %d, the next is %d", e.Sequence, e.Found))
}

// Is reports whether target is ErrGap.
func (e *GapError) Is(target error) bool { return target == ErrGap }

// MismatchError names the first event known not to be what was signed.
type MismatchError struct {
	Sequence uint64 // first event that differs; 0: unknown
	Size     uint64 // of the signed head that it disagrees with
	Detail   string // how it differs, "中文 / English"
}

func (e *MismatchError) Error() string {
	zh, en := domain.Halves(e.Detail)
	if e.Sequence > 0 {
		zh, en = fmt.Sprintf("首个不一致的序号 %d：%s", e.Sequence, zh), fmt.Sprintf("the first sequence that differs is %d: %s", e.Sequence, en)
	}
	return domain.Both(ErrMismatch.Error(), zh, en)
}

// Is reports whether target is ErrMismatch.
func (e *MismatchError) Is(target error) bool { return target == ErrMismatch }

// DriftError lists how the stream differs from what the ledger needs.
type DriftError struct {
	Differences []string // "max_msgs: want -1, have 3"
	Remedy      string
}

func (e *DriftError) Error() string {
	return fmt.Sprintf("%v: %s；%s", ErrDrift, strings.Join(e.Differences, "; "), e.Remedy)
}

// Is reports whether target is ErrDrift.
func (e *DriftError) Is(target error) bool { return target == ErrDrift }

// TooLargeError says how large the event would have been.
type TooLargeError struct {
	Type        string
	Size, Limit int
}

func (e *TooLargeError) Error() string {
	return domain.Both(ErrTooLarge.Error(), fmt.Sprintf("%s 有 %d 字节，上限 %d", e.Type, e.Size, e.Limit), fmt.Sprintf("%s has %d bytes, the limit is %d", e.Type, e.Size, e.Limit))
}

// Is reports whether target is ErrTooLarge.
func (e *TooLargeError) Is(target error) bool { return target == ErrTooLarge }
