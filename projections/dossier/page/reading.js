// Reading of the events in the order of the stream: the context, the range, then the
// neighbour behind the range.

const RANGE_EVENTS = 10000;
const rangePath = (n) => `events/range/${String(n).padStart(6, "0")}.ndjson`;
const NOT_LEAF = "与签名树中该序号的叶子不符 / is not the leaf at its sequence of the signed tree";
const ABSENT = "缺少该序号的事件 / the event of this sequence is missing";

class Reading {
  constructor(v) {
    this.v = v;
    this.m = v.m;
    this.cut = cutOf(v.m.year);
    this.lastTime = -Infinity;
    this.chains = new Map(); // subject to {version, hash, touched}
    this.odd = new Map(v.m.odd.map((o) => [o.sequence, o.subject ?? ""]));
    this.leftOut = new Map();
    this.named = new Map(); // digest to the first event that names it
    this.accepted = new Map(); // odd event to the digest an acceptance names
    this.oddDigests = new Map();
    this.doubtful = []; // odd events that read well
    this.lastPlain = 0; // last readable event that is no acceptance
    this.withdrew = new Map(); // withdrawing event to the files it names
    this.broken = new Set(); // leaf hashes of events that are changed or missing
    this.unproved = 0; // events whose tile does not hold
    this.stream = []; // the left neighbour, the range, the right neighbour
  }

  async run() {
    await this.v.about("manifest.json", () => this.lists());
    await this.context();
    await this.range();
    this.rightNeighbour();
    this.acceptances();
    await this.evidence();
    this.totals();
  }

  lists() {
    if (this.odd.size !== this.m.odd.length) throw new Error("序号重复列出 / a sequence is listed twice");
    for (const l of this.m.left_out) {
      if (this.leftOut.has(l.what) || !["withdrawn", "missing", "unprinted"].includes(l.why)) throw new Error(`未收录清单不对：${l.what} / left_out is wrong`);
      this.leftOut.set(l.what, l);
    }
  }

  // lines hands over every line of an entry: bytes and where they stand in the file.
  async lines(name, each) {
    const e = this.v.archive.index.get(name);
    let rest = new Uint8Array(), at = e ? e.at : 0;
    await this.v.digest(name, async (piece) => {
      const bytes = rest.length > 0 ? concat(rest, piece) : piece;
      let from = 0;
      for (let lf; (lf = bytes.indexOf(10, from)) >= 0; from = lf + 1) {
        await each(bytes.subarray(from, lf), at + from);
        await this.v.advance(0);
      }
      rest = bytes.slice(from);
      at += from;
    });
    if (rest.length > 0) this.v.fault("order", new Fault(name, "最后一行没有写完 / the last line has no end"));
  }

  async context() {
    const seqs = await this.contextSequences();
    await this.aligned("events/context.ndjson", seqs, false);
    this.contextCount = seqs.length;
  }

  async contextSequences() {
    const name = "events/context.seq", { first, last } = this.m.range, seqs = [];
    await this.lines(name, (line) => {
      const n = decimal(latin(line));
      const fits = n > (seqs.at(-1) ?? 0) && (n < first || n === last + 1) && n <= this.m.tree_size;
      if (fits) seqs.push(n);
      else this.v.fault("order", new Fault(name, "序号与事件的行数不符，或次序不对 / the sequences do not fit the lines, or are out of order"));
    });
    this.after = seqs.at(-1) === last + 1 ? last + 1 : 0;
    this.before = first - 1;
    this.leftEdge(name, new Set(seqs));
    if (this.m.tree_size > last && this.after === 0) this.v.fault("range", new Fault(name, "缺少范围之后相邻的事件 / the event behind the range is missing"));
    return seqs;
  }

  // leftEdge: nothing is missing between the range and the last readable event before
  // it, which has to lie outside the year: an unreadable one shows nothing.
  leftEdge(name, seqs) {
    for (let seq = this.before; seq > 0; seq--) {
      if (!seqs.has(seq)) return this.v.fault("range", new Fault(name, `缺少范围之前的事件 ${seq} / event ${seq} before the range is missing`));
      if (!this.odd.has(seq)) return;
    }
  }

  async range() {
    const { first, last } = this.m.range;
    for (let from = first; from <= last; from += RANGE_EVENTS) {
      const seqs = Array.from({ length: Math.min(RANGE_EVENTS, last - from + 1) }, (_, i) => from + i);
      await this.aligned(rangePath((from - first) / RANGE_EVENTS + 1), seqs, true);
    }
  }

  // aligned reads a file whose lines should be the events of these sequences. A line
  // that is another event's shows which ones are missing.
  async aligned(name, seqs, inRange) {
    let next = 0, places = null;
    const where = async (hash) => {
      places ??= new Map(await Promise.all(seqs.map(async (s, i) => [hex((await this.leafCopy(s)) ?? []), i])));
      return places.get(hex(hash));
    };
    const take = (place, line, at, hash) => this.event(name, seqs[place], line, at, hash, inRange);
    await this.lines(name, async (line, at) => {
      const hash = leafHash(line);
      const leaf = next < seqs.length ? await this.v.tree.leaf(seqs[next]) : null;
      if (next < seqs.length && (line.length === 0 || leaf === null || same(leaf, hash))) return take(next++, line, at, hash);
      const place = await where(hash);
      if (place === undefined && next < seqs.length) {
        await this.changed(name, seqs[next], line, at);
        next++;
      } else if (place === undefined) {
        this.v.fault("order", new Fault(name, "多出一行 / there is a line too many"));
      } else if (place >= next) {
        for (; next < place; next++) await this.absent(name, seqs[next], inRange);
        await take(next++, line, at, hash);
      } else {
        this.outOfPlace(name, seqs[place]);
        await take(place, line, at, hash);
      }
    });
    for (; next < seqs.length; next++) await this.absent(name, seqs[next], inRange);
  }

  async leafCopy(seq) { return (await this.v.tree.leaf(seq))?.slice() ?? null; }

  // changed: the line is no event of the tree. Its successor names the true one's hash.
  async changed(name, seq, line, at) {
    const f = new Fault(name, NOT_LEAF, seq);
    this.v.fault("leaves", f);
    this.broken.add(hex(await this.v.tree.leaf(seq)));
    let e = null;
    try { e = readEvent(line); } catch { /* shown as bytes */ }
    if (e) this.chains.set(e.subject, { ...this.chains.get(e.subject), touched: true, unsure: true });
    this.v.book.take({ seq, at, length: line.length, event: e, bad: f.message });
  }

  async absent(name, seq, inRange) {
    this.v.fault(inRange ? "range" : "chains", new Fault(name, ABSENT, seq));
    const leaf = await this.v.tree.leaf(seq);
    if (leaf) this.broken.add(hex(leaf));
    this.v.missing.push({ sequence: seq, entry: name });
  }

  outOfPlace(name, seq) {
    this.v.fault("range", new Fault(name, "事件不在其位，或多出一行 / the event stands in the wrong place, or a line was added", seq));
  }

  // event takes an event whose bytes are its leaf, or whose leaf is not to be had.
  async event(name, seq, line, at, hash, inRange) {
    const fault = (check, why) => this.v.fault(check, new Fault(name, why, seq));
    const leaf = await this.v.tree.leaf(seq);
    if (leaf === null) this.unproved++;
    const neighbour = !inRange && seq === this.after;
    if (line.length === 0) return this.unprinted(seq, leaf, inRange, neighbour, fault);
    if (this.odd.has(seq)) {
      const subject = this.odd.get(seq);
      this.oddDigests.set(seq, hex(sha256(line)));
      // One that reads well is odd by an acceptance only: else whoever exports could
      // take any event out of its chain, its year and its effect.
      if (!neighbour) try { readEvent(line); this.doubtful.push(seq); } catch { /* odd indeed */ }
      this.v.book.take({ seq, at, length: line.length, event: null, subject, odd: true });
      return this.follow({ seq, subject, odd: true }, hash, inRange, neighbour, fault);
    }
    let e;
    try { e = readEvent(line); } catch (err) { return fault("chains", err.message); }
    const record = { seq, subject: e.subject, version: e.version, previous: e.previous ?? "", txid: e.txid, txindex: e.txindex ?? 0, txcount: e.txcount ?? 0 };
    this.time(e, inRange, neighbour, fault);
    if (!neighbour) this.note(seq, e);
    this.noteAcceptance(seq, e);
    this.follow(record, hash, inRange, neighbour, fault);
    this.v.book.take({ seq, at, length: line.length, event: e, neighbour, inRange, bad: this.v.badEvents.get(seq) });
  }

  unprinted(seq, leaf, inRange, neighbour, fault) {
    if (!this.odd.has(seq) || this.leftOut.get("event/" + seq)?.why !== "unprinted") return fault("leaves", "事件是空的 / the event is empty");
    this.follow({ seq, subject: this.odd.get(seq), odd: true }, leaf ?? new Uint8Array(32), inRange, neighbour, fault);
  }

  // time: recordedtime does not run backwards, and the year's events, and only they,
  // lie in the range. The neighbour behind it is read first and judged last.
  time(e, inRange, neighbour, fault) {
    const t = instant(e.recordedtime);
    if (e.source !== "urn:duban:" + this.m.org) fault("chains", `source ${e.source} 不是 / is not urn:duban:${this.m.org}`);
    if (neighbour) { this.afterTime = t; this.afterFault = fault; return; }
    if (t < this.lastTime) fault("range", "recordedtime 倒退 / recordedtime runs backwards");
    else if ((t >= this.cut.from && t < this.cut.until) !== inRange) fault("range", `入账时间 ${shanghai(e.recordedtime)} 不在应在的年度 / recordedtime lies in the wrong year`);
    this.lastTime = Math.max(this.lastTime, t);
  }

  note(seq, e) {
    const files = namedFiles(e);
    for (const sum of files) if (!this.named.has(sum)) this.named.set(sum, seq);
    if (e.type.includes(".evidence_withdrawn.")) this.withdrew.set(seq, files);
    if (e.type === "duban.ledger.opened.v1" && e.data?.sample === true && !this.sample) {
      this.sample = true; // a ledger of invented data says so itself
      this.v.remarks.push("样例数据，仅供试用，不是真实记录 / invented sample data, no real record");
    }
  }

  // noteAcceptance remembers which odd event an event accepts, or that it is another.
  noteAcceptance(seq, e) {
    if (e.type !== "duban.ledger.accepted.v1") this.lastPlain = Math.max(this.lastPlain, seq);
    else if (e.data?.sequence < seq) this.accepted.set(e.data.sequence, e.data.sha256);
  }

  // acceptances: an acceptance may lie behind what is included only if nothing else
  // does, for a ledger with an odd event takes acceptances and nothing else.
  acceptances() {
    for (const seq of this.doubtful) {
      if (this.accepted.get(seq) === this.oddDigests.get(seq) || seq >= this.lastPlain) continue;
      this.v.fault("chains", new Fault("manifest.json", "清单称该事件无法读取，它却读得出来，卷宗内也没有接受它的事件 / the manifest calls the event unreadable; it reads well, and no event inside accepts it", seq));
    }
  }

  follow(record, hash, inRange, neighbour, fault) {
    if (neighbour) { this.right = { record, hash, fault }; return; }
    if (inRange || record.seq === this.before) this.stream.push(record);
    this.extend(record, hash, inRange, fault);
  }

  // extend checks that an event continues its aggregate's chain. An odd one counts as
  // the next version whatever it says of itself.
  extend(record, hash, inRange, fault) {
    if (record.subject === "") return;
    const have = this.chains.get(record.subject) ?? { version: 0, touched: false };
    const previous = have.hash ? "sha256:" + have.hash : "";
    const mended = have.unsure || this.broken.has(record.previous?.slice(7)); // what went before was found wrong already
    const version = record.odd ? have.version + 1 : record.version;
    if (!record.odd && !mended && (record.version !== have.version + 1 || record.previous !== previous)) {
      fault("chains", `${record.subject} 的链条断裂：版本 ${record.version} 接在版本 ${have.version} 之后，或 previous 不符 / the chain is broken: version ${record.version} after ${have.version}, or previous does not fit`);
    }
    this.chains.set(record.subject, { version, hash: hex(hash), touched: have.touched || inRange });
  }

  // rightNeighbour: the event behind the range proves that the year ends there.
  rightNeighbour() {
    const partial = (zh) => this.v.fault("range", new Fault("manifest.json", zh));
    if (this.after === 0) {
      if (!this.m.partial) partial("缺少范围之后相邻的事件，应标明未完（partial） / without an event behind the range it has to be marked as partial");
      this.v.remarks.push("年度未完：树头之后可能还有该年度的事件 / partial: events of the year may follow behind this head");
      return;
    }
    const odd = this.odd.has(this.after);
    if (odd !== this.m.partial) partial("partial 与范围之后相邻的事件不符 / partial does not fit the event behind the range");
    if (odd) this.v.remarks.push("范围之后相邻的事件无法读取，年度终了未得证明 / the event behind the range can't be read: the year's end is not proved");
    if (this.right) this.stream.push(this.right.record);
    if (odd || this.afterTime === undefined) return;
    if (this.afterTime < this.lastTime) this.afterFault("range", "recordedtime 倒退 / recordedtime runs backwards");
    else if (this.afterTime < this.cut.until) this.afterFault("range", "仍属该年度，范围没有到头 / still belongs to the year: the range ends too early");
    const { record, hash, fault } = this.right;
    if (this.chains.has(record.subject)) this.extend(record, hash, false, fault);
  }

  // evidence: every file has its digest, and every file an event names is there or
  // accounted for.
  async evidence() {
    const v = this.v, inside = new Set(), sure = v.missing.length === 0 && this.broken.size === 0;
    for (const e of this.m.evidence) {
      const name = "evidence/" + e.sha256;
      inside.add(e.sha256);
      const own = await v.digest(name);
      if (own !== null && own !== e.sha256) v.fault("evidence", new Fault(name, "内容与摘要不符，已被改动 / the bytes are not those of the digest"));
      if (sure && this.named.get(e.sha256) !== e.named_by) v.fault("evidence", new Fault(name, `不是序号 ${e.named_by} 首先引用的证据 / is not first named by event ${e.named_by}`));
    }
    let word = 0;
    for (const [sum, seq] of this.named) {
      const out = this.leftOut.get("evidence/" + sum), fault = (why) => v.fault("evidence", new Fault("evidence/" + sum, why, seq));
      if (inside.has(sum) === Boolean(out) || out?.why === "unprinted") fault("事件引用的证据既未收录也未说明，或两者皆是 / the file an event names is neither inside nor accounted for, or both");
      else if (out && !(out.why === "withdrawn" && this.withdrew.get(out.event)?.includes(sum))) {
        word++;
        if (sure && !this.believable(out, seq)) fault("未收录的原因与事件不符 / the reason for leaving it out does not fit the events");
      }
    }
    if (word > 0) v.remarks.push(`${word} 份证据未收录，卷宗内没有撤回它们的事件，以导出者的声明为准 / ${word} files are left out without an event inside that withdraws them: this rests on the exporter's word`);
    for (const what of this.leftOut.keys()) {
      if (!what.startsWith("evidence/")) {
        if (!/^event\/[1-9][0-9]*$/.test(what) || !this.odd.has(Number(what.slice(6)))) v.fault("evidence", new Fault("manifest.json", `未收录清单中的 ${what} 既不是证据，也不是无法读取的事件 / is neither a file nor an unreadable event`));
      } else if (sure && !this.named.has(what.slice(9))) v.fault("evidence", new Fault("manifest.json", `${what} 没有被任何事件引用 / is named by no event`));
    }
  }

  // believable reports whether a reason that no event inside bears out can still be
  // true: a withdrawal that lies outside the range, a file that was never stored.
  believable(out, first) {
    const at = out.event ?? 0;
    if (out.why === "missing") return at === first;
    return (at < this.m.range.first || at > this.m.range.last) && at <= this.m.tree_size;
  }

  totals() {
    const v = this.v, m = this.m, { first, last } = m.range;
    v.end("entries", m.entries.length);
    if (this.unproved > 0) v.set("leaves", STATE.unproved, `${this.unproved} 个事件所在的哈希块有误，不能核对 / the tile of ${this.unproved} events does not hold`);
    v.end("leaves", m.counts.events + this.contextCount);
    v.end("range", m.counts.events);
    v.end("chains", this.chains.size);
    v.end("evidence", this.named.size);
    this.remarkOdd();
    if (v.missing.length > 0 || this.broken.size > 0) return v.set("counts", STATE.unproved, "有事件缺失或被改动，数量无从核对 / events are missing or changed: the counts can't be compared");
    const touched = [...this.chains.values()].filter((c) => c.touched).length;
    const voided = [...voidedOf(this.stream, false)].filter((s) => s >= first && s <= last).length;
    const have = { events: last - first + 1, context: this.contextCount, touched, earlier: this.chains.size - touched, voided, evidence: m.evidence.length, tiles: m.counts.tiles, heads: m.counts.heads };
    for (const [name, n] of Object.entries(have)) {
      if (m.counts[name] !== n) v.fault("counts", new Fault("manifest.json", `数量不符：${name} 清单 ${m.counts[name]}，实有 ${n} / the counts are not those of the manifest`));
    }
    v.end("counts", Object.keys(have).length);
  }

  // remarkOdd says which events have no effect because they can't be read.
  remarkOdd() {
    if (this.odd.has(this.before)) this.v.remarks.push("范围之前紧邻的事件无法读取，可能属于该年度，已收录在 events/context.ndjson / what stands right before the range can't be read and may be of the year; it is in events/context.ndjson");
    for (const seq of this.odd.keys()) {
      const sum = this.oddDigests.get(seq);
      this.v.remarks.push(sum !== undefined && this.accepted.get(seq) === sum
        ? `序号 ${seq} 的事件无法读取，经接受后不生效 / event ${seq} can't be read and was accepted to have no effect`
        : `序号 ${seq} 的事件无法读取；卷宗内没有接受它的事件，以导出者的声明为准 / event ${seq} can't be read; its acceptance is not inside: this rests on the exporter's word`);
    }
  }
}

// voidedOf applies the transaction rule: the events of a transaction stand side by
// side; if the next sequence is not its next event, the transaction is void. Where
// records were left out (loose), a gap decides nothing.
function voidedOf(records, loose) {
  const voided = new Set();
  let open = [], last = 0;
  for (const r of records) {
    const before = open.at(-1), gap = loose && r.seq !== last + 1;
    last = r.seq;
    if (before) {
      const goesOn = !r.odd && r.seq === before.seq + 1 && r.txid === before.txid && r.txcount === before.txcount && r.txindex === before.txindex + 1;
      if (goesOn) {
        open.push(r);
        if (r.txindex === r.txcount) open = [];
        continue;
      }
      if (!gap) for (const o of open) voided.add(o.seq);
      open = [];
    }
    if (r.odd || !r.txcount) continue;
    if (r.txindex > 1) { if (!gap) voided.add(r.seq); } else open.push(r);
  }
  return voided;
}
