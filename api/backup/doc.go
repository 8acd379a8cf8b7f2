// Package backup keeps backups of a ledger in a folder, and reads them back.
//
// # Concept
//
// A backup is taken from a running server and holds the ledger's events up to some
// sequence, the heads signed so far, the credentials, and the evidence. It is bound to
// a signed head: the head is over at least as many events, and a consistency proof
// says that those of the backup are its beginning. So whoever restores it can tell, by
// the log's key, that every single event is the one that was recorded.
//
// Signing keys are not in it, and can't be had from the server: who holds the backup
// must not be able to sign.
//
// # Format duban-backup/v1
//
//	DIR/evidence/ab/SHA256            each file once, for all backups in DIR
//	DIR/evidence/ab/SHA256.withdrawn  its bytes were withdrawn, and removed here too
//	DIR/20261124T123000.123Z/         one backup, named by when it was begun
//	    heads.snapshot                JetStream's snapshot of HEADS, taken first
//	    ledger.snapshot               JetStream's snapshot of LEDGER
//	    credentials.json              digests of tokens and what they stand for
//	    manifest.json                 what there is, with digests, and the signed head
//
// JetStream can't take the part of a stream that is new since an earlier snapshot, so
// each backup holds the streams whole. Evidence is named by its SHA-256: of it a
// second backup into the same folder copies only what is new.
//
// # Crashes
//
// A backup is made under a name that begins with a dot, its files and the evidence it
// names are synced, and only then it gets its name. Whatever ends it before leaves the
// earlier backups as they were, and what was begun is removed by the next one. Evidence
// gets its name once its bytes are synced and have that digest.
//
// # What it proves, and what not
//
// Forged events, heads and evidence show when a backup is restored: events by the head,
// heads by their signatures, evidence by the digests in the events. Whoever forges a
// whole ledger with keys of its own is only found by a policy that came another way.
// The credentials are nobody's to prove: who can write to the backup can add one. A
// backup is therefore to be kept like the data folder itself.
package backup
