package api

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"duban/api/backup"
	"duban/domain"
	"duban/eventstore"
	"duban/projections/seal"
)

type (
	backupStreamInput struct {
		Stream string `path:"stream" enum:"ledger,heads" doc:"ledger：事件；heads：签名的树头。先取 heads，后取 ledger"`
	}
	backupHeadInput struct {
		Events uint64 `query:"events" minimum:"1" doc:"ledger 快照的最后序号（Duban-Sequence）"`
	}
)

// backups answers with the parts of a backup. The client puts them together, so that a
// part that broke off is fetched again alone, and evidence it has is not fetched at all.
func (s *Server) backups() {
	tags := []string{tagUpkeep}
	registerWithin(s, huma.Operation{
		Method: http.MethodGet, Path: "/backup/streams/{stream}", OperationID: "backup-stream", Tags: tags, Summary: "一个流的快照（NATS 的格式）",
		Description: "服务照常运行；快照截止于开始时的最后序号，见 Duban-Sequence。用 duban backup 取，用 duban restore 恢复。",
		Responses: map[string]*huma.Response{"200": {Description: "快照", Content: map[string]*huma.MediaType{
			mediaSnapshot: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
		}}},
	}, bookTimeout, s.backupStream)
	register(s, huma.Operation{Method: http.MethodGet, Path: "/backup/contents", OperationID: "backup-contents", Tags: tags, Summary: "备份还包括哪些证据和凭据"}, s.backupContents)
	register(s, huma.Operation{Method: http.MethodGet, Path: "/backup/head", OperationID: "backup-head", Tags: tags, Summary: "备份所依据的签名树头，覆盖其全部事件"}, s.backupHead)
}

const mediaSnapshot = "application/octet-stream"

// backupStream spools a snapshot first: the server gives one up whose reader stands
// still for five seconds, and a client may.
func (s *Server) backupStream(ctx context.Context, in *backupStreamInput) (*huma.StreamResponse, error) {
	if err := requireRole(ctx, domain.RoleSafetyOffice); err != nil {
		return nil, err
	}
	kept := eventstore.KeptLedger
	if in.Stream == "heads" {
		kept = eventstore.KeptHeads
	}
	f, err := os.CreateTemp("", "duban-backup-*")
	if err != nil {
		return nil, fmt.Errorf("spool the snapshot: %w", err)
	}
	sp := spooled{file: f, media: mediaSnapshot, headers: map[string]string{}}
	sum := sha256.New()
	last, err := s.Store.Snapshot(ctx, kept, io.MultiWriter(f, sum))
	if err == nil {
		sp.size, err = f.Seek(0, io.SeekCurrent)
	}
	if err != nil {
		discard(f)
		return nil, err
	}
	sum.Sum(sp.sum[:0])
	sp.headers["Duban-Sequence"] = strconv.FormatUint(last, 10)
	return s.send(sp), nil
}

// spooled is an answer that lies in a file of its own, which goes when it was sent.
type spooled struct {
	file    *os.File
	media   string
	size    int64
	sum     [sha256.Size]byte
	headers map[string]string // beside those that follow from the rest
}

// sendPace is how long a client may take for sendStep bytes of a large answer.
const (
	sendPace = time.Minute
	sendStep = 1 << 20
)

func (s *Server) send(sp spooled) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer discard(sp.file)
		hc.SetHeader("Content-Type", sp.media)
		hc.SetHeader("Content-Length", strconv.FormatInt(sp.size, 10))
		hc.SetHeader("ETag", `"`+hex.EncodeToString(sp.sum[:])+`"`)
		hc.SetHeader("Repr-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(sp.sum[:])+":") // RFC 9530
		for k, v := range sp.headers {
			hc.SetHeader(k, v)
		}
		if err := copySlowly(hc, sp); err != nil {
			s.Logger.WarnContext(hc.Context(), "answer not sent whole", slog.String("path", hc.URL().Path), slog.Any("error", err))
		}
	}}
}

// bothOf says what went wrong and why, Chinese first.
func bothOf(what, why error) string {
	zh, en := domain.Halves(why.Error())
	return domain.Both(what.Error(), zh, en)
}

// copySlowly copies without the server's limit on the whole answer: a large ledger over
// a slow line takes its time, as long as it moves.
func copySlowly(hc huma.Context, sp spooled) error {
	if _, err := sp.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	w := hc.BodyWriter()
	var control *http.ResponseController
	if rw, ok := w.(http.ResponseWriter); ok {
		control = http.NewResponseController(rw)
	}
	for left := sp.size; left > 0; {
		if control != nil {
			// A connection without deadlines needs none put off.
			_ = control.SetWriteDeadline(time.Now().Add(sendPace))
		}
		n, err := io.CopyN(w, sp.file, min(left, sendStep))
		if err != nil {
			return err
		}
		left -= n
	}
	return nil
}

func (s *Server) backupContents(ctx context.Context, _ *noInput) (*body[backup.Contents], error) {
	if err := requireRole(ctx, domain.RoleSafetyOffice); err != nil {
		return nil, err
	}
	v := backup.Contents{Software: s.Version, Sample: s.Sample, Evidence: []domain.Evidence{}, Withdrawn: []string{}, Credentials: []backup.Credential{}}
	stored, withdrawn, err := s.Store.EvidenceList(ctx)
	if err != nil {
		return nil, err
	}
	v.Evidence, v.Withdrawn = append(v.Evidence, stored...), append(v.Withdrawn, withdrawn...)
	creds, err := s.Store.Credentials(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range creds {
		kept := backup.Credential{TokenSHA256: c.TokenSHA256, Person: c.Person.String(), Role: c.Role.String(), Created: c.Created, Note: c.Note}
		if !c.Office.IsZero() {
			kept.Office = c.Office.String()
		}
		v.Credentials = append(v.Credentials, kept)
	}
	return &body[backup.Contents]{Body: v}, nil
}

// backupHead waits, if need be, until a head over all events of the backup is signed.
func (s *Server) backupHead(ctx context.Context, in *backupHeadInput) (*body[backup.Head], error) {
	if err := requireRole(ctx, domain.RoleSafetyOffice); err != nil {
		return nil, err
	}
	if in.Events == 0 {
		return nil, domain.Invalid("backup.events", "events", "缺少事件数", "the number of events is missing")
	}
	if s.Seal == nil || s.Tree == nil {
		return nil, newProblem(http.StatusServiceUnavailable, "no-log", errNoLog.Error())
	}
	head, err := s.headFor(ctx, 0)
	if err != nil {
		return nil, err
	}
	b, err := s.Seal.Bind(head, in.Events)
	if stopped := s.Seal.Err(); errors.Is(err, seal.ErrUnbound) && stopped != nil {
		return nil, newProblem(http.StatusServiceUnavailable, "unbound", bothOf(err, stopped))
	}
	if err != nil {
		return nil, err
	}
	v := backup.Head{
		Origin: s.Seal.OriginAt(head.Size), Size: head.Size, Root: head.Root.String(), Checkpoint: string(b.Note), Events: in.Events, Consistency: []string{},
	}
	for _, h := range b.Proof {
		v.Consistency = append(v.Consistency, h.String())
	}
	return &body[backup.Head]{Body: v}, nil
}
