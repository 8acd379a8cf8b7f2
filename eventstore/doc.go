// Package eventstore keeps the ledger on NATS JetStream: append, load, follow. It
// is the only room that knows NATS.
//
// # Concept
//
// The ledger is one stream, LEDGER. Every message is one event of one aggregate
// and stands under the aggregate's own subject, ledger.ORG.KIND.ID. An event is
// encoded once, when it is appended, and its bytes are never touched again: they
// are what is hashed, shown, exported and proved. Nothing else is a source of
// truth.
//
// Append records the events of one command, all or none, and fails if an
// aggregate is no longer where the decision saw it. Load returns one aggregate's
// history, Follow everybody's, in the order of the stream; Raw the stored bytes alone. Evidence (files) and
// credentials live in buckets of their own beside the stream.
//
// # Format
//
// An event is a CloudEvents 1.0 document in structured JSON mode, at most 65,535
// bytes, its attributes in a fixed order and left out when empty:
//
//	specversion id source type subject time recordedtime version previous
//	actor office authority commandid commanddigest txid txindex txcount
//	correlationid causationid datacontenttype data
//
// version counts 1, 2, 3 … within the aggregate, and previous is "sha256:" and the
// hex of SHA-256(0x00 ‖ bytes of the aggregate's previous event), so that one
// aggregate's history is a chain of its own. Load and Follow check it; a break, or
// bytes that can't be read, stop reading at that very event and stop writes.
//
// time is when it happened; recordedtime is when the ledger learned of it and
// never runs backwards along the stream: it is max(now, that of the last event).
//
// Events of one append carry txid, txindex and txcount and stand side by side. If
// the sequence after one of them is not its next one, the transaction is void: its
// events keep their versions and have no effect. Whoever reads the stream applies
// this rule; what a crash left unfinished at the stream's end is held back.
//
// A worked example, the second event of a task, appended alone by a command with
// the key 01DEPX9BM0…:
//
//	subject ledger.nx-gxt.task.01DEPW…      Nats-Expected-Last-Subject-Sequence: 41
//	                                        Nats-Expected-Last-Sequence: 57
//	{"specversion":"1.0","id":"01DEPX9BM0SV16WK10XPQEZ6RR","source":"urn:duban:nx-gxt",
//	 "type":"duban.task.acknowledged.v1","subject":"task/01DEPW…",
//	 "time":"2019-07-01T09:00:00+08:00","recordedtime":"2019-07-01T01:00:02.113Z",
//	 "version":2,"previous":"sha256:5bd1…","actor":"person/z01","office":"office/01DE…",
//	 "authority":"role/office","commandid":"acb6…","commanddigest":"sha256:e3b0…",
//	 "datacontenttype":"application/json","data":{…}}
//
// It becomes sequence 58. Headers carry mechanics only. There is no Nats-Msg-Id:
// expectations and commandid do its work for ever, without a window.
//
// # Ids and retries
//
// commandid is derived from who asks, the route and the Idempotency-Key, and the
// ids of everything new from commandid and the key: a repeated command makes the
// same ids. Before deciding, the caller looks its command up in the loaded
// aggregate (Aggregate.Find) and rebuilds the first answer. A command that creates
// collides on the expectation "no event yet" and ends the same way.
//
// Who retries: after ErrConflict the caller, who loads and decides again. After
// ErrUnavailable the client, with the same key, whether or not the events were
// recorded. The store itself only repeats what another node's write elsewhere in
// the stream got in the way of.
//
// # Durability
//
// Acknowledged means on disk. The embedded server runs in process, without a port,
// and syncs every write (SyncAlways). Every append names the stream's last
// sequence besides those of its subjects, so that there is one order of writers
// across nodes, and so that an append whose answer was lost can never be stored
// once another event is.
//
// Appends that wait at the same time go out as one atomic batch, which the server
// syncs once (group.go). A batch of the server's is no transaction of ours: each
// append in it keeps its own, and its own expectations and outcome. What a power
// cut leaves of a batch is therefore judged as if each append had come alone. A
// writer without company is published by itself and waits for nobody. Therefore,
// too, what the server stages of a batch need not survive a power cut, and is kept
// in memory where the system has a folder for that (staging.go).
//
// What a crash can leave: events whose append was never answered, whole or as the
// beginning of a transaction, at the stream's end. ledger.opened, the next start's
// first event, ends such a transaction, which is void then; the same command, sent
// again, finds its events by commandid or records them once. The disk is expected to
// keep what fsync was answered for, and nothing else (make torture, README).
//
// The server answers no read while it commits a batch, and a batch has up to
// MaxEvents events: histories used lately are remembered as they were decoded and
// verified (History, recent.go), at most 64 MiB, and a group waits a moment for those
// who load what they decide on.
//
// After an I/O error JetStream answers no more, serves what it did not
// acknowledge, and keeps believing in sequences that never reached the disk. So an
// append without a definite answer stops and starts the embedded server, without
// its index, appends ledger.opened, and only then looks whether the events are
// there. While the disk is bad, appends fail at once with ErrUnavailable and
// reads go on; writing resumes by itself. Embedded, nobody is shown anything
// beyond Acked.
//
// External (Config.URL), durability is the server's setting: sync_interval: always
// for a single server; a cluster keeps three replicas, or Open refuses. Followers of a
// cluster's leader may show an event before the leader has applied it: what the
// leader lacks is waited for, and taken for lost after Config.LeaderTimeout only.
//
// # Append-only
//
// DenyDelete and DenyPurge don't keep an administrator from setting limits that
// drop events, or from deleting the stream. So the stream's configuration and its
// first and last sequences are compared with what they have to be, at every start,
// every second, and when the server says that a stream was changed. On drift
// writes are refused, reads go on, and Health names the setting. Only a backup
// mends a gap; an odd event can be accepted with Accept.
//
// # Signed heads
//
// HEADS, a stream beside the ledger, holds the signed heads of the tree over all
// events, and the cosignatures on them (see projections/seal). It is append-only and
// compared like the ledger; every record names the last sequence it stands behind. A
// ledger that ends before its last head has lost events: it gets no event more, not
// even ledger.opened. Whoever compares the events' bytes with what was signed stops
// writes with Halt; Health then says ErrMismatch and the first sequence that differs.
package eventstore
