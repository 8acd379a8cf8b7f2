//go:build torture && linux

package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// A disk is what the server's data folder holds while a trace is replayed: what
// has been synced, and what has only been written. The rules:
//
//   - What was written to a file before a sync of that file was called is on disk
//     once the sync has returned, also where the file was opened with O_SYNC. What
//     was not synced may be lost, whole or in part.
//   - Names (create, rename, remove) become durable in the order in which they were
//     made, as in a journal, and with every sync of any file all that were made
//     before it: so ext4, XFS and btrfs do. Those after it are kept up to any point.
//   - Nothing that was synced is lost.
type disk struct {
	root    string
	ignored func(path string) bool // files whose syncs do nothing
	names   []naming
	safe    int              // so many of names are durable
	live    map[string]entry // by path below root
	open    map[int64]*handle
}

// An inode is a file's content.
type inode struct {
	path    string // its first name
	synced  []byte
	pending []change
}

// A change is a write, or with nil data a new size.
type change struct {
	data []byte
	at   int64
	left int // when its call returned
}

// An entry is what a name stands for: a file, a link or else a folder.
type entry struct {
	file *inode
	link string
}

// A naming is a change of names. Removing leaves to empty, creating from.
type naming struct {
	from, to string
	made     entry
	left     int
}

// A handle is an open file. Its file is nil for a folder.
type handle struct {
	path   string // when it was opened
	file   *inode
	offset int64
	append bool
	sync   bool
}

func newDisk(root string) *disk {
	return &disk{root: root, live: map[string]entry{".": {}}, open: map[int64]*handle{}}
}

// restarted forgets what was open: another process goes on. Its calls count from
// 0 again; all that was written before has returned.
func (d *disk) restarted() {
	d.open = map[int64]*handle{}
	for i := range d.names {
		d.names[i].left = -1
	}
	for _, e := range d.live {
		if e.file == nil {
			continue
		}
		for i := range e.file.pending {
			e.file.pending[i].left = -1
		}
	}
}

// resolve returns where a path leads below root. Links are followed, the last
// part's only if asked; what leads out of the folder is not on this disk.
func (d *disk) resolve(path string, last bool) (string, bool) {
	for range 10 {
		rel, err := filepath.Rel(d.root, path)
		if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
			return "", false
		}
		followed := false
		parts := strings.Split(rel, "/")
		for i := range parts {
			at := filepath.Join(parts[:i+1]...)
			e := d.live[at]
			if e.link == "" || i == len(parts)-1 && !last {
				continue
			}
			target := e.link
			if !filepath.IsAbs(target) {
				target = filepath.Join(d.root, filepath.Dir(at), target)
			}
			path = filepath.Join(append([]string{target}, parts[i+1:]...)...)
			followed = true
			break
		}
		if !followed {
			return rel, true
		}
	}
	return "", false
}

func (d *disk) name(n naming) {
	d.names = append(d.names, n)
	n.apply(d.live)
}

func (n naming) apply(to map[string]entry) {
	if n.from == "" {
		to[n.to] = n.made
		return
	}
	for path, e := range to {
		below, inside := strings.CutPrefix(path, n.from)
		if !inside || below != "" && below[0] != '/' {
			continue
		}
		delete(to, path)
		if n.to != "" {
			to[n.to+below] = e
		}
	}
}

// pass lets a instant take effect: writes when they are called, all else when it
// has returned.
func (d *disk) pass(m instant, now int) error {
	c := m.call
	if !c.done() {
		return nil
	}
	switch c.name {
	case "write", "pwrite64", "writev":
		if m.entry {
			return d.write(c)
		}
		if h := d.open[c.number(0)]; h != nil && h.sync {
			d.sync(h.file, c, now)
		}
		return nil
	}
	if m.entry {
		return nil
	}
	if strings.HasPrefix(c.name, "open") || strings.HasSuffix(c.name, "at") || c.name == "renameat2" {
		return d.passPath(c)
	}
	return d.passFile(c, now)
}

// passPath: calls that name files.
func (d *disk) passPath(c *call) error {
	at := slices.IndexFunc(c.args, func(a string) bool { return strings.HasPrefix(a, `"`) })
	if at < 0 {
		return fmt.Errorf("no path: %s%v", c.name, c.args)
	}
	first, err := d.given(c, at)
	if err != nil {
		return err
	}
	switch c.name {
	case "openat":
		return d.openat(c, first)
	case "mkdirat":
		if path, here := d.resolve(first, false); here {
			d.name(naming{to: path, left: c.left})
		}
	case "unlinkat":
		if path, here := d.resolve(first, false); here {
			d.name(naming{from: path, left: c.left})
		}
	case "symlinkat":
		target, err := c.text(0)
		if err != nil {
			return err
		}
		second, err := d.given(c, 2)
		if err != nil {
			return err
		}
		if path, here := d.resolve(second, false); here {
			d.name(naming{to: path, made: entry{link: target}, left: c.left})
		}
	case "renameat", "renameat2":
		second, err := d.given(c, 3)
		if err != nil {
			return err
		}
		from, here := d.resolve(first, false)
		to, there := d.resolve(second, false)
		if here != there {
			return fmt.Errorf("renamed into or out of the folder: %s to %s", first, second)
		}
		if here {
			delete(d.live, to)
			d.name(naming{from: from, to: to, left: c.left})
		}
	default:
		if _, here := d.resolve(first, true); here {
			return fmt.Errorf("the model knows no %s of %s", c.name, first)
		}
	}
	return nil
}

// given returns a path argument, which may be relative to the open folder in the
// argument before it.
func (d *disk) given(c *call, i int) (string, error) {
	path, err := c.text(i)
	if err != nil || filepath.IsAbs(path) || i == 0 {
		return path, err
	}
	if h := d.open[c.number(i-1)]; h != nil && c.args[i-1] != "AT_FDCWD" {
		return filepath.Join(d.root, h.path, path), nil
	}
	return path, nil // somewhere else
}

func (d *disk) openat(c *call, given string) error {
	path, here := d.resolve(given, true)
	if !here {
		delete(d.open, c.result)
		return nil
	}
	flags := strings.Split(c.args[2], "|")
	e, known := d.live[path]
	if !known {
		if !slices.Contains(flags, "O_CREAT") {
			return fmt.Errorf("opened what was never made: %s", path)
		}
		e = entry{file: &inode{path: path}}
		d.name(naming{to: path, made: e, left: c.left})
	} else if e.file != nil && slices.Contains(flags, "O_TRUNC") {
		e.file.pending = append(e.file.pending, change{left: c.left})
	}
	d.open[c.result] = &handle{
		path: path, file: e.file, append: slices.Contains(flags, "O_APPEND"),
		sync: slices.Contains(flags, "O_SYNC") || slices.Contains(flags, "O_DSYNC"),
	}
	return nil
}

// passFile: calls on what is open.
func (d *disk) passFile(c *call, now int) error {
	if c.name == "sync" {
		return fmt.Errorf("the model knows no %s", c.name)
	}
	if c.name == "mmap" {
		h := d.open[c.number(4)]
		if h != nil && strings.Contains(c.args[3], "MAP_SHARED") && strings.Contains(c.args[2], "PROT_WRITE") && !isShared(h.file.path) {
			return fmt.Errorf("%s is written through memory, which the trace does not show", h.file.path)
		}
		return nil
	}
	fd := c.number(0)
	h := d.open[fd]
	if h == nil {
		return nil
	}
	switch c.name {
	case "close":
		delete(d.open, fd)
	case "lseek":
		h.offset = c.result
	case "ftruncate":
		h.file.pending = append(h.file.pending, change{at: c.number(1), left: c.left})
	case "fallocate":
		if c.args[1] != "0" {
			return fmt.Errorf("the model knows no fallocate of mode %s", c.args[1])
		}
		if size := c.number(2) + c.number(3); size > int64(len(h.file.whole())) {
			h.file.pending = append(h.file.pending, change{at: size, left: c.left})
		}
	case "fsync", "fdatasync":
		d.sync(h.file, c, now)
	default:
		return fmt.Errorf("the model knows no %s", c.name)
	}
	return nil
}

// write adds what a call wrote to what its file has pending.
func (d *disk) write(c *call) error {
	h := d.open[c.number(0)]
	if h == nil {
		return nil
	}
	var data string
	var err error
	if c.name == "writev" {
		data, err = quoted(c.args[1])
	} else {
		data, err = c.text(1)
	}
	if err != nil {
		return err
	}
	if int64(len(data)) < c.result {
		return fmt.Errorf("%s: wrote %d bytes, the trace shows %d", h.file.path, c.result, len(data))
	}
	at := h.offset
	switch {
	case c.name == "pwrite64":
		at = c.number(3)
	case h.append:
		at = int64(len(h.file.whole()))
		fallthrough
	default:
		h.offset = at + c.result
	}
	h.file.pending = append(h.file.pending, change{data: []byte(data[:c.result]), at: at, left: c.left})
	return nil
}

// sync makes durable what had been written, and named, when the call came.
func (d *disk) sync(f *inode, c *call, now int) {
	if f != nil && d.ignored != nil && d.ignored(f.path) {
		return
	}
	for d.safe < len(d.names) && d.names[d.safe].left < c.entered {
		d.safe++
	}
	if f == nil {
		return
	}
	before := c.entered
	if strings.Contains(c.name, "write") {
		before = now // O_SYNC: the write itself
	}
	var rest []change
	for _, p := range f.pending {
		if p.left > before {
			rest = append(rest, p)
			continue
		}
		f.synced = p.apply(f.synced)
	}
	f.pending = rest
}

func (p change) apply(to []byte) []byte {
	end := p.at + int64(len(p.data))
	if p.data == nil && end < int64(len(to)) {
		return to[:end:end]
	}
	if end > int64(len(to)) {
		to = append(to, make([]byte, end-int64(len(to)))...)
	}
	copy(to[p.at:], p.data)
	return to
}

// whole is what the running server reads.
func (f *inode) whole() []byte {
	all := slices.Clone(f.synced)
	for _, p := range f.pending {
		all = p.apply(all)
	}
	return all
}
