// The book: the dossier's events as people look for them. It keeps of each event who,
// what and where it stands in the file, and reads it again when it is shown.

const kindOf = (subject) => subject.slice(0, subject.indexOf("/"));
const dayOf = (s) => shanghai(s).slice(0, 10);
// shanghai writes a time as the clocks in Asia/Shanghai showed it.
const shanghai = (s) => new Date(Math.floor(instant(s)) + HOURS8).toISOString().slice(0, 19).replace("T", " ");

class Book {
  constructor() {
    this.records = []; // all events, in the order of the stream once sorted
    this.bySequence = new Map();
    this.bySubject = new Map(); // subject to its records
    this.ids = new Map(); // event id to its record
    this.names = new Map(); // office to [{seq, name}]
    this.directives = new Map(); // subject to {subject, title, number, clauses: Map}
    this.tasks = new Map(); // subject to {subject, directive, number, path, text, shares: Map}
    this.findings = new Map();
    this.inspections = new Map();
    this.files = new Map(); // digest to {name, media, by: [seq]}
    this.corrections = []; // {record, target, mode}
  }

  // take files an event; what can't be read is kept by its place alone.
  take({ seq, at, length, event, subject = "", odd = false, bad = "", neighbour = false, inRange = false }) {
    const e = event ?? { type: "", subject, id: "", time: "", recordedtime: "" };
    const r = { seq, at, length, type: e.type, subject: e.subject, id: e.id, time: e.time, recorded: e.recordedtime, actor: e.actor, office: e.office,
      txid: e.txid, txindex: e.txindex ?? 0, txcount: e.txcount ?? 0, version: e.version ?? 0, odd, bad, inRange, mark: "" };
    this.records.push(r);
    this.bySequence.set(seq, r);
    if (neighbour) return; // it belongs to another year, and proves this one's end
    if (r.subject) this.of(r.subject).push(r);
    if (r.id) this.ids.set(r.id, r);
    if (!event || odd) return;
    for (const f of filesIn(event)) this.file(f, seq);
    const data = event.data !== null && typeof event.data === "object" ? event.data : {};
    if (data.target && data.mode) this.corrections.push({ record: r, target: data.target, mode: data.mode });
    const read = READERS[event.type.split(".").slice(1, 3).join(".")];
    if (read) read(this, r, data);
  }
  of(subject) {
    if (!this.bySubject.has(subject)) this.bySubject.set(subject, []);
    return this.bySubject.get(subject);
  }
  file({ sha256, name, media_type, bytes }, seq) {
    const f = this.files.get(sha256) ?? { sha256, name: "", media: "", by: [] };
    f.name ||= typeof name === "string" ? name : "";
    f.bytes ||= bytes; // the text of a directive has no name
    f.media ||= typeof media_type === "string" ? media_type : "";
    if (f.by.at(-1) !== seq) f.by.push(seq);
    this.files.set(sha256, f);
  }

  // close sorts the events, and marks those that are void or were corrected.
  close() {
    const order = (a, b) => a.seq - b.seq;
    this.records.sort(order);
    for (const list of this.bySubject.values()) list.sort(order);
    const voided = voidedOf(this.records, true);
    for (const r of this.records) if (voided.has(r.seq)) r.mark = "void";
    this.correct();
  }
  // correct applies voids from the last to the first, so that one that was itself
  // voided does nothing, then amendments.
  correct() {
    const gone = new Set();
    const applies = (c) => {
      const t = this.ids.get(c.target);
      return t && t.subject === c.record.subject && t.seq < c.record.seq && c.record.mark !== "void" && !gone.has(c.record) ? t : null;
    };
    const list = this.corrections.sort((a, b) => a.record.seq - b.record.seq);
    for (const c of [...list].reverse()) {
      const t = c.mode === "void" && applies(c);
      if (t) { gone.add(t); t.mark = "voided"; t.by = c.record.seq; }
    }
    for (const c of list) {
      const t = c.mode === "amend" && applies(c);
      if (t && !t.mark) { t.mark = "amended"; t.by = c.record.seq; }
    }
  }

  // officeName is the name an office had at a sequence.
  officeName(ref, seq = Infinity) {
    const names = this.names.get(ref);
    if (!names) return ref;
    return (names.findLast((n) => n.seq <= seq) ?? names[0]).name;
  }
  // title says what a reference names, in a few words.
  title(ref, seq) {
    switch (kindOf(ref)) {
      case "office": return this.officeName(ref, seq);
      case "directive": return this.directives.get(ref)?.title ?? ref;
      case "task": return this.tasks.has(ref) ? this.taskTitle(this.tasks.get(ref)) : ref;
      case "finding": return this.findings.get(ref)?.title ?? ref;
      case "inspection": return this.inspections.get(ref)?.title ?? ref;
      case "person": return ref.slice(7);
    }
    return ref;
  }
  clauseOf(task) { return this.directives.get(task.directive)?.clauses.get(task.number); }
  taskText(task) { return task.text || this.clauseOf(task)?.text || ""; }
  taskTitle(task) {
    const number = task.number ? `第 ${task.number} 项` : task.subject;
    return `${number}${task.path.length ? "（" + task.path.join("/") + "）" : ""}`;
  }
  last(subject) { return this.of(subject).at(-1); }
  isBad(subject) { return this.of(subject).some((r) => r.bad); }
  touched(subject) { return this.of(subject).some((r) => r.inRange); }
}

// filesIn returns the objects in an event that name a file by its digest.
function filesIn(event) {
  const found = [];
  if (event.type.startsWith("duban.ledger.")) return found;
  (function walk(v) {
    if (typeof v !== "object" || v === null) return;
    if (!Array.isArray(v) && isDigest(v.sha256)) found.push(v);
    Object.values(v).forEach(walk);
  })(event.data);
  return found;
}

const str = (v) => (typeof v === "string" ? v : "");
const list = (v) => (Array.isArray(v) ? v : []);
const short = (s, n = 60) => ([...s].length > n ? [...s].slice(0, n).join("") + "…" : s);

function share(book, r, office, role) {
  const task = book.tasks.get(r.subject);
  if (!task || typeof office !== "string") return;
  const s = task.shares.get(office) ?? { office, role: "" };
  if (role) s.role = role;
  task.shares.set(office, s);
}

// READERS take from an event what the lists show.
const READERS = {
  "office.registered": (b, r, d) => b.names.set(r.subject, [{ seq: r.seq, name: str(d.name) }]),
  "office.renamed": (b, r, d) => b.names.get(r.subject)?.push({ seq: r.seq, name: str(d.name) }),
  "directive.issued": (b, r, d) => b.directives.set(r.subject, { subject: r.subject, title: str(d.title), number: str(d.document_number), issuer: str(d.issuer), on: str(d.issued_on), clauses: new Map() }),
  "directive.clauses_recorded": (b, r, d) => {
    for (const c of list(d.clauses)) b.directives.get(r.subject)?.clauses.set(c?.number, { text: str(c?.text) });
  },
  "task.docketed": (b, r, d) => b.tasks.set(r.subject, { subject: r.subject, directive: str(d.directive), number: d.number, path: list(d.path).map(String), kind: str(d.kind), text: str(d.text), shares: new Map() }),
  "task.assigned": (b, r, d) => { for (const o of list(d.offices)) share(b, r, o?.office, str(o?.role)); },
  "task.share_transferred": (b, r, d) => share(b, r, d.to, b.tasks.get(r.subject)?.shares.get(d.from)?.role ?? ""),
  "task.lead_designated": (b, r, d) => share(b, r, d.office, "lead"),
  "finding.recorded": (b, r, d) => b.findings.set(r.subject, { subject: r.subject, title: short(str(d.description)), at: str(d.subject?.name), on: str(d.found_on), grade: "" }),
  "finding.graded": (b, r, d) => { const f = b.findings.get(r.subject); if (f) f.grade = str(d.grade); },
  "finding.regraded": (b, r, d) => READERS["finding.graded"](b, r, d),
  "inspection.opened": (b, r, d) => b.inspections.set(r.subject, { subject: r.subject, title: `${str(d.kind)}：${short(str(d.scope))}` }),
};
