package dossier

import (
	"context"
	_ "embed" // README.txt
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	"duban/domain/calendar"
)

//go:embed README.txt
var readme string

// evidence spools the files that included events name, in the order of their digests.
func (wr *writer) evidence(ctx context.Context) error {
	for _, sum := range slices.Sorted(maps.Keys(wr.named)) {
		if err := wr.evidenceOf(ctx, sum, wr.named[sum]); err != nil {
			return err
		}
	}
	wr.m.Counts.Evidence = uint64(len(wr.m.Evidence))
	return nil
}

// heads spools the last head of each month of the year that is no larger than the
// dossier's.
func (wr *writer) heads(context.Context) error {
	if wr.Heads == nil {
		return nil
	}
	var last Head
	flush := func() error {
		if last.Size == 0 {
			return nil
		}
		e, err := wr.main.addBytes(headsPrefix+strconv.FormatUint(last.Size, 10), last.Note)
		wr.headEntries = append(wr.headEntries, e)
		return err
	}
	for h, err := range wr.Heads {
		if err != nil {
			return fmt.Errorf("read the heads: %w", err)
		}
		if h.Size == 0 || h.Size > wr.Head.Size || !wr.cut.contains(h.At) || h.Size < last.Size {
			continue
		}
		if last.Size > 0 && last.Size != h.Size && last.At.In(calendar.Zone).Month() != h.At.In(calendar.Zone).Month() {
			if err := flush(); err != nil {
				return err
			}
		}
		last = h
	}
	if err := flush(); err != nil {
		return err
	}
	wr.m.Counts.Heads = uint64(len(wr.headEntries))
	return nil
}

func (wr *writer) register(ctx context.Context) error {
	e, err := wr.main.add(pathRegister, func(w io.Writer) error { return wr.Register(ctx, w) })
	wr.registerEntry = []spooled{e}
	return err
}

// texts spools what stands at the dossier's beginning, and the self-check.
func (wr *writer) texts(context.Context) error {
	keys, err := Encode(wr.Keys)
	if err != nil {
		return err
	}
	for _, t := range []struct {
		name string
		b    []byte
	}{
		{pathReadme, []byte(readme)}, {pathIndex, wr.Page}, {pathCheckpoint, wr.Head.Note}, {pathPolicy, wr.Policy}, {pathKeys, keys},
	} {
		e, err := wr.main.addBytes(t.name, t.b)
		if err != nil {
			return err
		}
		wr.textEntries = append(wr.textEntries, e)
	}
	check, err := Encode(wr.selfChecked())
	if err != nil {
		return err
	}
	e, err := wr.main.addBytes(pathSelfCheck, check)
	wr.selfCheck = []spooled{e}
	return err
}

func (wr *writer) tiles(context.Context) error {
	for _, t := range tilesOf(wr.Head.Size) {
		b, err := wr.Tile(t)
		if err != nil {
			return fmt.Errorf("%s: %w", tilePath(t), err)
		}
		e, err := wr.main.addBytes(tilePath(t), b)
		if err != nil {
			return err
		}
		wr.tileEntries = append(wr.tileEntries, e)
	}
	wr.m.Counts.Tiles = uint64(len(wr.tileEntries))
	return nil
}

// selfChecked lists what the writer looked at. It would have failed had anything
// not held, so that every check that is listed has passed.
func (wr *writer) selfChecked() SelfCheck {
	held := func(name, zh, en string, count uint64) Check {
		return Check{Name: name, Chinese: zh, English: en, Count: count, Passed: true}
	}
	return SelfCheck{
		Format: Format,
		Scope:  "只声明下列各项已由导出程序逐项检查，不声明符合任何标准 / only the checks listed here were made; no conformance with any standard is claimed",
		Authenticity: []Check{
			held("checkpoint", "树头的签名符合随附的策略", "the head's signatures satisfy the enclosed policy", 1),
			held("leaves", "账本截至树头的每个事件与签名树中该序号的叶子一致", "every event up to the head is the leaf at its sequence of the signed tree", wr.checked.leaves),
			held("evidence", "每份证据的字节与其 SHA-256 一致", "the bytes of every file are those of its SHA-256", wr.checked.files),
		},
		Integrity: []Check{
			held("contiguous", "年度范围内的序号连续无缺", "the sequences of the range are without a gap", wr.m.Counts.Events),
			held("recordedtime", "入账时间不倒退", "recordedtime does not run backwards", wr.checked.leaves),
			held("chains", "收录的每条记录从版本 1 起逐个相接", "every aggregate's events follow one another from version 1", wr.checked.chains),
			held("left_out", "未收录的内容逐项列入清单并说明原因", "what is left out is listed with the reason", uint64(len(wr.m.LeftOut))),
		},
		Usability: []Check{
			held("formats", "事件为单行 UTF-8 JSON，清单为 JSON，台账为 .xlsx，条目不压缩", "events are JSON in UTF-8, one a line; entries are stored unpacked", wr.m.Counts.Events+wr.m.Counts.Context-uint64(len(wr.m.Odd))),
			held("readable", "附有说明和可离线打开的页面", "a description and a page that opens offline are enclosed", 2),
		},
		Safety: []Check{
			held("withdrawn", "已撤回的证据不在卷宗内", "withdrawn evidence is not inside", uint64(len(wr.m.LeftOut))),
			held("names", "条目名称固定，不含路径跳转", "the entries' names are fixed and lead nowhere else", 1),
		},
	}
}
