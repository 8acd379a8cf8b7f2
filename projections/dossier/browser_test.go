//go:build browser

package dossier

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/domain"
	"duban/domain/directive"
	"duban/domain/ledger"
	"duban/domain/office"
	"duban/domain/task"
	"duban/eventstore"
)

// A browser is a headless Chromium that has a dossier's own index.html open from disk.
type browser struct {
	t     *testing.T
	ctx   context.Context
	dir   string
	picks int
}

// openPage takes index.html out of a dossier and opens it from disk.
func openPage(t *testing.T, dossier []byte) *browser {
	t.Helper()
	// The sandbox needs a kernel feature that containers lack; the page is ours.
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.WindowSize(1280, 1000), chromedp.WSURLReadTimeout(2*time.Minute))
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, closeTab := chromedp.NewContext(allocator)
	t.Cleanup(closeTab)
	b := &browser{t: t, ctx: ctx, dir: t.TempDir()}
	b.open(b.file("index.html", entry(t, dossier, pathIndex)))
	return b
}

func (b *browser) file(name string, content []byte) string {
	b.t.Helper()
	path := filepath.Join(b.dir, name)
	require.NoError(b.t, os.WriteFile(path, content, 0o600))
	return path
}

func (b *browser) run(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Do(b.ctx, steps...))
}

func (b *browser) open(path string) { b.run(chromedp.Navigate("file://" + path)) }

// eval returns the value of an expression.
func eval[T any](b *browser, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	require.NoError(b.t, err)
	return v
}

// shown is what the page says of a dossier.
type shown struct {
	State  string            `json:"state"`
	Words  string            `json:"words"`
	Checks map[string]string `json:"checks"`
	Faults []shownFault      `json:"faults"`
}

type shownFault struct {
	Check    string `json:"check"`
	Entry    string `json:"entry"`
	Sequence string `json:"sequence"`
}

const report = `({
  state: document.querySelector('#verdict').dataset.state,
  words: document.querySelector('#verdict').textContent,
  checks: Object.fromEntries([...document.querySelectorAll('[data-check]')].map(c => [c.dataset.check, c.dataset.state])),
  faults: [...document.querySelectorAll('.faults li')].map(f => ({check: f.closest('[data-check]').dataset.check, entry: f.dataset.entry, sequence: f.dataset.sequence})),
})`

// pick hands the page a dossier and returns what it finds.
func (b *browser) pick(dossier []byte) shown {
	b.t.Helper()
	b.picks++
	b.run(
		chromedp.Evaluate[chromedp.Void](`void (document.querySelector('#verdict').dataset.state = 'idle')`),
		chromedp.SetUploadFiles("#zip", []string{b.file(fmt.Sprintf("dossier-%d.zip", b.picks), dossier)}),
		chromedp.WaitReady(`#verdict:not([data-state="idle"]):not([data-state="running"])`),
	)
	return eval[shown](b, report)
}

// notGood lists the checks that neither hold nor were left out.
func (s shown) notGood() map[string]string {
	out := map[string]string{}
	for name, state := range s.Checks {
		if state != "good" && state != "skipped" {
			out[name] = state
		}
	}
	return out
}

// paged is the dossier of a ledger with the built-in page.
func (b *book) paged() []byte {
	opt := testOptions
	opt.Page = nil
	var out bytes.Buffer
	_, err := Write(b.t.Context(), &out, b.source(0), opt)
	require.NoError(b.t, err)
	return out.Bytes()
}

func TestBrowserVerifies(t *testing.T) {
	b := story(t)
	d := b.paged()
	page := openPage(t, d)
	got := page.pick(d)
	assert.Equal(t, "good", got.State)
	assert.Contains(t, got.Words, "核验通过")
	assert.Empty(t, got.Faults)
	assert.Empty(t, got.notGood())

	// The same checks, in the same order and words, as the report of Verify.
	r, err := verify(t, d, VerifyOptions{})
	require.NoError(t, err)
	lines := eval[[]string](page, `[...document.querySelectorAll('[data-check]')].filter(c => c.dataset.state === 'good').map(c => c.dataset.check + '|' + c.lastChild.textContent)`)
	var order []string
	for _, c := range r.Checks {
		i := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, c.Name+"|") })
		require.GreaterOrEqual(t, i, 0, c.Name)
		assert.Contains(t, lines[i], c.Chinese)
		assert.Contains(t, lines[i], c.English)
		assert.Contains(t, lines[i], fmt.Sprintf("（%d）", c.Count), c.Name)
		order = append(order, lines[i])
	}
	assert.True(t, slices.IsSortedFunc(order, func(x, y string) int { return slices.Index(lines, x) - slices.Index(lines, y) }), "in the same order")

	fingerprint := eval[string](page, `document.querySelector('.fingerprint').textContent.replaceAll(' ', '')`)
	assert.Equal(t, Fingerprint(b.vkey), fingerprint)
	assert.Contains(t, eval[string](page, `document.querySelector('#trust').textContent`), "与另行取得的指纹")
}

// The page and Verify find the same tampering. faults are exactly what is red.
func TestBrowserMarksTampering(t *testing.T) {
	b := story(t)
	good := b.paged()
	page := openPage(t, good)
	sum := b.evidenceSum("来件")
	evidence := evidencePrefix + sum
	tile := "log/tile/0/000.p/15"
	change := func(path string, f func([]byte) []byte) func(map[string]*part) {
		return func(by map[string]*part) { by[path].bytes = f(bytes.Clone(by[path].bytes)) }
	}
	text := func(from, to string) func([]byte) []byte {
		return func(b []byte) []byte { return bytes.Replace(b, []byte(from), []byte(to), 1) }
	}
	flip := func(b []byte) []byte { b[0] ^= 1; return b }
	dropLine := func(i int) func([]byte) []byte {
		return lines(func(l [][]byte) [][]byte { return slices.Delete(l, i, i+1) })
	}
	// With the log's key: digests, manifest and its signature are made anew.
	withKey := func(f func(map[string]*part)) []byte {
		return b.forge(good, func(by map[string]*part, _ *Manifest) { f(by) })
	}
	// Without it: only the ZIP's CRCs are.
	withoutKey := func(f func(map[string]*part)) []byte {
		parts := unzip(t, good)
		by := map[string]*part{}
		for i := range parts {
			by[parts[i].name] = &parts[i]
		}
		f(by)
		return rezip(t, parts)
	}
	for name, tc := range map[string]struct {
		dossier []byte
		faults  []shownFault
		others  map[string]string // checks that are not green though nothing in them is red
	}{
		"an event's byte, everything made anew with the key": {withKey(change(rangePath(1), text("来文", "去文"))),
			[]shownFault{{"leaves", rangePath(1), "10"}}, map[string]string{"counts": "unproved"}},
		"an event's byte": {withoutKey(change(rangePath(1), text("来文", "去文"))),
			[]shownFault{{"entries", rangePath(1), "0"}, {"leaves", rangePath(1), "10"}}, map[string]string{"counts": "unproved"}},
		"an earlier event's byte": {withKey(change(pathContext, text("2018-03-02T09:01", "2018-03-02T09:02"))),
			[]shownFault{{"leaves", pathContext, "4"}}, map[string]string{"counts": "unproved"}},
		"an event taken out": {withKey(change(rangePath(1), dropLine(1))),
			[]shownFault{{"range", rangePath(1), "10"}}, map[string]string{"counts": "unproved"}},
		"an event of a chain taken out of its middle": {withKey(change(rangePath(1), dropLine(2))),
			[]shownFault{{"range", rangePath(1), "11"}}, map[string]string{"counts": "unproved"}},
		"a tile": {withKey(change(tile, flip)),
			[]shownFault{{"tiles", tile, "0"}}, map[string]string{"leaves": "unproved", "heads": "unproved"}},
		"the head's signature": {withKey(change(pathCheckpoint, flipSignature)),
			[]shownFault{{"checkpoint", pathCheckpoint, "0"}}, nil},
		"the manifest's signature": {withoutKey(change(pathNote, flipSignature)),
			[]shownFault{{"manifest", pathNote, "0"}}, nil},
		"evidence": {withKey(change(evidence, text("来件", "去件"))),
			[]shownFault{{"evidence", evidence, "0"}}, nil},
		"evidence without the key": {withoutKey(change(evidence, text("来件", "去件"))),
			[]shownFault{{"entries", evidence, "0"}, {"evidence", evidence, "0"}}, nil},
		"the register": {withoutKey(change(pathRegister, text("register", "retsiger"))),
			[]shownFault{{"entries", pathRegister, "0"}}, nil},
		"a byte of a header": {flipByte(good, bytes.LastIndex(good, []byte("log/policy.txt"))-5),
			[]shownFault{{"zip", pathPolicy, "0"}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := verify(t, tc.dossier, VerifyOptions{})
			require.Error(t, err, "Verify finds it too")
			page.t = t
			got := page.pick(tc.dossier)
			assert.Equal(t, "bad", got.State)
			assert.Equal(t, tc.faults, got.Faults)
			want := maps.Clone(tc.others)
			if want == nil {
				want = map[string]string{}
			}
			for _, f := range tc.faults {
				want[f.Check] = "bad"
			}
			assert.Equal(t, want, got.notGood())
		})
	}
	page.t = t
}

// What Verify finds first, the page finds too, at the same entry and event.
func TestBrowserFindsWhatVerifyFinds(t *testing.T) {
	b := story(t)
	good := b.paged()
	page := openPage(t, good)
	manifest := func(f func(*Manifest)) []byte {
		return b.forge(good, func(_ map[string]*part, m *Manifest) { f(m) })
	}
	edit := func(path, from, to string) []byte {
		return b.forge(good, func(by map[string]*part, _ *Manifest) {
			require.Contains(t, string(by[path].bytes), from)
			by[path].bytes = bytes.Replace(by[path].bytes, []byte(from), []byte(to), 1)
		})
	}
	dropped := func(i int, more func(*Manifest)) []byte {
		drop := lines(func(l [][]byte) [][]byte { return slices.Delete(l, i, i+1) })
		return b.forge(good, func(by map[string]*part, m *Manifest) {
			by[pathContext].bytes, by[pathContextSeq].bytes = drop(by[pathContext].bytes), drop(by[pathContextSeq].bytes)
			more(m)
		})
	}
	sum := b.evidenceSum("来件")
	for name, dossier := range map[string][]byte{
		"two events change places": b.forge(good, func(by map[string]*part, _ *Manifest) {
			by[rangePath(1)].bytes = lines(func(l [][]byte) [][]byte {
				l[0], l[1] = l[1], l[0]
				return l
			})(by[rangePath(1)].bytes)
		}),
		"an earlier event of a chain left out": dropped(2, func(m *Manifest) { m.Counts.Context-- }),
		"the left neighbour left out":          dropped(3, func(*Manifest) {}),
		"the right neighbour left out":         dropped(4, func(m *Manifest) { m.Partial = true }),
		"the right neighbour changed":          edit(pathContext, `"time":"2020`, `"time":"2021`),
		"a whole year said to be partial":      manifest(func(m *Manifest) { m.Partial = true }),
		"another year":                         manifest(func(m *Manifest) { m.Year = 2018 }),
		"another incarnation": manifest(func(m *Manifest) {
			m.Incarnation = "x"
			m.Origin = "duban/" + m.Org + "/x"
		}),
		"evidence said to be named by another": manifest(func(m *Manifest) { m.Evidence[0].NamedBy = 11 }),
		"left out what is inside":              manifest(func(m *Manifest) { m.LeftOut = []LeftOut{{evidencePrefix + sum, WhyWithdrawn, 11}} }),
		"left out what nobody names":           manifest(func(m *Manifest) { m.LeftOut = []LeftOut{{evidencePrefix + b.evidenceSum("别的"), WhyWithdrawn, 11}} }),
		"left out for another reason":          manifest(func(m *Manifest) { m.LeftOut = []LeftOut{{"event/10", "secret", 10}} }),
		"left out what is no file":             manifest(func(m *Manifest) { m.LeftOut = []LeftOut{{"event/10", WhyUnprinted, 10}} }),
		"left out for a reason that is not":    falseReason(t),
		"a good event called unreadable":       manifest(func(m *Manifest) { m.Odd = []Odd{{Sequence: 10, Subject: b.records[9].Subject.String()}} }),
		"a year begun behind an odd event":     yearBehindOdd(t),
		"a wrong count of aggregates":          manifest(func(m *Manifest) { m.Counts.Touched++ }),
		"a wrong count of voids":               manifest(func(m *Manifest) { m.Counts.Voided = 0 }),
		"a wrong count of heads":               manifest(func(m *Manifest) { m.Counts.Heads = 2 }),
		"a failed check of the exporter":       edit(pathSelfCheck, `"passed": true`, `"passed": false`),
		"a repeated member":                    edit(pathSelfCheck, `"passed": true`, `"passed": true, "passed": true`),
		"a head of another size":               b.forge(good, func(by map[string]*part, _ *Manifest) { by["heads/9"].bytes = by["heads/10"].bytes }),
		"a head of another history":            b.forge(good, func(by map[string]*part, _ *Manifest) { by["heads/9"].bytes = fork(b, 9) }),
		"a key not valid at this size":         edit(pathKeys, `"from": 1`, `"from": 16`),
		"keys of another log":                  edit(pathKeys, `"origin": "duban/`, `"origin": "other/`),
		"a head of another tree":               b.forge(good, func(by map[string]*part, _ *Manifest) { by[pathCheckpoint].bytes = fork(b, 15) }),
		"a manifest that was not signed": func() []byte {
			parts := unzip(t, manifest(func(m *Manifest) { m.Software = "another" }))
			parts[len(parts)-1].bytes = entry(t, good, pathNote)
			return rezip(t, parts)
		}(),
		"cut off":        good[:len(good)-1],
		"bytes added":    append(bytes.Clone(good), 0),
		"time runs back": wrongHistory(t, func(b *book) { b.add("task/b", "2019-01-01 09:00", docketed()) }),
		"a version twice": wrongHistory(t, func(b *book) {
			b.heads[ref("task/a")] = eventstore.Head{}
			b.add("task/a", "2019-03-02 09:00", docketed())
		}),
		"another's chain": wrongHistory(t, func(b *book) {
			b.heads[ref("task/a")] = eventstore.Head{Seq: 1, Version: 1, Hash: "sha256:" + strings.Repeat("0", 64)}
			b.add("task/a", "2019-03-01 09:00", &task.Reminded{Words: "一"})
		}),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := verify(t, dossier, VerifyOptions{})
			var f *Fault
			require.ErrorAs(t, err, &f)
			page.t = t
			got := page.pick(dossier)
			assert.Equal(t, "bad", got.State)
			found := slices.ContainsFunc(got.Faults, func(s shownFault) bool {
				return s.Entry == f.Entry && s.Sequence == strconv.FormatUint(f.Sequence, 10)
			})
			assert.True(t, found, "Verify: %v\npage: %v", f, got.Faults)
		})
	}
	page.t = t
}

// falseReason is a dossier that calls a file withdrawn by an event that is none.
func falseReason(t *testing.T) []byte {
	t.Helper()
	b := newBook(t)
	letter := b.put("来件")
	b.add("task/a", "2019-01-02 09:00", docketed())
	b.add("task/a", "2019-01-02 09:01", &task.Reminded{Particulars: domain.Particulars{Evidence: []domain.Evidence{letter}}})
	b.files = map[string]file{}
	return b.forge(b.dossier(0), func(_ map[string]*part, m *Manifest) { m.LeftOut[0].Why, m.LeftOut[0].Event = WhyWithdrawn, 2 })
}

// yearBehindOdd is a dossier whose year begins in its middle, behind an event that
// can't be read.
func yearBehindOdd(t *testing.T) []byte {
	t.Helper()
	b := newBook(t)
	b.add("ledger/"+testOrg, "2018-12-31 09:00", &ledger.Opened{Software: "1", ConfigDigest: "sha256:00"})
	b.add("task/a", "2019-01-02 09:00", docketed())
	b.add("task/b", "2019-01-03 09:00", docketed())
	odd := b.addRaw("", []byte("junk"), errTest)
	b.add("ledger/"+testOrg, "2019-01-04 09:00", &ledger.Accepted{Sequence: odd, SHA256: plainHash([]byte("junk")), Reason: "查明"})
	return beginBehind(b)
}

// wrongHistory is the dossier of a history that was wrong when it was written, made
// by an exporter that does not look.
func wrongHistory(t *testing.T, write func(*book)) []byte {
	t.Helper()
	b := newBook(t)
	b.add("task/a", "2019-01-02 09:00", docketed())
	write(b)
	var out bytes.Buffer
	_, err := hostileWrite(t.Context(), &out, b.source(0))
	require.NoError(t, err)
	return out.Bytes()
}

// flipSignature changes a byte of a note's signature in its canonical base64.
func flipSignature(b []byte) []byte {
	i := bytes.LastIndexByte(b, ' ') + 20
	b[i] = 'A' + (b[i]-'A'+1)%26
	return b
}

func flipByte(b []byte, i int) []byte {
	b = bytes.Clone(b)
	b[i] ^= 1
	return b
}

// The event that was changed is red where people look for it, and no other one is.
func TestBrowserMarksTheEventInItsHistory(t *testing.T) {
	b := story(t)
	good := b.paged()
	page := openPage(t, good)
	forged := b.forge(good, func(by map[string]*part, _ *Manifest) {
		by[rangePath(1)].bytes = bytes.Replace(by[rangePath(1)].bytes, []byte("来文"), []byte("去文"), 1)
	})
	page.pick(forged)
	page.run(chromedp.Click(`.faults li[data-sequence="10"] button`),
		chromedp.WaitVisible(`#record tr[data-seq="10"]`))
	rows := eval[map[string]string](page, `Object.fromEntries([...document.querySelectorAll('#record tr[data-seq]')].map(r => [r.dataset.seq, r.dataset.state]))`)
	assert.Equal(t, map[string]string{"4": "good", "10": "bad"}, rows)
}

func TestBrowserHoldsAgainstAnEarlierHead(t *testing.T) {
	b := story(t)
	d := b.paged()
	page := openPage(t, d)
	earlier := page.file("earlier", b.head(7).Note)
	page.run(chromedp.SetUploadFiles("#previous", []string{earlier}))
	got := page.pick(d)
	assert.Equal(t, "good", got.State)
	assert.Equal(t, "good", got.Checks["previous"])

	page.run(chromedp.SetUploadFiles("#previous", []string{page.file("forked", fork(b, 7))}))
	got = page.pick(d)
	assert.Equal(t, []shownFault{{"previous", "--previous-checkpoint", "0"}}, got.Faults)
	assert.Equal(t, map[string]string{"previous": "bad"}, got.notGood())
}

// A browser without Ed25519 says that the signatures were not checked; nothing is
// green that was not checked.
func TestBrowserWithoutEd25519(t *testing.T) {
	d := story(t).paged()
	page := openPage(t, d)
	page.run(chromedp.Evaluate[chromedp.Void](`void (crypto.subtle.importKey = () => Promise.reject(new DOMException("", "NotSupportedError")))`))
	got := page.pick(d)
	assert.Equal(t, "unproved", got.State)
	assert.Contains(t, got.Words, "duban verify")
	assert.Equal(t, map[string]string{"manifest": "unproved", "checkpoint": "unproved", "heads": "unproved"}, got.notGood())
}

// A witness's cosignature counts as the policy says.
func TestBrowserCosignatures(t *testing.T) {
	b := story(t)
	signer, vkey := cosigner(t, "witness.example/w1", 7)
	b.policy = "log " + b.vkey + "\nwitness w1 " + vkey + "\nquorum w1\n"
	src := b.source(0)
	src.Head = b.head(15, b.signer, signer)
	opt := testOptions
	opt.Page = nil
	var out bytes.Buffer
	_, err := Write(t.Context(), &out, src, opt)
	require.NoError(t, err)
	page := openPage(t, out.Bytes())
	assert.Equal(t, "good", page.pick(out.Bytes()).State)
	assert.Contains(t, eval[string](page, `document.querySelector('#trust').textContent`), "witness.example/w1")

	lacking := b.forge(out.Bytes(), func(by map[string]*part, _ *Manifest) { by[pathCheckpoint].bytes = b.head(15).Note })
	assert.Equal(t, []shownFault{{"checkpoint", pathCheckpoint, "0"}}, page.pick(lacking).Faults)
}

// Several levels of tiles, two files of events, and what each tile's change marks.
func TestBrowserLargeDossier(t *testing.T) {
	b := newBook(t)
	b.add("office/a", "2018-12-01 09:00", &office.Registered{Name: "化工处", Type: office.TypeOffice})
	for i := range rangeEvents + 2000 {
		b.add("ledger/"+testOrg, "2019-05-01 09:00", &ledger.Opened{Software: strconv.Itoa(i), ConfigDigest: "sha256:00"})
	}
	film := b.put(strings.Repeat("影像", 500_000)) // read in several pieces
	b.add("office/a", "2019-06-01 09:00", &office.Renamed{Name: "化工与材料处", Particulars: domain.Particulars{Evidence: []domain.Evidence{film}}})
	b.add("office/a", "2020-01-01 09:00", &office.Renamed{Name: "化工处"})
	good := b.paged()
	page := openPage(t, good)
	got := page.pick(good)
	require.Equal(t, "good", got.State, got.Faults)
	for path, left := range map[string]int{"log/tile/0/007": 256, "log/tile/1/000.p/46": 0, "log/tile/0/046.p/227": 227} {
		forged := b.forge(good, func(by map[string]*part, _ *Manifest) { by[path].bytes[33] ^= 4 })
		got := page.pick(forged)
		assert.Equal(t, []shownFault{{"tiles", path, "0"}}, got.Faults)
		want := map[string]string{"tiles": "bad"}
		if left > 0 {
			want["leaves"] = "unproved"
		}
		assert.Equal(t, want, got.notGood(), path)
	}
}

// Evidence opens out of the ZIP in a tab of its own; what a browser would run is only
// ever saved.
func TestBrowserOpensEvidence(t *testing.T) {
	b := story(t)
	script := "<script>document.title = 'ran'</script>"
	html := b.put(script)
	b.files[html.SHA256] = file{bytes: []byte(script), media: "text/html"}
	b.add("task/html", "2020-02-02 09:00", docketed())
	b.add("task/new", "2020-02-02 09:00", &task.Reminded{Particulars: domain.Particulars{Evidence: []domain.Evidence{html}}})
	opt := testOptions
	opt.Page, opt.Year = nil, 2020
	var out bytes.Buffer
	_, err := Write(t.Context(), &out, b.source(0), opt)
	require.NoError(t, err)
	page := openPage(t, out.Bytes())
	require.Equal(t, "good", page.pick(out.Bytes()).State)
	page.run(chromedp.Click(`[data-tab="evidence"]`))
	row := func(sum string) string { return `[data-entry="evidence/` + sum + `"] ` }
	assert.Equal(t, "另存", eval[string](page, `[...document.querySelectorAll('`+row(html.SHA256)+`.file button')].map(b => b.textContent).join()`))

	opened := chromedp.WaitNewTarget(page.ctx, func(i *target.Info) bool { return strings.HasPrefix(i.URL, "blob:") })
	page.run(chromedp.Click(row(b.evidenceSum("来件")) + `.file button`))
	tab, closeTab := chromedp.NewContext(page.ctx, chromedp.WithTargetID(<-opened))
	defer closeTab()
	shown, err := chromedp.Run(tab, chromedp.Text("body"))
	require.NoError(t, err)
	assert.Equal(t, "来件", shown)
}

// What has no effect any more is shown as such.
func TestBrowserShowsVoidAndCorrected(t *testing.T) {
	b := story(t) // event 11 is in a transaction that was not finished
	b.add("task/corrected", "2020-02-02 09:00", docketed())
	wrong := b.add("task/corrected", "2020-02-02 09:01", &task.Reminded{Words: "记错了"})
	late := b.add("task/corrected", "2020-02-02 09:02", &task.Reminded{Words: "早了"})
	correct := func(seq uint64, mode domain.Mode, changes string) uint64 {
		c := &task.Corrected{Correction: domain.Correction{Target: b.records[seq-1].ID, Mode: mode, Reason: "更正"}}
		if changes != "" {
			c.Changes = []byte(changes)
		}
		return b.add("task/corrected", "2020-02-02 09:03", c)
	}
	undone := correct(wrong, domain.ModeAmend, `{"words":"改了"}`)
	correct(wrong, domain.ModeVoid, "")
	correct(late, domain.ModeAmend, `{"words":"晚了"}`)
	correct(undone, domain.ModeVoid, "")
	opt := testOptions
	opt.Page, opt.Year = nil, 2020
	var out bytes.Buffer
	_, err := Write(t.Context(), &out, b.source(0), opt)
	require.NoError(t, err)
	page := openPage(t, out.Bytes())
	require.Equal(t, "good", page.pick(out.Bytes()).State)
	marks := func(subject string) map[string]string {
		page.run(chromedp.Click(`[data-tab="directives"]`))
		eval[bool](page, `(document.querySelector('.directive:not([open]) > summary')?.click(), true)`)
		at := `.task[data-subject="` + subject + `"]`
		page.run(chromedp.Click(at+` > summary`), chromedp.WaitVisible(at+` tr[data-seq]`))
		return eval[map[string]string](page, `Object.fromEntries([...document.querySelectorAll('`+at+` tr[data-seq]')].map(r => [r.dataset.seq, r.className]))`)
	}
	assert.Equal(t, map[string]string{"16": "good", "17": "good voided", "18": "good amended", "19": "good voided", "20": "good", "21": "good", "22": "good"}, marks("task/corrected"))
	assert.Equal(t, "good void", marks("task/new")["11"])
}

const hostile = `<script>document.title="broken"</script><img src=x onerror='document.title="broken"'>`

// What comes from a dossier stays text.
func TestBrowserShowsTextAsText(t *testing.T) {
	b := newBook(t)
	b.add("office/a", "2019-01-02 09:00", &office.Registered{Name: hostile, Type: office.TypeOffice})
	b.add("directive/d", "2019-01-02 09:00", &directive.Issued{Title: "通知" + hostile, DocumentNumber: hostile})
	b.add("directive/d", "2019-01-02 09:01", &directive.ClausesRecorded{Clauses: []directive.Clause{{Number: 1, Text: "条款" + hostile, TextSHA256: directive.TextHash("条款" + hostile)}}})
	docketing := docketed()
	docketing.Number = 1
	b.add("task/t", "2019-01-02 09:02", docketing)
	b.add("task/t", "2019-01-02 09:03", &task.Assigned{Offices: []task.Assignment{{Office: ref("office/a"), Role: task.RoleLead}}, Instructions: hostile})
	b.add("task/t", "2019-01-02 09:04", &task.Reminded{Words: hostile, Particulars: domain.Particulars{Note: hostile}})
	d := b.paged()
	page := openPage(t, d)
	assert.Equal(t, "good", page.pick(d).State)
	page.run(
		chromedp.WaitVisible(`.directive[open] .task > summary`),
		chromedp.Click(`.directive[open] .task > summary`),
		chromedp.WaitVisible(`.task tr[data-seq="6"]`),
	)
	assert.Contains(t, eval[string](page, `document.querySelector('.task tr[data-seq="6"]').textContent`), hostile)
	assert.Contains(t, eval[string](page, `document.querySelector('.directive > summary').textContent`), hostile)
	assert.Zero(t, eval[int](page, `document.querySelectorAll('img, main script').length`))
	assert.NotEqual(t, "broken", eval[string](page, `document.title`))
}

// The page asks for nothing outside itself, and could not.
func TestBrowserPolicy(t *testing.T) {
	page := openPage(t, story(t).paged())
	assert.Equal(t, "blocked", eval[string](page, `(() => {
		const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s);
		return window.ran ? 'ran' : 'blocked';
	})()`))
}
