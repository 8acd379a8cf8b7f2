//go:build !linux

package notice

import "time"

var begun = time.Now()

// clock is the time that has passed, where processor time is not to be had.
func clock() time.Duration { return time.Since(begun) }
