// Package seal signs the ledger's tree, so that nobody has to trust this server.
//
// # Concept
//
// A head is a C2SP checkpoint: the log's origin, how many events the tree has, and
// its root, signed as a C2SP signed note with an Ed25519 key. Whoever has one head
// can have every earlier event proved to be in it, and every later head proved to
// extend it. The origin is duban/ORG/INCARNATION; the incarnation is the id of the
// ledger's first event, a ULID, so that a ledger made anew under the same name is
// another log.
//
// A ledger restored from a backup is another log too: what was recorded after the
// backup is not in it, and heads over that may be in somebody's hands. It says so in
// an event of its own, ledger.restored, whose id is the incarnation from then on. The
// events before it, and the heads over them, keep their names: a head's size tells of
// which incarnation it is. Nothing is signed under the new name over fewer events than
// that event makes, and only with a key of that name; the tree goes on, so that every
// earlier head is a beginning of every later one. Witnesses see a log they don't know.
//
//	duban/nx-gxt/01DEPW0000SV16WK10XPQEZ6RR
//	1234
//	CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
//
//	— duban/nx-gxt/01DEPW0000SV16WK10XPQEZ6RR Az3grlgtzPICa5OS8npVmf1M…
//
// # When a head is signed
//
// A head covers acknowledged events only, at most a second old, and none from an event
// on that is known to be odd (eventstore.ErrUndecodable) until that is accepted. It is appended to
// HEADS (see eventstore) behind the last sequence the signer knows, and published
// only once that is on disk: of two signers, the second never publishes anything.
// Before it signs, the signer checks that the tree still extends the last head.
//
// # Keys
//
// Private keys are files in DATA/keys. Which keys count is told by the ledger itself
// (ledger.key_published, ledger.key_rotated): from which size a key signs, and until
// which day, and no longer once the ledger is restored as another log. In the overlap of a rotation the old and the new key sign together. What
// was signed is never signed again: an old head keeps its old signature.
//
// # Witnesses
//
// A head and its root prove nothing about a whole data folder that was put back:
// everything in it fits together. That is what witnesses are for (C2SP tlog-witness):
// each remembers the last head it has seen and cosigns only what extends it. A policy
// (C2SP tlog-policy) says how many are needed. Cosignatures are collected behind each
// published head, the latest only, in bounded time, and kept as one further record of
// HEADS; a head without its quorum is published as such, an alarm shows, and writes
// go on.
package seal
