// Verification of a dossier: the same checks as `duban verify`, in the same order and
// with the same words. Where that stops at the first fault, this goes on and says
// everything that does not hold.

const CHECK_LIST = [
  ["zip", "ZIP 结构是规定的写法，没有夹带", "the ZIP's structure is in its one form, with nothing added"],
  ["manifest", "清单由账本的密钥签名", "the manifest is signed by the log's key"],
  ["checkpoint", "树头的签名符合策略", "the head's signatures satisfy the policy"],
  ["order", "条目齐全，次序和长度与清单一致", "exactly the entries that the format asks for are there, in order"],
  ["tiles", "整棵树的哈希与树头的根一致", "all tiles hang in the head's root"],
  ["heads", "以前的树头都是本树的开头", "earlier heads are beginnings of this tree"],
  ["previous", "先前的树头是本树的开头，其后没有改写", "the earlier head is a beginning of this tree"],
  ["selfcheck", "导出时的自检都已通过", "the exporter's own checks passed"],
  ["entries", "每个条目的字节与清单的摘要一致", "every entry's bytes are those of its digest"],
  ["leaves", "每个事件是签名树中该序号的叶子", "every event is the leaf at its sequence of the signed tree"],
  ["range", "年度范围连续无缺，入账时间不倒退，前后相邻的事件不在该年度", "the range is contiguous, its times do not run backwards, its neighbours lie outside the year"],
  ["chains", "每条记录从版本 1 起逐个相接", "every aggregate's events follow one another from version 1"],
  ["evidence", "事件引用的证据都已收录，或已说明", "every file that an event names is inside or accounted for"],
  ["counts", "数量与清单相符", "the counts are those of the manifest"],
];

const STATE = { pending: "pending", good: "good", bad: "bad", unproved: "unproved", skipped: "skipped" };
const DIGEST = "字节与清单中的摘要不符 / the bytes are not those of the manifest's digest";

class Verification {
  // options: {policy, previous}: bytes or null; update: called when there is news;
  // book: takes the events for people.
  constructor(file, options, book, update) {
    Object.assign(this, { file, options, book, update });
    this.checks = CHECK_LIST.map(([name, zh, en]) => ({ name, zh, en, count: 0, state: STATE.pending, faults: [] }));
    this.remarks = [];
    this.badEntries = new Map(); // path to reason
    this.badEvents = new Map(); // sequence to reason
    this.missing = []; // {sequence, entry}: events that are not there
    this.done = 0;
    this.rested = performance.now();
  }

  check(name) { return this.checks.find((c) => c.name === name); }
  fault(name, fault) {
    this.check(name).faults.push(fault);
    this.check(name).state = STATE.bad;
    if (fault.sequence > 0) this.badEvents.set(fault.sequence, fault.message);
    else this.badEntries.set(fault.entry, fault.message);
    this.update();
  }
  // end closes a check: good unless something was found.
  end(name, count) {
    const c = this.check(name);
    c.count = count;
    if (c.state === STATE.pending) c.state = STATE.good;
    this.update();
  }
  set(name, state, why) {
    const c = this.check(name);
    if (c.state !== STATE.bad) c.state = state;
    c.why = why;
    this.update();
  }
  // advance counts bytes and lets the page live.
  async advance(bytes) {
    this.done += bytes;
    if (performance.now() - this.rested < 40) return;
    this.update();
    await new Promise((next) => setTimeout(next));
    this.rested = performance.now();
  }
  get ok() { return this.checks.every((c) => c.state === STATE.good || c.state === STATE.skipped); }
  get bad() { return this.checks.some((c) => c.state === STATE.bad); }

  async run() {
    this.ed25519 = await hasEd25519();
    try {
      await this.step("zip", "ZIP", () => this.zip());
      if (!this.archive) return;
      await this.step("manifest", "manifest.json", () => this.manifest());
      if (!this.m) return;
      await this.step("checkpoint", "log/checkpoint", () => this.head());
      await this.step("order", "manifest.json", () => this.order());
      await this.step("tiles", "log/tile", () => this.tiles());
      await this.step("heads", "heads", () => this.heads());
      await this.step("previous", "--previous-checkpoint", () => this.previous());
      await this.step("selfcheck", "selfcheck.json", () => this.texts());
      await this.step("leaves", "events", () => new Reading(this).run());
    } finally {
      for (const c of this.checks) {
        if (c.state === STATE.pending) this.set(c.name, STATE.unproved, "因前面的问题没有核验 / not checked because of what was found before");
      }
      this.done = this.file.size;
      this.update();
    }
  }

  // step runs one step; what it throws is a fault of the named check.
  async step(name, entry, run) {
    try { await run(); } catch (e) {
      this.fault(name, e instanceof Fault ? e : new Fault(entry, e.message));
      if (!(e instanceof Error) || e instanceof TypeError || e instanceof ReferenceError) console.error(e);
    }
  }
  // about names the entry that an error is about.
  async about(entry, run) {
    try { return await run(); } catch (e) { throw e instanceof Fault ? e : new Fault(entry, e.message); }
  }

  async zip() {
    this.archive = await openArchive(this.file, (f) => this.fault("zip", f));
    this.end("zip", this.archive.entries.length);
  }

  async manifest() {
    const encoded = await this.archive.whole("manifest.json", 64 << 20);
    this.m = await this.about("manifest.json", () => readManifest(encoded));
    const own = await this.archive.whole("log/policy.txt");
    this.policy = await this.about("log/policy.txt", () => parsePolicy(own));
    if (this.options.policy) this.policy = await this.about("--policy", () => parsePolicy(this.options.policy));
    await this.readKeys();
    const signed = await this.archive.whole("manifest.note");
    const note = await this.about("manifest.note", () => openNote(signed, [...this.policy.keys, ...this.keys.keys]));
    await this.about("manifest.note", () => {
      if (note.text !== manifestText(this.m, encoded)) throw new Error("签名的内容与清单不符 / what was signed does not fit the manifest");
      if (note.unknown.length > 0) throw new Error(`未知的签名 ${note.unknown[0].name} / an unknown signature`);
      if (note.sigs.some((s) => s.name !== this.m.origin)) throw new Error("签名者不是本账本 / the signer is not the log");
      // In the overlap of a rotation there is another key's beside it.
      if (!note.sigs.some((s) => this.policy.keys.some((k) => k.name === s.name && k.id === s.id))) throw new Error("没有策略所列账本密钥的签名 / no signature by a key of the log that the policy names");
    });
    this.signatures("manifest", note);
  }

  // signatures ends a check of signatures, which the browser may be unable to verify.
  signatures(name, note) {
    if (!note.checked) this.set(name, STATE.unproved, "本浏览器不支持 Ed25519，签名没有核验；请用 duban verify 核验 / this browser has no Ed25519: signatures were not checked; use duban verify");
    this.end(name, note.sigs.length);
  }

  async readKeys() {
    const keys = await this.archive.whole("log/keys.json");
    this.keys = await this.about("log/keys.json", () => readKeys(keys));
    if (this.keys.origin !== this.m.origin) throw new Fault("log/keys.json", "不是本账本的密钥 / not the keys of this log");
  }

  async head() {
    if (!this.keys) await this.readKeys();
    const signed = await this.archive.whole("log/checkpoint");
    const note = splitNote(signed);
    this.headNote = note;
    const head = parseHead(note.text);
    if (head.origin !== this.m.origin || head.size !== this.m.tree_size || base64(head.root) !== this.m.root) throw new Error("树头与清单不符 / the head does not fit the manifest");
    this.root = head.root;
    const opened = await openNote(signed, this.policy.keys);
    this.headSigs = opened;
    if (!this.policy.satisfied(head.origin, opened.sigs)) throw new Error("签名不满足策略：缺少账本或见证方的签名 / the signatures do not satisfy the policy");
    for (const s of opened.sigs) {
      if (s.name !== this.m.origin) continue; // a witness
      const valid = this.keys.keys.some((k) => k.from <= head.size && k.id === s.id && this.policy.logs.some((l) => l.vkey === k.vkey));
      if (!valid) throw new Fault("log/keys.json", `树头的签名密钥 ${s.id} 在大小 ${head.size} 时无效 / the key does not sign heads of that size`);
    }
    this.signatures("checkpoint", opened);
  }

  // order: exactly the entries the format asks for are there, with the manifest's sizes.
  async order() {
    const want = this.expected(), have = this.archive.entries, listed = this.m.entries;
    const names = new Set(want);
    for (const e of have) if (!names.has(e.name)) this.fault("order", new Fault(e.name, "条目多余 / the entry does not belong there"));
    for (const name of want) if (!this.archive.index.has(name)) this.fault("order", new Fault(name, "缺少该条目 / the entry is missing"));
    if (this.check("order").state === STATE.bad) return;
    have.forEach((e, i) => { if (e.name !== want[i]) this.fault("order", new Fault(e.name, "次序不对 / the entry stands in the wrong place")); });
    if (listed.length !== want.length - 2) throw new Error("清单的条目数不对 / the manifest lists another number of entries");
    listed.forEach((e, i) => {
      if (e.path !== want[i] || e.size !== have[i].size) this.fault("order", new Fault(want[i], "与清单所列的路径或长度不符 / does not fit the path and size in the manifest"));
    });
    this.end("order", have.length);
  }

  expected() {
    const m = this.m;
    if (tileCount(m.tree_size) !== m.counts.tiles || m.counts.tiles > this.archive.entries.length) throw new Error(`哈希块应有 ${tileCount(m.tree_size)} 个 / tiles should be there`);
    const files = Math.ceil(m.counts.events / RANGE_EVENTS);
    if (files > this.archive.entries.length) throw new Error(`事件文件应有 ${files} 个 / files of events should be there`);
    const heads = m.entries.map((e) => e.path).filter((p) => p.startsWith("heads/"));
    let last = 0;
    for (const p of heads) {
      const n = decimal(p.slice(6));
      if (!(n > last && n <= m.tree_size)) throw new Error(`${printable(p)}：次序或大小不对 / wrong order or size`);
      last = n;
    }
    if (heads.length !== m.counts.heads) throw new Error(`树头应有 ${m.counts.heads} 个 / there should be ${m.counts.heads} heads`);
    m.evidence.forEach((e, i) => {
      if (!isDigest(e.sha256) || (i > 0 && e.sha256 <= m.evidence[i - 1].sha256)) throw new Error("证据清单的次序不对 / the evidence is not in order");
    });
    return ["README.txt", "index.html", "log/checkpoint", "log/policy.txt", "log/keys.json", ...tilesOf(m.tree_size).map(tilePath),
      ...Array.from({ length: files }, (_, i) => rangePath(i + 1)), "events/context.ndjson", "events/context.seq",
      ...m.evidence.map((e) => "evidence/" + e.sha256), ...heads, "register.xlsx", "selfcheck.json", "manifest.json", "manifest.note"];
  }

  async tiles() {
    if (!this.root) throw new Fault("log/checkpoint", "没有可信的树头 / there is no head to hold the tiles against");
    this.tree = new Tree(this.archive, this.m.tree_size);
    for (const t of tilesOf(this.m.tree_size)) await this.digest(tilePath(t));
    await checkTiles(this.tree, this.root, (f) => this.fault("tiles", f), () => this.advance(0));
    this.end("tiles", this.m.counts.tiles);
  }

  async heads() {
    const list = this.m.entries.filter((e) => e.path.startsWith("heads/"));
    if (list.length === 0) return this.set("heads", STATE.skipped, "没有收录 / none inside");
    for (const e of list) {
      await this.step("heads", e.path, async () => {
        const size = decimal(e.path.slice(6));
        const keys = this.keys.keys.filter((k) => k.from <= size);
        const head = await this.earlier("heads", await this.archive.whole(e.path), keys);
        if (head.size !== size) throw new Error("树头的大小与名称不符 / the head's size does not fit its name");
      });
    }
    this.end("heads", list.length);
  }

  async earlier(check, bytes, keys, restored = () => false) {
    const note = await openNote(bytes, keys);
    const head = parseHead(note.text);
    if (head.origin !== this.m.origin && !restored(head, note)) throw new Error(`是另一账本 ${head.origin} 的树头 / is a head of another log`);
    if (head.size > this.m.tree_size) throw new Error(`卷宗的树比先前的树头还小：账本被退回到旧的状态 / the dossier's tree is smaller than the earlier head: the ledger was rolled back：${head.size} > ${this.m.tree_size}`);
    if (this.tree.bad.size > 0) this.set(check, STATE.unproved, "树的哈希有误，不能比较 / the tree's hashes do not hold: can't be compared");
    else if (head.size > 0 && !same(await this.tree.rootAt(head.size), head.root)) throw new Error(`先前的树头不是卷宗所依据的树的开头：历史被改写 / the earlier head is no beginning of the dossier's tree: history was rewritten（${head.size}）`);
    if (!note.checked) this.signatures(check, note);
    return head;
  }

  async previous() {
    if (!this.options.previous) return this.set("previous", STATE.skipped, "没有提供 / none was given");
    // Of this log, or of the ledger before it was restored from a backup: signed under
    // the other name by a key of that name, which the reader's policy names.
    const restored = (head, note) => head.origin.startsWith(`duban/${this.m.org}/`) && note.sigs.some((s) => s.name === head.origin);
    const head = await this.earlier("previous", this.options.previous, [...this.policy.keys, ...this.keys.keys], restored);
    this.previousHead = head;
    this.end("previous", head.size);
  }

  // texts checks the entries that no other step reads.
  async texts() {
    for (const e of this.m.entries) {
      if (!/^(events\/|log\/tile\/|evidence\/)/.test(e.path)) await this.digest(e.path);
    }
    this.selfcheck = readCanonical(await this.archive.whole("selfcheck.json"), SELFCHECK);
    const all = ["真实性", "完整性", "可用性", "安全性"].flatMap((g) => this.selfcheck[g]);
    for (const c of all) if (!c.passed) this.fault("selfcheck", new Fault("selfcheck.json", `导出时自检未通过：${c.zh} / the exporter's own check failed: ${c.en}`));
    this.end("selfcheck", all.length);
  }

  // digest reads an entry to its end and compares it with the manifest's digest and
  // the ZIP's CRC. read, if given, is handed the bytes.
  async digest(name, read) {
    const e = this.archive.index.get(name);
    if (!e) return null; // order said so
    const sum = new Sha256(), crc = new Crc32();
    for await (const piece of this.archive.pieces(e)) {
      sum.update(piece);
      crc.update(piece);
      if (read) await read(piece);
      await this.advance(piece.length);
    }
    const own = hex(sum.digest());
    this.listed ??= new Map(this.m.entries.map((x) => [x.path, x.sha256]));
    if (this.listed.get(name) !== own) this.fault("entries", new Fault(name, DIGEST));
    else if (crc.value() !== e.crc) this.fault("entries", new Fault(name, "CRC 不符 / the CRC does not fit"));
    return own;
  }
}
