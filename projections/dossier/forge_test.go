package dossier

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/tlog"

	"duban/domain"
	"duban/domain/finding"
	"duban/domain/ledger"
	"duban/domain/task"
	"duban/domain/vocabulary"
	"duban/eventstore"
)

// lines cuts an entry into its lines and puts them together again.
func lines(change func(lines [][]byte) [][]byte) func(b []byte) []byte {
	return func(b []byte) []byte {
		all := bytes.SplitAfter(b, []byte("\n"))
		return bytes.Join(change(all[:len(all)-1]), nil)
	}
}

// What somebody could put into a dossier who has the log's key, and what shows it.
func TestForgedWithTheKey(t *testing.T) {
	b := story(t)
	good := b.dossier(0)
	edit := func(path string, change func([]byte) []byte, more ...func(*Manifest)) func(map[string]*part, *Manifest) {
		return func(by map[string]*part, m *Manifest) {
			before := by[path].bytes
			by[path].bytes = change(bytes.Clone(before))
			require.NotEqual(t, before, by[path].bytes)
			for _, f := range more {
				f(m)
			}
		}
	}
	text := func(from, to string) func([]byte) []byte {
		return func(b []byte) []byte { return bytes.Replace(b, []byte(from), []byte(to), 1) }
	}
	drop := func(i int) func([]byte) []byte {
		return lines(func(l [][]byte) [][]byte { return slices.Delete(l, i, i+1) })
	}
	for name, tc := range map[string]struct {
		entry  string
		seq    uint64
		change func(map[string]*part, *Manifest)
	}{
		"an event changed":              {rangePath(1), 10, edit(rangePath(1), text("来文", "去文"))},
		"an earlier event changed":      {pathContext, 4, edit(pathContext, text("2018-03-02T09:01", "2018-03-02T09:02"))},
		"the right neighbour changed":   {pathContext, 14, edit(pathContext, text(`"time":"2020`, `"time":"2021`))},
		"an event of the range dropped": {rangePath(1), 10, edit(rangePath(1), drop(1))},
		"two events change places": {rangePath(1), 9, edit(rangePath(1), lines(func(l [][]byte) [][]byte {
			l[0], l[1] = l[1], l[0]
			return l
		}))},
		"the first event of the year cut off": {rangePath(1), 9, edit(rangePath(1), drop(0))},
		"the range shorter at its end": {pathContextSeq, 0, edit(rangePath(1), drop(4), func(m *Manifest) {
			m.Range.Last, m.Counts.Events = 12, 4
		})},
		"the range shorter, with the neighbour to fit": {pathContext, 13, func(by map[string]*part, m *Manifest) {
			last := bytes.SplitAfter(by[rangePath(1)].bytes, []byte("\n"))[4]
			by[rangePath(1)].bytes = drop(4)(by[rangePath(1)].bytes)
			by[pathContext].bytes = append(drop(4)(by[pathContext].bytes), last...)
			by[pathContextSeq].bytes = text("14\n", "13\n")(by[pathContextSeq].bytes)
			m.Range.Last, m.Counts.Events = 12, 4
		}},
		"an earlier event of a chain left out": {rangePath(1), 10, func(by map[string]*part, m *Manifest) {
			by[pathContext].bytes = drop(2)(by[pathContext].bytes)
			by[pathContextSeq].bytes = drop(2)(by[pathContextSeq].bytes)
			m.Counts.Context--
		}},
		"the left neighbour left out": {pathContextSeq, 0, func(by map[string]*part, _ *Manifest) {
			by[pathContext].bytes, by[pathContextSeq].bytes = drop(3)(by[pathContext].bytes), drop(3)(by[pathContextSeq].bytes)
		}},
		"the right neighbour left out": {pathContextSeq, 0, func(by map[string]*part, m *Manifest) {
			by[pathContext].bytes, by[pathContextSeq].bytes = drop(4)(by[pathContext].bytes), drop(4)(by[pathContextSeq].bytes)
			m.Partial = true
		}},
		"a whole year said to be partial": {pathManifest, 0, edit(pathReadme, text("督办", "督"), func(m *Manifest) { m.Partial = true })},
		"another year":                    {pathContext, 1, edit(pathReadme, text("督办", "督"), func(m *Manifest) { m.Year = 2018 })},
		"another organisation": {pathKeys, 0, edit(pathReadme, text("督办", "督"), func(m *Manifest) {
			m.Incarnation = "x"
			m.Origin = "duban/" + m.Org + "/x"
		})},
		"a tile changed": {"log/tile/0/000.p/15", 0, edit("log/tile/0/000.p/15", func(b []byte) []byte {
			b[0] ^= 1
			return b
		})},
		"evidence changed":                    {evidencePrefix + b.evidenceSum("来件"), 0, edit(evidencePrefix+b.evidenceSum("来件"), text("来件", "去件"))},
		"evidence said to be named by others": {evidencePrefix + b.evidenceSum("来件"), 0, edit(pathReadme, text("督办", "督"), func(m *Manifest) { m.Evidence[0].NamedBy = 11 })},
		"left out what is inside": {evidencePrefix + b.evidenceSum("来件"), 10, edit(pathReadme, text("督办", "督"), func(m *Manifest) {
			m.LeftOut = []LeftOut{{evidencePrefix + b.evidenceSum("来件"), WhyWithdrawn, 11}}
		})},
		"left out what nobody names": {pathManifest, 0, edit(pathReadme, text("督办", "督"), func(m *Manifest) {
			m.LeftOut = []LeftOut{{evidencePrefix + b.evidenceSum("别的"), WhyWithdrawn, 11}}
		})},
		"left out for another reason": {pathManifest, 0, edit(pathReadme, text("督办", "督"), func(m *Manifest) {
			m.LeftOut = []LeftOut{{"event/10", "secret", 10}}
		})},
		"a wrong count of aggregates": {pathManifest, 0, edit(pathReadme, text("督办", "督"), func(m *Manifest) { m.Counts.Touched++ })},
		"a wrong count of voids":      {pathManifest, 0, edit(pathReadme, text("督办", "督"), func(m *Manifest) { m.Counts.Voided = 0 })},
		"a wrong count of heads":      {pathManifest, 0, edit(pathReadme, text("督办", "督"), func(m *Manifest) { m.Counts.Heads = 2 })},
		"a wrong count of tiles":      {pathManifest, 0, edit(pathReadme, text("督办", "督"), func(m *Manifest) { m.Counts.Tiles = 2 })},
		"a head of another size":      {"heads/9", 0, func(by map[string]*part, _ *Manifest) { by["heads/9"].bytes = by["heads/10"].bytes }},
		"a head of another history":   {"heads/9", 0, func(by map[string]*part, _ *Manifest) { by["heads/9"].bytes = fork(b, 9) }},
		"a head by a key not valid then": {"heads/9", 0, func(by map[string]*part, _ *Manifest) {
			by[pathKeys].bytes = text(`"from": 1,`, `"from": 10,`)(by[pathKeys].bytes)
		}},
		"a key not valid at this size": {pathKeys, 0, edit(pathKeys, text(`"from": 1,`, `"from": 16,`))},
		"keys of another log":          {pathKeys, 0, edit(pathKeys, text(`"origin": "duban/`, `"origin": "other/`))},
		"a head of another tree":       {pathCheckpoint, 0, func(by map[string]*part, _ *Manifest) { by[pathCheckpoint].bytes = fork(b, 15) }},
		"the policy of another log": {pathNote, 0, func(by map[string]*part, _ *Manifest) {
			_, vkey := testKey("duban/other", 1)
			by[pathPolicy].bytes = []byte("log " + vkey + "\nquorum none\n")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r := refused(t, b.forge(good, tc.change), VerifyOptions{}, tc.entry)
			assert.Equal(t, tc.seq, r.Fault.Sequence, r.Fault.Reason)
		})
	}
}

// fork signs a head over another history of the same length.
func fork(b *book, size uint64) []byte {
	other := story(b.t)
	other.records, other.hashes, other.heads = nil, nil, map[domain.Ref]eventstore.Head{}
	for range size {
		other.add("task/other", "2018-03-01 08:00", docketed())
	}
	return other.head(size).Note
}

func (b *book) evidenceSum(text string) string { return plainHash([]byte(text)) }

// Histories that were wrong when they were written, under a head that signs them.
func TestWrongHistories(t *testing.T) {
	for name, tc := range map[string]struct {
		seq   uint64
		write func(b *book)
	}{
		"time runs backwards": {3, func(b *book) {
			b.add("task/b", "2019-03-01 09:00", docketed())
			b.add("task/c", "2019-02-28 09:00", docketed())
		}},
		"a version twice": {3, func(b *book) {
			b.add("task/a", "2019-03-01 09:00", &task.Reminded{Words: "一"})
			b.heads[ref("task/a")] = eventstore.Head{Seq: 1, Version: 1, Hash: b.records[0].Hash()}
			b.add("task/a", "2019-03-02 09:00", &task.Reminded{Words: "二"})
		}},
		"a previous that is another's": {2, func(b *book) {
			b.heads[ref("task/a")] = eventstore.Head{Seq: 1, Version: 1, Hash: "sha256:" + strings.Repeat("0", 64)}
			b.add("task/a", "2019-03-01 09:00", &task.Reminded{Words: "一"})
		}},
		"an event of another organisation": {2, func(b *book) {
			codec, err := eventstore.NewCodec("other", vocabulary.Payloads())
			require.NoError(t, err)
			b.codec = codec
			b.add("task/b", "2019-03-01 09:00", docketed())
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBook(t)
			b.add("task/a", "2019-01-02 09:00", docketed())
			tc.write(b)
			// The exporter refuses; a hostile one does not.
			var out bytes.Buffer
			src := b.source(0)
			_, err := hostileWrite(t.Context(), &out, src)
			require.NoError(t, err)
			r := refused(t, out.Bytes(), VerifyOptions{}, rangePath(1))
			assert.Equal(t, tc.seq, r.Fault.Sequence)
			if name != "an event of another organisation" {
				_, err = Write(t.Context(), io.Discard, src, testOptions)
				require.ErrorIs(t, err, eventstore.ErrUndecodable)
			}
		})
	}
}

// hostileWrite is Write without its checks of the events.
func hostileWrite(ctx context.Context, w io.Writer, src Source) (Manifest, error) {
	wr, err := newWriter(src, testOptions)
	if err != nil {
		return Manifest{}, err
	}
	defer wr.close()
	wr.main.begin(rangePath(1))
	for r := range src.Events(ctx, 1, src.Head.Size) {
		wr.chains[r.Subject] = chain{touched: true}
		if err := wr.line(wr.main, r); err != nil {
			return Manifest{}, err
		}
	}
	wr.rangeEntries = []spooled{wr.main.end()}
	wr.m.Range, wr.m.Partial = Range{1, src.Head.Size}, true
	wr.m.Counts.Events, wr.m.Counts.Touched = src.Head.Size, uint64(len(wr.chains))
	for _, step := range []func(context.Context) error{wr.checkHead, wr.readContext, wr.evidence, wr.heads, wr.register, wr.texts, wr.tiles} {
		if err := step(ctx); err != nil {
			return Manifest{}, err
		}
	}
	return wr.m, wr.finish(ctx, w)
}

func TestPreviousCheckpoint(t *testing.T) {
	b := story(t)
	d := b.dossier(0)
	for size := uint64(1); size <= 15; size++ {
		r, err := verify(t, d, VerifyOptions{PreviousCheckpoint: b.head(size).Note})
		require.NoError(t, err, size)
		require.Equal(t, size, r.Previous.Size)
	}
	for size := uint64(1); size <= 15; size++ {
		_, err := verify(t, d, VerifyOptions{PreviousCheckpoint: fork(b, size)})
		require.ErrorIs(t, err, ErrForked, size)
	}
	older := b.dossier(14)
	_, err := verify(t, older, VerifyOptions{PreviousCheckpoint: b.head(15).Note})
	require.ErrorIs(t, err, ErrRolledBack)

	for name, previous := range map[string][]byte{
		"another log's":      bytes.ReplaceAll(b.head(9).Note, []byte("duban/"), []byte("other/")),
		"changed":            bytes.Replace(b.head(9).Note, []byte("\n9\n"), []byte("\n8\n"), 1),
		"CRLF":               bytes.ReplaceAll(b.head(9).Note, []byte("\n"), []byte("\r\n")),
		"empty":              {},
		"signed by nobody":   []byte("x\n"),
		"a stray line break": bytes.Replace(b.head(9).Note, []byte("=\n"), []byte("=\r\n"), 1),
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, d, VerifyOptions{PreviousCheckpoint: previous}, "--previous-checkpoint")
		})
	}
}

func TestRetiredKeyStillShowsExtension(t *testing.T) {
	b := story(t)
	earlier := b.head(9)
	src := b.source(0)
	old := b.vkey
	skey, vkey := testKey(testOrigin, 2)
	src.Keys = Keys{Origin: testOrigin, Keys: []Key{{VKey: old, From: 1, Until: "2019-06-30"}, {VKey: vkey, From: 11}}}
	src.Signer = signerOf(t, skey)
	src.Head = b.head(15, src.Signer)
	src.Policy = []byte("log " + vkey + "\nquorum none\n")
	var out bytes.Buffer
	_, err := Write(t.Context(), &out, src, testOptions)
	require.NoError(t, err)
	r, err := verify(t, out.Bytes(), VerifyOptions{PreviousCheckpoint: earlier.Note})
	require.NoError(t, err)
	require.EqualValues(t, 9, r.Previous.Size)
}

// Every key has its one spelling, also where its base64 holds a '+'.
func TestKeySpellings(t *testing.T) {
	plus := 0
	for n := range byte(64) {
		_, vkey := testKey(testOrigin, n)
		_, err := parseVKey(vkey)
		require.NoError(t, err, vkey)
		require.Len(t, Fingerprint(vkey), 64)
		if strings.Count(vkey, "+") > 2 {
			plus++
		}
		last := strings.LastIndexAny(vkey, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
		for _, other := range []string{vkey + "=", vkey[:last], strings.ToUpper(vkey), vkey + "\n", strings.Replace(vkey, "+", "++", 1)} {
			_, err := parseVKey(other)
			require.Error(t, err, "%q", other)
		}
	}
	require.Positive(t, plus)
}

func TestWitnesses(t *testing.T) {
	b := story(t)
	witness, vkey := cosigner(t, "witness.example", 7)
	b.policy = "log " + b.vkey + "\nwitness w " + vkey + "\nquorum w\n"
	src := b.source(0)
	_, err := Write(t.Context(), io.Discard, src, testOptions)
	require.ErrorContains(t, err, pathCheckpoint, "the head lacks its quorum")

	src.Head = b.head(15, b.signer, witness)
	var out bytes.Buffer
	_, err = Write(t.Context(), &out, src, testOptions)
	require.NoError(t, err)
	r, err := verify(t, out.Bytes(), VerifyOptions{})
	require.NoError(t, err)
	require.Len(t, r.Trust.Signatures, 2)
	assert.Equal(t, "witness.example", r.Trust.Signatures[1].Name)
	assert.NotEmpty(t, r.Trust.Signatures[1].Time)
	assert.False(t, r.Trust.GivenPolicy)

	_, other := cosigner(t, "witness.example", 8)
	r = refused(t, out.Bytes(), VerifyOptions{Policy: []byte("log " + b.vkey + "\nwitness w " + other + "\nquorum w\n")}, pathCheckpoint)
	assert.True(t, r.Trust.GivenPolicy)
	r, err = verify(t, out.Bytes(), VerifyOptions{Policy: []byte("log " + b.vkey + "\nquorum none\n")})
	require.NoError(t, err)
	assert.Len(t, r.Trust.Unknown, 1)
	refused(t, out.Bytes(), VerifyOptions{Policy: []byte("quorum none\n")}, "--policy")
}

func TestPartialYear(t *testing.T) {
	b := story(t)
	r, err := verify(t, b.dossier(13), VerifyOptions{})
	require.NoError(t, err)
	assert.True(t, r.Partial)
	require.Len(t, r.Remarks, 2, "partial, and the page")
	assert.Equal(t, Range{9, 13}, *r.Range)

	_, err = Write(t.Context(), io.Discard, b.source(8), testOptions)
	require.ErrorIs(t, err, ErrNoEvents)
}

func TestEvidenceLeftOut(t *testing.T) {
	b := newBook(t)
	gone, back, never := b.put("涉密"), b.put("再次提交"), domain.Evidence{SHA256: strings.Repeat("cd", 32)}
	note := func(e domain.Evidence) *task.Reminded {
		return &task.Reminded{Particulars: domain.Particulars{Evidence: []domain.Evidence{e}}}
	}
	b.add("task/a", "2019-01-02 09:00", docketed())
	b.add("task/a", "2019-01-02 09:01", note(gone))
	b.add("task/a", "2019-01-02 09:02", note(back))
	b.add("task/a", "2019-01-02 09:03", note(never))
	b.add("task/a", "2019-01-02 09:04", &task.EvidenceWithdrawn{SHA256: gone.SHA256, Reason: "误传"})
	b.add("task/a", "2019-01-02 09:05", &task.EvidenceWithdrawn{SHA256: back.SHA256, Reason: "误传"})
	b.add("task/a", "2019-01-02 09:06", note(back))
	// The bytes of what was withdrawn are there still, as after a crash: they stay out.
	d := b.dossier(0)
	r, err := verify(t, d, VerifyOptions{})
	require.NoError(t, err)
	assert.ElementsMatch(t, []LeftOut{{evidencePrefix + gone.SHA256, WhyWithdrawn, 5}, {evidencePrefix + never.SHA256, WhyMissing, 4}}, r.LeftOut)
	assert.EqualValues(t, 1, r.Counts.Evidence)
	assert.NotContains(t, string(d), "涉密")

	r = refused(t, b.forge(d, func(_ map[string]*part, m *Manifest) { m.LeftOut = m.LeftOut[1:] }), VerifyOptions{}, r.LeftOut[0].What)
	assert.NotZero(t, r.Fault.Sequence)

	f := b.files[back.SHA256]
	f.withdrawn = true
	b.files[back.SHA256] = f
	r, err = verify(t, b.dossier(0), VerifyOptions{})
	require.NoError(t, err)
	assert.Len(t, r.LeftOut, 3)

	f.withdrawn, f.bytes = false, []byte("别的")
	b.files[back.SHA256] = f
	_, err = Write(t.Context(), io.Discard, b.source(0), testOptions)
	require.ErrorContains(t, err, back.SHA256)
}

var errTest = errors.New("not JSON")

func TestOddEvents(t *testing.T) {
	b := newBook(t)
	b.add("ledger/"+testOrg, "2018-12-31 09:00", &ledger.Opened{Software: "1", ConfigDigest: "sha256:00"})
	b.add("task/a", "2019-01-02 09:00", docketed())
	odd := b.addRaw("task/a", []byte("not JSON"), errTest)
	b.add("ledger/"+testOrg, "2019-01-03 09:00", &ledger.Accepted{Sequence: odd, SHA256: plainHash([]byte("not JSON")), Reason: "查明"})
	b.add("task/a", "2019-01-04 09:00", &task.Reminded{Words: "续"})
	b.addRaw("task/a", []byte("two\nlines"), errTest)
	b.addRaw("", []byte("\n"), errTest)
	b.add("task/a", "2019-01-05 09:00", &task.Reminded{Words: "再续"})
	b.addRaw("task/a", []byte("{}"), errTest)
	d := b.dossier(0)
	r, err := verify(t, d, VerifyOptions{})
	require.NoError(t, err)
	assert.Equal(t, Range{2, 9}, *r.Range)
	assert.Len(t, r.Remarks, 6, "partial, four odd events, and the page: %s", r.Remarks)
	assert.Contains(t, r.Remarks[1], "经接受后不生效")
	assert.Contains(t, r.Remarks[2], "声明")
	assert.Len(t, r.LeftOut, 2)

	// Without the list nothing is odd.
	r = refused(t, b.forge(d, func(_ map[string]*part, m *Manifest) { m.Odd = []Odd{} }), VerifyOptions{}, rangePath(1))
	assert.EqualValues(t, 3, r.Fault.Sequence)
	r = refused(t, b.forge(d, func(_ map[string]*part, m *Manifest) { m.LeftOut = m.LeftOut[:1] }), VerifyOptions{}, rangePath(1))
	assert.EqualValues(t, 7, r.Fault.Sequence)
	refused(t, b.forge(d, func(_ map[string]*part, m *Manifest) { m.Odd = append(m.Odd, m.Odd[0]) }), VerifyOptions{}, pathManifest)
	// An odd event of another subject leaves a hole in the chain.
	r = refused(t, b.forge(d, func(_ map[string]*part, m *Manifest) { m.Odd[0].Subject = "task/b" }), VerifyOptions{}, rangePath(1))
	assert.EqualValues(t, 5, r.Fault.Sequence)
}

func TestOddNeighbours(t *testing.T) {
	b := newBook(t)
	b.add("task/a", "2018-12-31 09:00", docketed())
	b.addRaw("task/a", []byte("odd"), errTest)
	b.add("task/a", "2019-01-02 09:00", &task.Reminded{Words: "一"}, tx{"t", 1, 2})
	b.add("task/a", "2020-01-02 09:00", &task.Reminded{Words: "二"})
	r, err := verify(t, b.dossier(0), VerifyOptions{})
	require.NoError(t, err)
	assert.False(t, r.Partial)
	assert.Len(t, r.Remarks, 3, "what may be of the year is in the context: %s", r.Remarks)
	assert.EqualValues(t, 1, r.Counts.Voided)
}

func TestOddRightNeighbour(t *testing.T) {
	b := newBook(t)
	b.add("task/a", "2019-01-02 09:00", docketed())
	b.add("task/a", "2020-01-02 09:00", &task.Reminded{Words: "一"})
	b.records[1].Undecodable = errTest
	b.records[1].RecordedTime = at("2020-01-02 09:00")
	b.add("ledger/"+testOrg, "2020-01-03 09:00", &ledger.Accepted{Sequence: 2, SHA256: plainHash(b.records[1].Raw), Reason: "查明"})
	// The odd event's time is not believed, so that it counts as of the year.
	r, err := verify(t, b.dossier(0), VerifyOptions{})
	require.NoError(t, err)
	assert.Equal(t, Range{1, 2}, *r.Range)
}

// TestFalselyOdd: an exporter with the key calls good events unreadable, to take them
// out of their chain, their year and their effect.
func TestFalselyOdd(t *testing.T) {
	b := story(t)
	d := b.dossier(0)
	for _, seq := range []uint64{9, 10, 13} {
		r := refused(t, b.forge(d, func(_ map[string]*part, m *Manifest) {
			m.Odd = []Odd{{Sequence: seq, Subject: b.records[seq-1].Subject.String()}}
		}), VerifyOptions{}, pathManifest)
		assert.EqualValues(t, seq, r.Fault.Sequence)
	}
}

// TestYearBeginsBehindOddEvent: an event that can't be read in the middle of the year
// does not pass for the one before it.
func TestYearBeginsBehindOddEvent(t *testing.T) {
	b := newBook(t)
	b.add("ledger/"+testOrg, "2018-12-31 09:00", &ledger.Opened{Software: "1", ConfigDigest: "sha256:00"})
	b.add("task/a", "2019-01-02 09:00", docketed())
	b.add("task/b", "2019-01-03 09:00", docketed())
	odd := b.addRaw("", []byte("junk"), errTest)
	b.add("ledger/"+testOrg, "2019-01-04 09:00", &ledger.Accepted{Sequence: odd, SHA256: plainHash([]byte("junk")), Reason: "查明"})
	_, err := verify(t, b.dossier(0), VerifyOptions{})
	require.NoError(t, err)
	refused(t, beginBehind(b), VerifyOptions{}, pathContextSeq)
}

// beginBehind begins the year of five events behind the fourth.
func beginBehind(b *book) []byte {
	return b.forge(b.dossier(0), func(by map[string]*part, m *Manifest) {
		line := func(seq uint64) string { return string(b.records[seq-1].Raw) + "\n" }
		by[pathContext].bytes, by[pathContextSeq].bytes = []byte(line(1)+line(4)), []byte("1\n4\n")
		by[rangePath(1)].bytes = []byte(line(5))
		m.Range, m.Counts.Events, m.Counts.Context, m.Counts.Touched, m.Counts.Earlier = Range{5, 5}, 1, 2, 1, 0
	})
}

// TestWhyEvidenceIsLeftOut: the reason is held against the events.
func TestWhyEvidenceIsLeftOut(t *testing.T) {
	b := newBook(t)
	letter := b.put("来件")
	b.add("task/a", "2019-01-02 09:00", docketed())
	b.add("task/a", "2019-01-02 09:01", &task.Reminded{Particulars: domain.Particulars{Evidence: []domain.Evidence{letter}}})
	b.files = map[string]file{}
	d := b.dossier(0)
	claim := func(l LeftOut) []byte {
		return b.forge(d, func(_ map[string]*part, m *Manifest) { l.What = m.LeftOut[0].What; m.LeftOut[0] = l })
	}
	for _, l := range []LeftOut{
		{Why: WhyWithdrawn, Event: 1}, {Why: WhyWithdrawn, Event: 2}, {Why: WhyWithdrawn, Event: 3}, {Why: WhyMissing, Event: 1}, {Why: WhyUnprinted, Event: 2},
	} {
		refused(t, claim(l), VerifyOptions{}, evidencePrefix+letter.SHA256)
	}
	for _, l := range []LeftOut{{Why: WhyMissing, Event: 2}, {Why: WhyWithdrawn}} {
		r, err := verify(t, claim(l), VerifyOptions{})
		require.NoError(t, err)
		assert.Contains(t, strings.Join(r.Remarks, "\n"), "1 份证据未收录")
	}
}

// TestPageOfAnother: a page that is not ours may show and claim anything.
func TestPageOfAnother(t *testing.T) {
	b := story(t)
	r, err := verify(t, b.dossier(0), VerifyOptions{})
	require.NoError(t, err)
	assert.Contains(t, strings.Join(r.Remarks, "\n"), "index.html")
	own := testOptions
	own.Page = nil
	var out bytes.Buffer
	_, err = Write(t.Context(), &out, b.source(0), own)
	require.NoError(t, err)
	r, err = verify(t, out.Bytes(), VerifyOptions{})
	require.NoError(t, err)
	assert.NotContains(t, strings.Join(r.Remarks, "\n"), "index.html")
}

// TestReportIsText: what a dossier says does not reach a terminal as commands.
func TestReportIsText(t *testing.T) {
	var out strings.Builder
	require.NoError(t, Report{Fault: &FaultReport{Entry: "x\x1b[2J", Reason: "r\r核验通过"}}.Print(&out))
	assert.NotContains(t, out.String(), "\x1b")
	assert.NotContains(t, out.String(), "\r")
	assert.Contains(t, out.String(), "核验不通过")
}

// TestLeftOutNames: nothing is listed as left out but files and unreadable events.
func TestLeftOutNames(t *testing.T) {
	b := story(t)
	d := b.dossier(0)
	for _, what := range []string{"event/9", "event/x", "整改清单", "evidence/", ""} {
		refused(t, b.forge(d, func(_ map[string]*part, m *Manifest) {
			m.LeftOut = append(m.LeftOut, LeftOut{What: what, Why: WhyUnprinted})
		}), VerifyOptions{}, pathManifest)
	}
}

func TestSelection(t *testing.T) {
	b := newBook(t)
	ended := func(subject string) { b.add(subject, "2018-02-01 09:00", &task.Completed{By: task.ClosingAllShares}) }
	for _, subject := range []string{"task/open", "task/ended", "task/reopened", "task/touched", "task/left"} {
		b.add(subject, "2018-01-01 09:00", docketed())
	}
	ended("task/ended")
	ended("task/reopened")
	ended("task/touched")
	b.add("task/reopened", "2018-03-01 09:00", &task.Reminded{Words: "任何后来的事件都使其恢复有效"})
	b.add("finding/void", "2018-03-01 09:00", &finding.Recorded{})
	b.add("finding/void", "2018-03-01 09:00", &finding.Dismissed{Reason: "作废的事务不算"}, tx{"t", 1, 2})
	b.add("task/left", "2018-04-01 09:00", &task.Completed{By: task.ClosingAllShares})
	b.add("task/touched", "2019-03-01 09:00", &task.Reminded{Words: "年内"})
	var m Manifest
	require.NoError(t, json.Unmarshal(entry(t, b.dossier(0), pathManifest), &m))
	seqs := strings.Fields(string(entry(t, b.dossier(0), pathContextSeq)))
	assert.Equal(t, []string{"1", "3", "4", "5", "7", "8", "9", "10", "11", "12"}, seqs, "everything but task/ended")
	assert.EqualValues(t, 1, m.Counts.Touched)
	assert.EqualValues(t, 4, m.Counts.Earlier)
}

func entry(t *testing.T, d []byte, name string) []byte {
	t.Helper()
	for _, p := range unzip(t, d) {
		if p.name == name {
			return p.bytes
		}
	}
	t.Fatalf("no %s", name)
	return nil
}

// TestEndsAreEvents: the rule names events that exist.
func TestEndsAreEvents(t *testing.T) {
	ends := 0
	for _, p := range vocabulary.Payloads() {
		if Ends(p.EventType()) {
			ends++
		}
	}
	assert.Equal(t, 15, ends)
	assert.True(t, Ends("duban.task.completed.v2"))
}

func TestWriteRefuses(t *testing.T) {
	b := story(t)
	write := func(change func(*Source)) error {
		src := b.source(0)
		change(&src)
		_, err := Write(t.Context(), io.Discard, src, testOptions)
		return err
	}
	without := func(drop uint64) func(context.Context, uint64, uint64) iter.Seq2[eventstore.Record, error] {
		return func(ctx context.Context, from, to uint64) iter.Seq2[eventstore.Record, error] {
			return func(yield func(eventstore.Record, error) bool) {
				for r, err := range b.events(ctx, from, to) {
					if r.Seq != drop && !yield(r, err) {
						return
					}
				}
			}
		}
	}
	require.ErrorIs(t, write(func(s *Source) { s.Events = without(10) }), eventstore.ErrGap)
	require.ErrorIs(t, write(func(s *Source) { s.Events = without(15) }), eventstore.ErrGap)
	require.ErrorContains(t, write(func(s *Source) { s.Head.Note = b.head(14).Note }), pathCheckpoint)
	require.ErrorContains(t, write(func(s *Source) { s.Policy = []byte("log x\n") }), pathPolicy)
	require.ErrorContains(t, write(func(s *Source) {
		skey, _ := testKey(testOrigin, 5)
		s.Signer = signerOf(t, skey)
	}), "policy")
	require.Error(t, write(func(s *Source) { s.Head.Root = tlog.Hash{}; s.Head.Note = fork(b, 15) }))
	require.ErrorIs(t, write(func(s *Source) { s.Register = func(context.Context, io.Writer) error { return errTest } }), errTest)
	other := story(t)
	other.records[9].Raw = bytes.Replace(other.records[9].Raw, []byte("来文"), []byte("去文"), 1)
	err := write(func(s *Source) { s.Events = other.events })
	var odd *eventstore.EventError
	require.ErrorAs(t, err, &odd)
	assert.EqualValues(t, 10, odd.Sequence)
}

// TestManyEvents crosses the boundaries of tiles, of their levels and of the files
// of the range.
func TestManyEvents(t *testing.T) {
	b := large(t, 10_001)
	b.signed = []Head{b.head(256), b.head(9000)}
	r, err := verify(t, b.dossier(0), VerifyOptions{PreviousCheckpoint: b.head(257).Note})
	require.NoError(t, err)
	assert.EqualValues(t, 10_001, r.Counts.Events)
	assert.EqualValues(t, 41, r.Counts.Tiles)
	names := []string{}
	for _, p := range unzip(t, b.dossier(0)) {
		if strings.HasPrefix(p.name, "events/range/") {
			names = append(names, p.name)
		}
	}
	assert.Equal(t, []string{"events/range/000001.ndjson", "events/range/000002.ndjson"}, names)
}
