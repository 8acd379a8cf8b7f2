//go:build torture && linux

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A call is one system call of the traced server. Times count the entries and
// returns of all calls in the order in which the tracer saw them. It holds each
// thread at each of the two, so whatever one thread did because of another's call
// stands after it.
type call struct {
	name          string
	args          []string
	result        int64 // below 0: it failed
	entered, left int   // left is -1 for one that the end of the process cut off
}

// done reports whether the call had an effect.
func (c *call) done() bool { return c.left >= 0 && c.result >= 0 }

func (c *call) number(i int) int64 {
	n, _ := strconv.ParseInt(c.args[i], 0, 64) // flags and names are no numbers
	return n
}

// text returns a string argument.
func (c *call) text(i int) (string, error) {
	s, err := strconv.Unquote(c.args[i])
	if err != nil {
		return "", fmt.Errorf("%s: argument %d is not a whole string: %.80s", c.name, i, c.args[i])
	}
	return s, nil
}

// A instant is the entry into a call or the return from it.
type instant struct {
	call  *call
	entry bool
}

// tracedCalls change files, move where they are changed, sync them, or answer
// clients. What the disk's model does not know of these fails the test.
const tracedCalls = "open,openat,openat2,creat,close,dup,dup2,dup3,lseek,write,writev,pwrite64,pwritev,pwritev2,truncate,ftruncate,fallocate," +
	"copy_file_range,sendfile,splice,rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,mkdirat,link,linkat,symlink,symlinkat," +
	"fsync,fdatasync,sync,syncfs,sync_file_range,msync,mmap"

// requireStrace: a torture run without it would show nothing.
func requireStrace(t *testing.T) {
	t.Helper()
	_, err := exec.LookPath("strace")
	require.NoError(t, err, "install strace")
}

// tracing is the command under which the server is recorded. The tracer is the
// grandchild, so that the process that is started is the server itself.
func tracing(file string) []string {
	return []string{"strace", "-D", "-f", "-q", "-x", "-s", "16777216", "--seccomp-bpf", "-e", "signal=none", "-e", "trace=" + tracedCalls, "-o", file}
}

// readTrace waits for the tracer to write its last line, or nothing more for a while,
// and reads what it wrote. A trace without its end would not replay to what the server
// left.
func readTrace(t *testing.T, file string, pid int) []instant {
	t.Helper()
	tail := ""
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the trace ends in %.2000s", tail)
		}
	})
	since := time.Now()
	eventually(t, "the tracer ends", 2*time.Minute, func() bool {
		before := tail
		if tail = endOf(t, file); tail != before {
			since = time.Now()
		}
		if time.Since(since) > 10*time.Second {
			return true
		}
		return strings.HasSuffix(tail, "+++\n") && strings.Contains("\n"+tail, fmt.Sprintf("\n%d +++ ", pid))
	})
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	instants, err := parseTrace(string(content))
	require.NoError(t, err)
	return instants
}

// endOf returns the end of a file, where also the ends of threads stand.
func endOf(t *testing.T, file string) string {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	require.NoError(t, err)
	b := make([]byte, min(size, 16<<10))
	_, err = f.ReadAt(b, size-int64(len(b)))
	require.NoError(t, err)
	return string(b)
}

func parseTrace(text string) ([]instant, error) {
	var instants []instant
	begun := map[string]*call{} // by thread
	half := map[string]string{} // its arguments, as far as they were printed
	lines := bufio.NewScanner(strings.NewReader(text))
	lines.Buffer(nil, 256<<20)
	for lines.Scan() {
		thread, rest, _ := strings.Cut(lines.Text(), " ")
		rest = strings.TrimLeft(rest, " ")
		if strings.HasPrefix(rest, "+++") || strings.HasPrefix(rest, "---") {
			continue
		}
		c, args := begun[thread], half[thread]
		if strings.HasPrefix(rest, "<... ") {
			_, tail, found := strings.Cut(rest, " resumed>")
			if c == nil || !found {
				return nil, fmt.Errorf("can't follow the trace: %.200s", rest)
			}
			delete(begun, thread)
			args += tail
		} else {
			name, tail, found := strings.Cut(rest, "(")
			if !found {
				return nil, fmt.Errorf("can't read the trace: %.200s", rest)
			}
			c, args = &call{name: name, entered: len(instants), left: -1, result: -1}, tail
			instants = append(instants, instant{c, true})
			if cut, unfinished := strings.CutSuffix(args, " <unfinished ...>"); unfinished {
				begun[thread], half[thread] = c, cut
				c.args = splitArgs(cut)
				continue
			}
		}
		if err := c.finish(args); err != nil {
			return nil, err
		}
		c.left = len(instants)
		instants = append(instants, instant{c, false})
	}
	return instants, lines.Err()
}

// finish reads "ARGS) = RESULT …".
func (c *call) finish(text string) error {
	end := strings.LastIndex(text, " = ")
	if end < 0 {
		return fmt.Errorf("no result of %s: %.200s", c.name, text)
	}
	c.args = splitArgs(strings.TrimSuffix(strings.TrimRight(text[:end], " "), ")"))
	result, _, _ := strings.Cut(text[end+3:], " ")
	if result == "?" { // the process ended in it
		return nil
	}
	var err error
	if c.result, err = strconv.ParseInt(result, 0, 64); err != nil {
		return fmt.Errorf("the result of %s: %w", c.name, err)
	}
	return nil
}

// splitArgs parts arguments at the commas that stand in no string and no bracket.
func splitArgs(s string) []string {
	var args []string
	depth, start := 0, 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			for i++; i < len(s) && s[i] != '"'; i++ {
				if s[i] == '\\' {
					i++
				}
			}
		case '[', '{', '(':
			depth++
		case ']', '}', ')':
			depth--
		case ',':
			if depth == 0 {
				args = append(args, strings.TrimSpace(s[start:i]))
				start = i + 1
			}
		}
	}
	return append(args, strings.TrimSpace(s[start:]))
}

// quoted returns what a vector of buffers holds.
func quoted(arg string) (string, error) {
	var b strings.Builder
	for _, part := range splitArgs(strings.Trim(arg, "[]")) {
		_, base, found := strings.Cut(part, "iov_base=")
		if !found {
			continue
		}
		s, err := strconv.Unquote(splitArgs(strings.TrimSuffix(base, "}"))[0])
		if err != nil {
			return "", fmt.Errorf("a vector that is not whole: %.80s", part)
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

func tracePath(dir string, n int) string { return filepath.Join(dir, "trace-"+strconv.Itoa(n)) }
