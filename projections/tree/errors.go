package tree

import (
	"errors"
	"fmt"

	"duban/domain"
)

// What can go wrong, to be matched with errors.Is. A gap is an
// *eventstore.GapError.
var (
	// ErrDiverged: an event in the stream is not the one the tree was made from, or is
	// not there any more.
	ErrDiverged = errors.New("账本与默克尔树不一致，事件可能被改动或丢失 / the ledger and the tree disagree, events may have been changed or lost")

	// ErrDamaged: the stored tiles don't add up to the head they were compared with.
	ErrDamaged = errors.New("默克尔树文件与树头不符，请执行 duban rebuild / the tree's file does not add up to the head: run duban rebuild")

	// ErrBeyond: the tree is not that large (yet), or there is no such tile.
	ErrBeyond = errors.New("默克尔树尚未到达该位置 / the tree does not reach that far")

	// ErrClosed: the tree was closed.
	ErrClosed = errors.New("默克尔树已关闭 / the tree is closed")
)

// DivergedError names the first sequence at which stream and tree part.
type DivergedError struct {
	Sequence uint64
	Missing  bool // the stream has no such event; otherwise it has other bytes
}

func (e *DivergedError) Error() string {
	zh, en := fmt.Sprintf("序号 %d 的内容不同", e.Sequence), fmt.Sprintf("the bytes at sequence %d differ", e.Sequence)
	if e.Missing {
		zh, en = fmt.Sprintf("序号 %d 已不存在", e.Sequence), fmt.Sprintf("sequence %d is not there any more", e.Sequence)
	}
	return domain.Both(ErrDiverged.Error(), zh, en)
}

// Is reports whether target is ErrDiverged.
func (e *DivergedError) Is(target error) bool { return target == ErrDiverged }
