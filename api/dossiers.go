package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"duban/domain"
	"duban/domain/calendar"
	"duban/domain/ledger"
	"duban/eventstore"
	"duban/projections/dossier"
	"duban/projections/seal"
)

type dossierInput struct {
	Year   int    `path:"year" minimum:"1949" maximum:"2199" doc:"年度，按入账时间"`
	AtSize uint64 `query:"at_size" doc:"所依据的树头的大小，缺省为最新的树头"`
}

const (
	mediaZIP = "application/zip"

	// HeaderTreeSize says on which head an answer rests.
	HeaderTreeSize = "Duban-Tree-Size"

	// headTime bounds the wait for a head over what was recorded before the request,
	// and for its cosignatures.
	headTime  = 10 * time.Second
	headPause = 50 * time.Millisecond
)

var errNoLog = errors.New("本节点没有签名的账本树，不能导出卷宗，也不能备份 / this node has no signed tree, so that no dossier and no backup can be made")

// dossiers answers with the sealed record of a year. Each time that is an event too.
func (s *Server) dossiers() {
	registerWithin(s, huma.Operation{
		Method: http.MethodGet, Path: "/dossiers/{year}", OperationID: "get-dossier", Tags: []string{"报表"},
		Summary: "一个年度的卷宗（.zip），可离线核验",
		Description: "该年度入账的全部事件、有关记录以前的历史、证据、签名的树头和整棵树的哈希、年度台账；用 duban verify 核验，不需要服务器。" +
			"同一账本、同一年度、同一树头逐字节相同。每次导出都作为事件入账（ledger.exported）。",
		Responses: map[string]*huma.Response{"200": {Description: "卷宗", Content: map[string]*huma.MediaType{
			mediaZIP: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
		}}},
	}, bookTimeout, s.getDossier)
}

func (s *Server) getDossier(ctx context.Context, in *dossierInput) (*huma.StreamResponse, error) {
	if err := requireRole(ctx, domain.RoleSafetyOffice, domain.RoleAuditor, domain.RoleAssessor); err != nil {
		return nil, err
	}
	if s.Seal == nil || s.Tree == nil {
		return nil, newProblem(http.StatusServiceUnavailable, "no-log", errNoLog.Error())
	}
	head, err := s.headFor(ctx, in.AtSize)
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp("", "duban-dossier-*.zip")
	if err != nil {
		return nil, fmt.Errorf("spool the dossier: %w", err)
	}
	made, err := s.makeDossier(ctx, f, in.Year, head)
	if err == nil {
		err = s.recordExport(ctx, made)
	}
	if err != nil {
		discard(f)
		return nil, dossierProblem(err)
	}
	return s.sendDossier(f, made), nil
}

// dossierProblem tells the refusals of a dossier from faults.
func dossierProblem(err error) error {
	switch {
	case errors.Is(err, dossier.ErrNoEvents):
		return newProblem(http.StatusNotFound, "no-events", plain(err, dossier.ErrNoEvents))
	case errors.Is(err, seal.ErrNoKey):
		return newProblem(http.StatusServiceUnavailable, "no-key", plain(err, seal.ErrNoKey))
	}
	return err
}

// headFor returns the head of a size; for 0 the latest, once it covers everything
// recorded before the request and its cosignatures are in, so that asking for the
// same size later gives the same bytes.
func (s *Server) headFor(ctx context.Context, size uint64) (seal.Head, error) {
	if size > 0 {
		return s.Seal.AtSize(ctx, size)
	}
	want := s.Store.Acked()
	tick := time.NewTicker(headPause)
	defer tick.Stop()
	for late := time.After(headTime); ; {
		h, err := s.Seal.Latest(ctx)
		if err != nil && !errors.Is(err, eventstore.ErrNoHead) {
			return h, err
		}
		if err == nil && h.Size >= want && h.Settled {
			return h, nil
		}
		if stopped := s.Seal.Err(); stopped != nil && err != nil {
			return h, fmt.Errorf("%w: %w", err, stopped)
		}
		select {
		case <-tick.C:
		case <-late:
			return h, err // what there is; without its quorum, if witnesses are away
		case <-ctx.Done():
			return h, ctx.Err()
		}
	}
}

// An exportedDossier is a dossier that was made.
type exportedDossier struct {
	manifest dossier.Manifest
	size     int64
	sum      [sha256.Size]byte
}

func (s *Server) makeDossier(ctx context.Context, f *os.File, year int, head seal.Head) (exportedDossier, error) {
	var made exportedDossier
	src, err := s.dossierSource(ctx, year, head)
	if err != nil {
		return made, err
	}
	sum := sha256.New()
	made.manifest, err = dossier.Write(ctx, io.MultiWriter(f, sum), src, dossier.Options{Year: year, Software: "duban " + s.Version})
	if err != nil {
		return made, err
	}
	sum.Sum(made.sum[:0])
	if made.size, err = f.Seek(0, io.SeekCurrent); err != nil {
		return made, err
	}
	// Nothing is handed out that its reader could not verify.
	if _, err := dossier.Verify(ctx, f, made.size, dossier.VerifyOptions{}); err != nil {
		return made, fmt.Errorf("verify the dossier of %d: %w", year, err)
	}
	return made, nil
}

func (s *Server) dossierSource(ctx context.Context, year int, head seal.Head) (dossier.Source, error) {
	signers, err := s.Seal.Signers(head)
	if err != nil {
		return dossier.Source{}, err
	}
	origin := s.Seal.OriginAt(head.Size)
	keys := dossier.Keys{Origin: origin, Keys: []dossier.Key{}}
	for _, k := range s.Seal.KeysAt(head.Size) {
		keys.Keys = append(keys.Keys, dossier.Key{VKey: k.Verifier, From: k.From, Until: k.Until})
	}
	return dossier.Source{
		Origin: origin, Head: dossierHead(head), Tile: s.Tree.Tile, Keys: keys, Policy: s.Seal.PolicyOf(head), Signer: signers[0], Others: signers[1:],
		Heads: s.monthlyHeads(ctx, year, head.Size), Events: s.records, Evidence: s.Store.OpenEvidence,
		Register: func(ctx context.Context, w io.Writer) error { return s.registerAt(ctx, w, year, head.Size) },
	}, nil
}

func dossierHead(h seal.Head) dossier.Head {
	return dossier.Head{Size: h.Size, Root: h.Root, Note: h.Note, At: h.At}
}

// monthlyHeads yields the last head of each month of a year, none larger than size and
// none from before the ledger was restored: those are another log's.
func (s *Server) monthlyHeads(ctx context.Context, year int, size uint64) iter.Seq2[dossier.Head, error] {
	return func(yield func(dossier.Head, error) bool) {
		for month := time.January; month <= time.December; month++ {
			h, err := s.Seal.LastBefore(ctx, calendar.Of(year, month+1, 1).Start(), size)
			if errors.Is(err, eventstore.ErrNoHead) || err == nil && s.Seal.OriginAt(h.Size) != s.Seal.OriginAt(size) {
				continue
			}
			if !yield(dossierHead(h), err) || err != nil {
				return
			}
		}
	}
}

var errEnough = errors.New("read as far as wanted")

// records yields the records from … to, as the store checks them.
func (s *Server) records(ctx context.Context, from, to uint64) iter.Seq2[eventstore.Record, error] {
	return func(yield func(eventstore.Record, error) bool) {
		err := s.Store.Follow(ctx, from-1, func(batch []eventstore.Record) error {
			for _, r := range batch {
				if r.Seq > to || !yield(r, nil) || r.Seq == to {
					return errEnough
				}
			}
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			yield(eventstore.Record{}, err)
		}
	}
}

// registerAt writes a year's register as known at a sequence. Lights stand as of that
// day, or of the year's last one.
func (s *Server) registerAt(ctx context.Context, w io.Writer, year int, seq uint64) error {
	if err := s.reach(ctx, seq); err != nil {
		return err
	}
	v, today, err := s.view(ctx, CutParams{KnownAt: strconv.FormatUint(seq, 10)})
	if err != nil {
		return err
	}
	defer v.Close()
	b := &yearbook{Server: s, v: v, year: year, today: min(today, calendar.Of(year, time.December, 31))}
	return b.write(ctx, w)
}

// recordExport appends who was handed what. Without it nobody is handed anything.
func (s *Server) recordExport(ctx context.Context, made exportedDossier) error {
	return seal.AppendToLedger(ctx, s.Store, seal.LedgerEvent{
		Org: made.manifest.Org, By: callerOf(ctx), At: s.Clock(), Route: "GET dossiers",
		Data: &ledger.Exported{Year: made.manifest.Year, TreeSize: made.manifest.TreeSize, SHA256: hex.EncodeToString(made.sum[:]), Bytes: made.size},
	})
}

func (s *Server) sendDossier(f *os.File, made exportedDossier) *huma.StreamResponse {
	name := fmt.Sprintf("%d年督办卷宗.zip", made.manifest.Year)
	return s.send(spooled{file: f, media: mediaZIP, size: made.size, sum: made.sum, headers: map[string]string{
		"Content-Disposition": fmt.Sprintf("attachment; filename=\"dossier-%d.zip\"; filename*=UTF-8''%s", made.manifest.Year, url.PathEscape(name)),
		HeaderTreeSize:        strconv.FormatUint(made.manifest.TreeSize, 10),
	}})
}
