package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"duban/api"
	"duban/domain/calendar"
	"duban/projections/dossier"
)

// dossier times the export of the year with all the bench's events, whole, as a
// client gets it, and its verification.
func (b *bench) dossier(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	// Who waits for them is told why they ended.
	running.Go(func() { _ = b.node.tree.Run(ctx) })
	running.Go(func() { _ = b.node.seal.Run(ctx) })
	server := api.New(api.Config{Store: b.node.store, Model: b.node.model, Seal: b.node.seal, Tree: b.node.tree, Logger: slog.New(slog.DiscardHandler), Version: softwareVersion()})
	token, err := server.Bootstrap(ctx, "基准处安委办", func(string) error { return nil })
	if err != nil {
		return err
	}
	size := b.node.store.Acked()
	for _, wait := range []func(context.Context, uint64) error{b.node.tree.WaitFor, b.node.model.Wait} {
		if err := wait(ctx, size); err != nil {
			return fmt.Errorf("wait for event %d: %w", size, err)
		}
	}
	f, err := os.Create(filepath.Join(b.dir, "dossier.zip"))
	if err != nil {
		return fmt.Errorf("make a file: %w", err)
	}
	defer f.Close()
	if err := b.export(ctx, server.Handler(), token, f); err != nil {
		return err
	}
	return b.verify(ctx, f)
}

func (b *bench) export(ctx context.Context, h http.Handler, token string, f *os.File) error {
	path := "/api/v1/dossiers/" + strconv.Itoa(calendar.On(time.Now()).Year())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, path, http.NoBody)
	if err != nil {
		return fmt.Errorf("make the request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	debug.FreeOSMemory()
	resetPeak()
	began := time.Now()
	answer := &fileAnswer{header: http.Header{}, f: f}
	h.ServeHTTP(answer, req)
	seconds := time.Since(began).Seconds()
	if answer.status != http.StatusOK {
		return fmt.Errorf("export: status %d", answer.status)
	}
	n := b.cfg.Tasks * b.cfg.Events
	goal := 20 * float64(n) / 100_000 // seconds for 100,000 events
	if err := b.print(figure{Name: "export_dossier", Ours: seconds, Unit: "s", N: n, Goal: "<= 20 for 100,000 events", Met: seconds <= max(goal, 1)}); err != nil {
		return err
	}
	mb := float64(peakBytes()) / (1 << 20)
	return b.print(figure{Name: "export_dossier_resident", Ours: mb, Unit: "MiB", N: n, Goal: "<= 200", Met: mb <= 200})
}

func (b *bench) verify(ctx context.Context, f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("look at the dossier: %w", err)
	}
	began := time.Now()
	r, err := dossier.Verify(ctx, f, info.Size(), dossier.VerifyOptions{})
	if err != nil {
		return fmt.Errorf("verify the dossier: %w", err)
	}
	rate := float64(r.Counts.Events) / time.Since(began).Seconds()
	return b.print(figure{Name: "verify_dossier", Ours: rate, Unit: "events/s", N: int(r.Counts.Events), Goal: ">= 100000", Met: rate >= 100_000})
}

// A fileAnswer is an HTTP answer that goes to a file, as a client would save it.
type fileAnswer struct {
	header http.Header
	f      *os.File
	status int
}

func (a *fileAnswer) Header() http.Header { return a.header }

func (a *fileAnswer) WriteHeader(status int) { a.status = status }

func (a *fileAnswer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	if a.status != http.StatusOK {
		return 0, errors.New("no dossier: " + string(p))
	}
	return a.f.Write(p)
}
