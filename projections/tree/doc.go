// Package tree is the Merkle tree over every event of the ledger, a read model of
// its own.
//
// # Concept
//
// The tree is the one of RFC 6962, section 2.1. Its leaves are the events in the
// order of the stream: leaf number seq − 1 is the event with the sequence seq, and
// its hash is SHA-256(0x00 ‖ the stored bytes). Every event is a leaf, also those of
// void transactions and those that can't be read: the tree says what was recorded,
// not what it means.
//
// A root names one history; signed by package seal it is a head. From the tree come
// the proofs that an event is in a head (Inclusion) and that a later head continues
// an earlier one (Consistency). All proofs are made and checked by
// golang.org/x/mod/sumdb/tlog.
//
// # Format
//
// Only tiles of height 8 are kept, numbered as in C2SP tlog-tiles
// (https://c2sp.org/tlog-tiles): tile (L, N) holds the up to 256 hashes of the tree's
// level 8·L from N·256 on, 32 bytes each. The levels between are hashed again when a
// proof needs them. That makes about 32 bytes an event, in the SQLite file Path:
//
//	tile(level, n, data)   primary key (level, n); the last tile of a level is partial
//	head(size, root)       one row: the position, and the root over it
//
// Tiles and position move in one transaction. A tile of an older size is a prefix of
// the one stored, so that every earlier root, proof and partial tile can still be had.
//
// # Recovery
//
// The file is disposable: missing, damaged, deleted under the running program or made
// by other software, it is built again from the stream. What was applied already is
// compared instead of applied again; a gap, a stream that ends before the tree, or
// other bytes at its beginning or end stop it (eventstore.ErrGap, ErrDiverged), and it
// goes on answering for the size it has. A tree can't tell who is right when it and the
// stream disagree: CheckHead compares both with a head that was signed.
package tree
