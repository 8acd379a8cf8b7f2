package eventstore

import (
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"duban/domain"
)

// Config says which ledger to open and how. The zero durations mean their
// defaults.
type Config struct {
	// Org is the body whose ledger this is: lower-case letters, digits and
	// hyphens. It stands in subjects (ledger.ORG.KIND.ID) and in every event's
	// source (urn:duban:ORG).
	Org string

	// Dir is the folder of the embedded server, which nobody else may touch. With
	// URL it only holds evidence on its way in; empty means the system's
	// temporary folder then.
	Dir string

	// URL of an external NATS server or cluster, empty for the embedded one.
	URL string

	Software string           // version, recorded in ledger.opened
	Sample   bool             // the ledger holds invented data, recorded in ledger.opened
	Types    []domain.Payload // prototypes of all event types; those of the ledger itself are known

	Clock  func() time.Time // nil: time.Now
	Logger *slog.Logger     // nil: nothing is logged

	// AckTimeout is how long an append may take to reach the disk before the
	// store is taken for broken and reopened. Default 10 s.
	AckTimeout time.Duration
	// ReadTimeout bounds one request for stored events. Default 10 s.
	ReadTimeout time.Duration
	// RecoverTimeout is how long an append without a definite answer waits for
	// the store to come back before it fails with ErrUnavailable. Default 15 s.
	RecoverTimeout time.Duration
	// RetryAfter is the first pause between two attempts to reopen a broken store;
	// it doubles up to twenty times this. Default 250 ms.
	RetryAfter time.Duration
	// LeaderTimeout is how long the leader of a cluster's stream may lack events that were
	// acknowledged, or seen on another server, before they are taken for lost. A
	// leader that was cut off from the others steps down within 20 s. Default 30 s.
	LeaderTimeout time.Duration
	// CheckEvery is the pause between two comparisons of the stream with what it
	// should be. Default 1 s.
	CheckEvery time.Duration
	// Queue is how many appends may wait for the committer. Default 1024.
	Queue int
}

// Limits of the format.
const (
	MaxEventBytes = 65_535 // one event, encoded
	MaxEvents     = 1000   // one append; JetStream's limit for an atomic batch

	// maxAhead is how far the last event may lie ahead of the clock.
	maxAhead = 2 * time.Second

	minServerVersion = "2.15.2"
)

var orgPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

func (c Config) withDefaults() (Config, error) {
	if !orgPattern.MatchString(c.Org) {
		return c, fmt.Errorf("单位代码 %q 应由小写字母、数字和连字符组成 / org %q is made of lower-case letters, digits and hyphens", c.Org, c.Org)
	}
	if c.URL == "" && c.Dir == "" {
		return c, fmt.Errorf("缺少数据目录 / the data folder is missing")
	}
	if c.Software == "" {
		c.Software = "dev"
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	defaults := []struct {
		field *time.Duration
		value time.Duration
	}{
		{&c.AckTimeout, 10 * time.Second},
		{&c.ReadTimeout, 10 * time.Second},
		{&c.RecoverTimeout, 15 * time.Second},
		{&c.RetryAfter, 250 * time.Millisecond},
		{&c.LeaderTimeout, 30 * time.Second},
		{&c.CheckEvery, time.Second},
	}
	for _, d := range defaults {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	if c.Queue <= 0 {
		c.Queue = 1024
	}
	return c, nil
}
