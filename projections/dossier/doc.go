// Package dossier writes the record of one year as one file that anyone can verify
// without a server, and verifies it.
//
// # Concept
//
// An assessor gets a ZIP and trusts nobody: not the server that made it, not who
// runs it, not the disk it came from. Everything in the file hangs in one signed
// tree head (a C2SP checkpoint): every event is a leaf of the tree (leaf index =
// sequence − 1, leaf hash = SHA-256(0x00 ‖ stored bytes), RFC 6962), and all hash
// tiles of the tree are inside, so that each event's place can be recomputed and
// any earlier head can be shown to be a beginning of this one. Everything else is
// named with its digest in a manifest that the log's key signs.
//
// # Format duban-dossier/v1
//
// One ZIP, entries stored, in this order, and nothing else (ZIP headers have one
// permitted form; see canon.go):
//
//	README.txt                 what this is and how to verify it
//	index.html                 shows and verifies the dossier in a browser
//	log/checkpoint             the head, a signed note with its cosignatures
//	log/policy.txt             C2SP tlog-policy: the log's keys, its witnesses
//	log/keys.json              the log's keys, from which size and to which day they sign
//	log/tile/L/…               all hash tiles of the tree (C2SP tlog-tiles paths)
//	events/range/000001.ndjson the events recorded in the year, 10,000 a file, one
//	                           a line, the stored bytes
//	events/context.ndjson      earlier events, and the neighbours of the range
//	events/context.seq         the sequence of each line of context.ndjson
//	evidence/SHA256            the files that the events name
//	heads/SIZE                 the last head signed in each month of the year
//	register.xlsx              the year's register as known at that size
//	selfcheck.json             what the exporter checked
//	manifest.json              what the dossier holds, what not and why, digests
//	manifest.note              the signature over manifest.json; in the overlap of a
//	                           rotation one by each key, so that either policy will do
//
// The year is that of recordedtime in Asia/Shanghai. recordedtime never runs
// backwards along the stream, so a year is a contiguous range of sequences. Same
// ledger, year, head, software and key: same bytes.
//
// An event that can't be read (Record.Undecodable) and that an operator accepted
// stands in its line as it is; if its bytes would break the line, the line is
// empty and the manifest leaves the event out; its leaf is in the tiles. The manifest
// lists such events. One that the verifier can read is believed to be odd only if an
// included event accepts it, or if nothing but acceptances follows it.
//
// # Which aggregates come with their earlier history
//
// The whole chain before the range, from version 1, of every aggregate that
//
//   - has an event in the range (touched), or
//   - was in force when the year began: its last effective event before the range
//     is not one that ends it (see Ends), or
//   - holds the left neighbour: the event before the range or, where that can't be
//     read, an event between the last readable one and the range.
//
// The rule looks at nothing but the order and the types of effective events. It
// takes too much rather than too little: an event of any kind after an ending, a
// correction above all, puts the aggregate back in force.
//
// # What it proves
//
//   - Integrity: each event's bytes are those of a leaf of the signed tree, at its
//     sequence.
//   - Completeness of the year: the range's sequences are contiguous, recordedtime
//     does not run backwards from the left neighbour to the right one, the left
//     neighbour was recorded before the year and the right one after it. Nothing
//     recorded in the year is missing. Without a right neighbour the manifest says
//     "partial": the year may go on behind this head.
//   - Chains: for every aggregate with an event in the range, its events are there
//     from version 1 on, each naming the hash of the one before.
//   - Evidence: every file named by an included event is inside with that digest, or
//     the manifest says that it is not, and why.
//   - Extension: with an earlier head (--previous-checkpoint), that the earlier tree
//     is a beginning of this one: nothing was changed or dropped since. A ledger that
//     was restored from a backup is another log with another key; an earlier head of
//     the ledger it was before counts if the policy given names its key too.
//
// # What it does not prove
//
//   - That the ledger was told everything, or the truth: only what was recorded,
//     when, by whom, and that it stayed so.
//   - That recordedtime was right: the server's clock set it. Cosignatures carry the
//     witnesses' own times, which bound it from above.
//   - That every aggregate in force but untouched in the year is there, to its last
//     earlier event: the selection is the exporter's, by the rule above. Their
//     chains are whole as far as they go.
//   - That there is no second history, shown to somebody else: for that the head
//     needs witnesses, or an earlier head kept elsewhere.
//   - Anything about whose key it is, if the policy is the dossier's own: then only
//     that the file agrees with the key inside it. Compare the fingerprint, or give
//     a policy that came another way.
//   - That evidence listed as left out ever existed as described. Where a withdrawal
//     is named as the reason and lies in the range, it is checked; that a file was never
//     stored, or was withdrawn later, is the exporter's word, and the report says so.
//   - That register.xlsx, README.txt, selfcheck.json and index.html say what the events
//     do: the log's key signs that the exporter put them in, nothing more. The report
//     says if index.html is not the page of the program that verifies.
//
// # Personal data
//
// A dossier holds what the ledger holds: names and staff numbers in events and
// evidence, unabridged, because shortened bytes could not be verified. Contact
// lines are redacted when a notice is imported; withdrawn evidence is not inside,
// its digest stays. Whoever may export may read all of that in the ledger too, and
// every export is itself an event.
package dossier
