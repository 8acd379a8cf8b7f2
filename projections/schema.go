package projections

// schemaVersion names the layout of the tables and the meaning of what stands in
// them. It is part of the file's name: a program with another version leaves this
// file alone and builds its own from the stream. Raise it with every change of
// schema, of a row function or of search normalisation.
const schemaVersion = 6

// applicationID marks the file as a read model of Duban: "Duba" in ASCII.
const applicationID = 0x44756261

// noDay stands for "no date" in day columns: it sorts after every date.
const noDay = 99991231

// The tables. Days are integers YYYYMMDD, times microseconds since 1970 UTC,
// enumerations their domain values.
//
// Rows of the register are a function of one aggregate's own events and of what its
// lights rest on: calendar, policy and a directive's duties; when these change, what
// they light is written again. What else is shown of another aggregate (an office's present name, a clause's text) is
// joined when read, so that a change touches one row and the order in which
// aggregates are written does not matter. n is the sequence of an aggregate's
// first event: a key that every rebuild gives again.
const schema = `
CREATE TABLE meta(
	k INTEGER PRIMARY KEY CHECK(k = 1),
	complete INTEGER NOT NULL,   -- 0: a rebuild that has not taken over yet
	position INTEGER NOT NULL,   -- last sequence whose rows are all here
	known INTEGER NOT NULL,      -- latest recordedtime up to position
	sample INTEGER NOT NULL,     -- the ledger says it holds invented data
	roster INTEGER NOT NULL,     -- the position at which what words find last changed, see rowWriter.roster
	rules TEXT NOT NULL, calendar TEXT NOT NULL -- versions of what the rows are lit by
);

CREATE TABLE trail(
	seq INTEGER PRIMARY KEY,
	kind INTEGER NOT NULL, -- domain.Kind, 0 if the event can't be read
	id TEXT NOT NULL,
	version INTEGER NOT NULL,
	type TEXT NOT NULL,
	time INTEGER NOT NULL,
	recorded INTEGER NOT NULL,
	known INTEGER NOT NULL, -- the latest recorded of this row and all before it
	event TEXT NOT NULL,
	actor TEXT NOT NULL,
	office TEXT NOT NULL,
	authority INTEGER NOT NULL,
	effect INTEGER NOT NULL, -- see effect
	raw BLOB NOT NULL
);
CREATE INDEX trail_withdrawing ON trail(seq) WHERE ` + withdrawing + `;
CREATE TABLE correction(
	target TEXT NOT NULL, -- event id
	seq INTEGER NOT NULL, -- of the correction
	PRIMARY KEY(target, seq)
) WITHOUT ROWID;

CREATE TABLE calendar(n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, doc BLOB NOT NULL);
CREATE TABLE policy(n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, doc BLOB NOT NULL);

CREATE TABLE office(
	n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
	name TEXT NOT NULL,
	heirs TEXT NOT NULL, -- JSON list: the offices that carry on for one that is no more
	doc BLOB NOT NULL
);
CREATE TABLE office_name(
	office TEXT NOT NULL, ord INTEGER NOT NULL,
	former INTEGER NOT NULL, -- 1: gone by this name before, 0: name or alias
	name TEXT NOT NULL,      -- as domain/name compares it
	norm TEXT NOT NULL,      -- as search compares it
	PRIMARY KEY(office, ord)
) WITHOUT ROWID;

CREATE TABLE directive(
	n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
	status INTEGER NOT NULL, document_number TEXT NOT NULL, title TEXT NOT NULL,
	doc BLOB NOT NULL,
	norm TEXT NOT NULL,
	duties BLOB NOT NULL -- what it requires to be reported
);
CREATE TABLE clause(
	n INTEGER PRIMARY KEY, -- directive's n << 20 | number
	directive TEXT NOT NULL, number INTEGER NOT NULL, text_sha256 TEXT NOT NULL, text TEXT NOT NULL,
	removed INTEGER NOT NULL, -- by an amendment
	doc BLOB NOT NULL,
	norm TEXT NOT NULL
);
CREATE UNIQUE INDEX clause_number ON clause(directive, number);
CREATE INDEX clause_standing ON clause(directive, removed);

CREATE TABLE task(
	n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
	directive TEXT NOT NULL, number INTEGER NOT NULL, part INTEGER NOT NULL,
	kind INTEGER NOT NULL, status INTEGER NOT NULL,
	due INTEGER NOT NULL,      -- noDay if none
	due_desc INTEGER NOT NULL, -- the same for sorting latest first: noDay - due, none last
	shares INTEGER NOT NULL,   -- active ones
	sequence INTEGER NOT NULL, -- of the last event
	doc BLOB NOT NULL
);
CREATE INDEX task_number ON task(directive, number, part, n, status);
CREATE INDEX task_deadline ON task(due, directive, number, part, n, status);
CREATE INDEX task_latest ON task(due_desc, directive, number, part, n, status);
CREATE INDEX task_status ON task(status, directive, number, part, n, shares);
CREATE INDEX task_updated ON task(sequence, n, status);
CREATE TABLE share(
	task INTEGER NOT NULL, ord INTEGER NOT NULL,
	office TEXT NOT NULL, handler TEXT NOT NULL,
	status INTEGER NOT NULL, active INTEGER NOT NULL,
	open INTEGER NOT NULL,   -- the task is open and the share not accepted
	voided INTEGER NOT NULL, -- the task is
	PRIMARY KEY(task, ord)
) WITHOUT ROWID;
CREATE INDEX share_office ON share(office, active, voided, task, ord, handler, status, open);
CREATE INDEX share_handler ON share(handler, active, voided, task, ord, office);

-- What figures and reports are made of: every share of a task that is not voided
-- with its dated facts, in the order of the sheets. Events are those the record
-- names, kept apart from what is read for every figure.
CREATE TABLE share_record(
	directive TEXT NOT NULL, number INTEGER NOT NULL, part INTEGER NOT NULL, task INTEGER NOT NULL, ord INTEGER NOT NULL,
	office TEXT NOT NULL, status INTEGER NOT NULL,
	record BLOB NOT NULL, -- assessment.Record, see encodeRecord
	lights BLOB NOT NULL, -- all that fire some day, see encodeLights
	PRIMARY KEY(directive, number, part, task, ord)
) WITHOUT ROWID;
CREATE TABLE share_source(
	task INTEGER NOT NULL, ord INTEGER NOT NULL, events TEXT NOT NULL, -- ids, apart by spaces
	PRIMARY KEY(task, ord)
) WITHOUT ROWID;
CREATE TABLE share_report(
	task INTEGER NOT NULL, event TEXT NOT NULL, doc BLOB NOT NULL,
	PRIMARY KEY(task, event)
) WITHOUT ROWID;

-- The lights of tasks, shares and findings as spans of days. The spans of one
-- thing follow each other without gap or overlap, so that exactly one of them
-- holds a given day.
CREATE TABLE task_light(
	light INTEGER NOT NULL, directive TEXT NOT NULL, number INTEGER NOT NULL, part INTEGER NOT NULL, task INTEGER NOT NULL,
	since INTEGER NOT NULL, until INTEGER NOT NULL,
	due INTEGER NOT NULL, due_desc INTEGER NOT NULL, -- of the task
	PRIMARY KEY(light, directive, number, part, task, since)
) WITHOUT ROWID;
CREATE INDEX task_light_task ON task_light(task, since, until, light);
CREATE INDEX task_light_deadline ON task_light(light, due, directive, number, part, task, since, until) WHERE ` + shining + `;
CREATE INDEX task_light_latest ON task_light(light, due_desc, directive, number, part, task, since, until) WHERE ` + shining + `;
-- How many more tasks have a light from a day on, in all and by the deadline of the
-- task (here not for normal, as in the indexes above): the sum up to a day is how
-- many there are on it. Rows of 0 are left out.
CREATE TABLE light_step(
	light INTEGER NOT NULL, day INTEGER NOT NULL, tasks INTEGER NOT NULL,
	PRIMARY KEY(light, day)
) WITHOUT ROWID;
CREATE TABLE light_due(
	light INTEGER NOT NULL, due INTEGER NOT NULL, day INTEGER NOT NULL, tasks INTEGER NOT NULL,
	PRIMARY KEY(light, due, day)
) WITHOUT ROWID;
CREATE TABLE share_light(
	light INTEGER NOT NULL, office TEXT NOT NULL, task INTEGER NOT NULL, ord INTEGER NOT NULL,
	since INTEGER NOT NULL, until INTEGER NOT NULL,
	PRIMARY KEY(light, office, task, ord, since)
) WITHOUT ROWID;
CREATE INDEX share_light_task ON share_light(task, ord, since, until, light);
CREATE TABLE finding_light(
	light INTEGER NOT NULL, finding INTEGER NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL,
	PRIMARY KEY(light, finding, since)
) WITHOUT ROWID;
CREATE INDEX finding_light_finding ON finding_light(finding, since, until, light);

CREATE TABLE inspection(
	n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
	status INTEGER NOT NULL,
	doc BLOB NOT NULL,
	norm TEXT NOT NULL
);
CREATE TABLE finding(
	n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
	status INTEGER NOT NULL, grade INTEGER NOT NULL,
	inspection TEXT NOT NULL,
	rectifier TEXT NOT NULL, supervising TEXT NOT NULL, -- offices, or who carries on for them
	found INTEGER NOT NULL, -- day
	doc BLOB NOT NULL,
	norm TEXT NOT NULL
);
CREATE INDEX finding_status ON finding(status, n);
CREATE INDEX finding_found ON finding(found, n);
CREATE INDEX finding_inspection ON finding(inspection, n);
CREATE INDEX finding_rectifier ON finding(rectifier, n);
CREATE INDEX finding_supervising ON finding(supervising, n);
CREATE TABLE finding_task(task TEXT NOT NULL, finding INTEGER NOT NULL, PRIMARY KEY(task, finding)) WITHOUT ROWID;

CREATE VIRTUAL TABLE directive_words USING fts5(words, content='', contentless_delete=1, detail=none, tokenize='ascii');
CREATE VIRTUAL TABLE clause_words USING fts5(words, content='', contentless_delete=1, detail=none, tokenize='ascii');
CREATE VIRTUAL TABLE finding_words USING fts5(words, content='', contentless_delete=1, detail=none, tokenize='ascii');
`

// withdrawing is the condition on trail that an event withdraws evidence. There are
// few, every start looks for them, and the trail is long.
const withdrawing = "type GLOB '*.evidence_withdrawn.*'"

// trailIndex is made when a bulk load has filled the trail: events come in the order
// of the stream, and each would go to another place of the index.
const trailIndex = "CREATE INDEX trail_subject ON trail(kind, id)"

// dumped lists the tables whose rows a rebuild must give again, each with the
// order to compare them in.
var dumped = []struct{ table, order string }{
	{"trail", "seq"}, {"correction", "target, seq"},
	{"calendar", "n"}, {"policy", "n"}, {"office", "n"}, {"office_name", "office, ord"},
	{"directive", "n"}, {"clause", "n"},
	{"task", "n"}, {"share", "task, ord"},
	{"share_record", "directive, number, part, task, ord"}, {"share_source", "task, ord"},
	{"share_report", "task, event"},
	{"task_light", "light, directive, number, part, task, since"},
	{"light_step", "light, day"}, {"light_due", "light, due, day"},
	{"share_light", "light, office, task, ord, since"},
	{"finding_light", "light, finding, since"},
	{"inspection", "n"}, {"finding", "n"}, {"finding_task", "task, finding"},
}

// searchTables lists the full-text tables; their content is compared by token.
var searchTables = []string{"directive_words", "clause_words", "finding_words"}
