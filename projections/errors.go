package projections

import (
	"errors"
	"fmt"

	"duban/domain"
)

// What can go wrong, to be matched with errors.Is; the values with details are
// matched with errors.As and answer errors.Is for their sentinel.
var (
	// ErrNotFound: there is no such thing, or there was none yet at the time asked
	// about.
	ErrNotFound = errors.New("没有找到 / not found")

	// ErrBadCursor: the cursor is damaged or was made for another query.
	ErrBadCursor = errors.New("cursor 无效或属于另一个查询，请去掉 cursor 从头查询 / the cursor is damaged or belongs to another query: start again without it")

	// ErrBadQuery: a parameter of a query has no meaning.
	ErrBadQuery = errors.New("查询参数不正确 / a query parameter is wrong")

	// ErrGap: the stream left a sequence out.
	ErrGap = errors.New("读模型收到的事件不连续，已停止更新 / the events the read model receives are not consecutive, it has stopped")

	// ErrDiverged: the stream is not the one this read model was made from: it ends
	// before the read model's position or has other bytes there. Acknowledged
	// events may be lost.
	ErrDiverged = errors.New("账本与读模型不一致，可能丢失了已确认的事件 / the ledger and the read model disagree, acknowledged events may be lost")

	// ErrRebuilding: the read model's file was damaged and is being built again.
	ErrRebuilding = errors.New("读模型正在重建，请稍后再试 / the read model is being rebuilt: try again later")

	// ErrBuilding: the lists of an earlier time are being built, which goes on without
	// whoever asked.
	ErrBuilding = errors.New("该时点的清单正在从账本建立 / the lists as of that time are being built from the ledger")

	// ErrRebuildRunning: one rebuild at a time.
	ErrRebuildRunning = errors.New("读模型正在重建，一次只能进行一个 / a rebuild is running already")

	// ErrDifferent: the read model is not what a fresh replay gives.
	ErrDifferent = errors.New("读模型与重放结果不一致，请执行 duban rebuild / the read model differs from a fresh replay: run duban rebuild")

	// ErrClosed: the model was closed.
	ErrClosed = errors.New("读模型已关闭 / the read model is closed")
)

// QueryError names the parameter that is wrong.
type QueryError struct {
	Field string // the parameter's name in the HTTP API
	Err   error  // what was wrong and what to write
}

func (e *QueryError) Error() string { return e.Field + "：" + e.Err.Error() }

// Is reports whether target is ErrBadQuery.
func (e *QueryError) Is(target error) bool { return target == ErrBadQuery }

func (e *QueryError) Unwrap() error { return e.Err }

func badQuery(field, zh, en string) error {
	return &QueryError{Field: field, Err: errors.New(zh + " / " + en)}
}

// NotFoundError names what there is not.
type NotFoundError struct {
	What string // task/01J…
}

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("没有 %s / there is no %s", e.What, e.What)
}

// Is reports whether target is ErrNotFound.
func (e *NotFoundError) Is(target error) bool { return target == ErrNotFound }

// GapError names the sequence that is missing.
type GapError struct {
	Want, Got uint64
}

func (e *GapError) Error() string {
	return domain.Both(ErrGap.Error(), fmt.Sprintf("缺少序号 %d，收到 %d", e.Want, e.Got), fmt.Sprintf("missing sequence %d, received %d", e.Want, e.Got))
}

// Is reports whether target is ErrGap.
func (e *GapError) Is(target error) bool { return target == ErrGap }

// DivergedError says where ledger and read model part.
type DivergedError struct {
	Sequence uint64 // the first sequence known to differ
	Position uint64 // how far the read model had come
	End      uint64 // where the ledger ends; 0: the bytes at Sequence differ
}

func (e *DivergedError) Error() string {
	zh, en := fmt.Sprintf("序号 %d 的内容不同", e.Sequence), fmt.Sprintf("the bytes at sequence %d differ", e.Sequence)
	if e.End > 0 || e.Sequence == 1 {
		zh = fmt.Sprintf("账本止于 %d，读模型已到 %d", e.End, e.Position)
		en = fmt.Sprintf("the ledger ends at %d, the read model stands at %d", e.End, e.Position)
	}
	return domain.Both(ErrDiverged.Error(), zh+"；确认原因（例如恢复了较早的备份）后，删除读模型目录再启动",
		en+": find out why, then delete the read model's folder and start again")
}

// Is reports whether target is ErrDiverged.
func (e *DivergedError) Is(target error) bool { return target == ErrDiverged }

// DifferenceError is the first row in which the read model and a fresh replay
// differ.
type DifferenceError struct {
	Table      string
	Have, Want string // the row as the model has it and as the replay gives it; empty: no row
}

func (e *DifferenceError) Error() string {
	return fmt.Sprintf("%v：表 %s\n现有 / have: %s\n应为 / want: %s", ErrDifferent, e.Table, e.Have, e.Want)
}

// Is reports whether target is ErrDifferent.
func (e *DifferenceError) Is(target error) bool { return target == ErrDifferent }

// percent is how much of a work is done, below 100 while it goes on.
func percent(done, total uint64) uint64 { return min(99, 100*done/max(total, 1)) }

// RebuildingError is ErrRebuilding of a read model that is being filled, and answers
// nothing before it has caught up.
type RebuildingError struct {
	Done, Total uint64 // events
}

func (e *RebuildingError) Error() string {
	p := percent(e.Done, e.Total)
	return fmt.Sprintf("读模型正在建立（已完成 %d%%），请稍后再试 / the read model is being built (%d %% done): try again later", p, p)
}

// Is reports whether target is ErrRebuilding.
func (e *RebuildingError) Is(target error) bool { return target == ErrRebuilding }

// BuildingError says how far the lists of an earlier time are.
type BuildingError struct {
	Done, Total uint64 // events; both 0: not begun, others are built first
}

func (e *BuildingError) Error() string {
	if e.Total == 0 {
		return "该时点的清单正在排队等待建立，请稍后再试 / the lists as of that time wait for others to be built: try again later"
	}
	p := percent(e.Done, e.Total)
	return fmt.Sprintf("该时点的清单正在从账本建立（已完成 %d%%），请稍后再试 / the lists as of that time are being built from the ledger (%d %% done): try again later", p, p)
}

// Is reports whether target is ErrBuilding.
func (e *BuildingError) Is(target error) bool { return target == ErrBuilding }
