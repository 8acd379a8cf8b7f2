package notice

import (
	"syscall"
	"time"
)

const rusageThread = 1 // RUSAGE_THREAD, getrusage(2)

// clock is the processor time the calling thread has used: what else runs on the
// machine does not count.
func clock() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(rusageThread, &used); err != nil {
		panic(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
