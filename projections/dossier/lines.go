package dossier

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"duban/eventstore"
)

// A line is one line of an entry of events, read as far as that needs no other line.
type line struct {
	raw  []byte // without the line feed; empty for an event that is left out
	hash tlog.Hash
	rec  eventstore.Record // Seq is not set
	err  error             // why raw is no event
}

// A batch is lines that one goroutine reads while others read the next.
type batch struct {
	lines  []line
	buffer []byte // what the lines are parts of
	err    error  // what ended the entry behind these lines, nil for its end
	done   chan struct{}
}

// Bounds of a batch, and of how many are under way: memory does not depend on the
// dossier.
const (
	batchLines = 256
	batchBytes = 256 << 10
	batchAhead = 4
)

func (b *batch) read(codec *eventstore.Codec) {
	defer close(b.done)
	for i := range b.lines {
		l := &b.lines[i]
		if len(l.raw) > 0 {
			l.hash = tlog.RecordHash(l.raw)
			l.rec, l.err = codec.Decode(0, l.raw)
		}
	}
}

// eachLine calls f with every line of an entry, in order, from this goroutine. The
// line's bytes are f's for the call only.
func (v *verifier) eachLine(name string, f func(line) error) error {
	return v.digest(name, func(in io.Reader) error {
		batches, stop := make(chan *batch, batchAhead), make(chan struct{})
		var reader sync.WaitGroup
		reader.Go(func() {
			defer close(batches)
			v.split(in, func(b *batch) bool {
				go b.read(&v.codec)
				select {
				case batches <- b:
					return true
				case <-stop:
					return false
				}
			})
		})
		defer reader.Wait()
		defer close(stop)
		for b := range batches {
			<-b.done
			for _, l := range b.lines {
				if err := f(l); err != nil {
					return err
				}
			}
			if b.err != nil {
				return b.err
			}
			v.batches.Put(b)
		}
		return nil
	})
}

// split cuts an entry into batches until it ends or yield returns false.
func (v *verifier) split(in io.Reader, yield func(*batch) bool) {
	v.lines.Reset(in)
	for n, more := 1, true; more; {
		b, ok := v.batches.Get().(*batch)
		if !ok {
			b = &batch{}
		}
		b.lines, b.buffer, b.done = b.lines[:0], b.buffer[:0], make(chan struct{})
		for more && len(b.lines) < batchLines && len(b.buffer) < batchBytes-eventstore.MaxEventBytes {
			raw, err := v.lines.ReadSlice('\n')
			if err != nil {
				b.err, more = lineError(n, raw, err), false
				break
			}
			at := len(b.buffer)
			b.buffer = append(b.buffer, raw...)
			b.lines = append(b.lines, line{raw: b.buffer[at : at+len(raw)-1 : at+len(raw)-1]})
			n++
		}
		more = yield(b) && more
	}
}

// lineError says why there is no line n; nil at an entry's end.
func lineError(n int, rest []byte, err error) error {
	switch {
	case errors.Is(err, io.EOF) && len(rest) == 0:
		return nil
	case errors.Is(err, io.EOF):
		return fmt.Errorf("第 %d 行没有写完 / line %d has no end", n, n)
	case errors.Is(err, bufio.ErrBufferFull):
		return fmt.Errorf("第 %d 行太长 / line %d is too long", n, n)
	}
	return err
}
