// Views: everything that comes from the dossier goes into the page as text, never as
// markup. Long lists are drawn piece by piece.

// el makes an element: attributes, then children (texts or elements).
function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false || value === null) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== ""));
  return node;
}
// both writes a text in two languages, the second smaller.
function both(words) {
  const at = words.indexOf(" / ");
  return at < 0 ? [words] : [words.slice(0, at), " ", el("span", { lang: "en", class: "en" }, words.slice(at + 3))];
}
const word = (table, key) => (Object.hasOwn(WORDS[table], key) ? WORDS[table][key] : key);
const eventWord = (type) => word("types", type) || "无法读取的事件";
const button = (label, onclick, attributes = {}) => el("button", { type: "button", onclick, ...attributes }, label);

// paged draws items a page at a time.
function paged(into, items, draw, size = 100) {
  let at = 0;
  const more = button("", () => { const first = next(); first?.querySelector?.("summary,button,a")?.focus(); }, { class: "more" });
  function next() {
    const nodes = items.slice(at, at + size).map(draw);
    at += nodes.length;
    more.before(...nodes);
    more.textContent = `再显示 ${Math.min(size, items.length - at)} 条（共 ${items.length} 条，已显示 ${at} 条）`;
    more.hidden = at >= items.length;
    return nodes[0];
  }
  into.append(more);
  next();
  return into;
}

// lazy is a fold that is filled when it is opened first.
function lazy(summary, fill, attributes = {}) {
  const body = el("div", { class: "body" });
  let filled = false;
  const node = el("details", { ...attributes, ontoggle: async () => {
    if (!node.open || filled) return;
    filled = true;
    await fill(body);
  } }, el("summary", {}, summary), body);
  return node;
}

const MARKS = {
  good: ["✓", "核验通过"], bad: ["✗", "有问题"], unproved: ["!", "未能核验"], pending: ["…", "等待"], skipped: ["–", "不适用"],
};
const mark = (state) => el("span", { class: "mark " + state, role: "img", "aria-label": MARKS[state][1], title: MARKS[state][1] }, MARKS[state][0]);

class View {
  constructor(v, book) {
    this.v = v;
    this.book = book;
  }
  stateOf(record) { return record.bad ? "bad" : this.v.check("leaves").state === STATE.unproved ? "unproved" : "good"; }
  markOf(subject) { return this.book.isBad(subject) || this.gaps(subject) ? mark("bad") : null; }
  gaps(subject) { return this.book.of(subject).some((r, i, all) => r.version > (all[i - 1]?.version ?? 0) + 1); }

  // --- the report

  checks() {
    return el("ul", { class: "checks", "aria-label": "核验项目" }, this.v.checks.map((c) => {
      const words = el("div", {}, both(`${c.zh} / ${c.en}`), " ", el("span", { class: "count" }, c.state === STATE.pending || !c.count ? "" : `（${c.count}）`),
        c.why && c.state !== STATE.good ? el("p", { class: "why" }, both(c.why)) : null, this.faults(c.faults));
      return el("li", { class: c.state, "data-check": c.name, "data-state": c.state }, mark(c.state), words);
    }));
  }
  faults(faults) {
    if (faults.length === 0) return null;
    return paged(el("ul", { class: "faults" }), faults, (f) => el("li", { "data-entry": f.entry, "data-sequence": f.sequence },
      el("code", {}, f.entry), f.sequence ? ["，序号 ", this.sequence(f.sequence)] : null, "：", both(f.message)), 20);
  }
  sequence(seq) {
    return this.book.bySequence.has(seq) ? button(String(seq), () => this.open(seq), { class: "link" }) : el("b", {}, String(seq));
  }

  facts() {
    const m = this.v.m, rows = [
      ["单位、账本 / log", m.origin], ["年度 / year", `${m.year}${m.partial ? "（未完）" : ""}`],
      ["年度范围 / range", `序号 ${m.range.first}–${m.range.last}，共 ${m.counts.events} 个事件；以前的和相邻的事件 ${m.counts.context} 个`],
      ["记录 / aggregates", `本年度有事件的 ${m.counts.touched} 条，另有年初有效的 ${m.counts.earlier} 条；作废的事件 ${m.counts.voided} 个`],
      ["树头 / head", `${m.tree_size} 个事件，根 ${m.root}`], ["证据 / evidence", `${m.counts.evidence} 份，未收录 ${m.left_out.length} 项`], ["导出程序 / software", m.software],
    ];
    return el("dl", { class: "facts" }, rows.map(([k, value]) => [el("dt", {}, both(k)), el("dd", {}, value)]));
  }

  trust() {
    const v = this.v, given = Boolean(v.options.policy);
    const keys = v.policy.logs.map((k) => el("li", {}, el("div", { class: "fingerprint" }, k.fingerprint.match(/.{4}/g).join(" ")), el("code", { class: "small" }, k.vkey)));
    const cosigned = (v.headSigs?.sigs ?? []).filter((s) => s.name !== v.m.origin);
    return el("div", { class: "trust" },
      el("p", {}, both(given ? "依据您给定的策略核验。 / Verified under the policy you gave."
        : "没有另行给定策略：只证明与卷宗内所附的密钥一致。请把下面的指纹与另行取得的指纹（公文、电话、见证方）逐位核对，卷宗内的密钥不能证明自己。 / No policy was given: this shows only integrity under the key inside. Compare the fingerprint with one you got another way.")),
      el("h3", {}, both("账本密钥的指纹（SHA-256） / Fingerprint of the log's key")), el("ul", { class: "keys" }, keys),
      cosigned.length === 0 ? el("p", {}, both("树头没有见证方的签名。 / No witness cosigned the head."))
        : el("ul", {}, cosigned.map((s) => el("li", {}, `见证 / cosigned by ${s.name}+${s.id}，${s.time ? shanghai(new Date(s.time * 1000).toISOString()) : ""}`))),
      v.headSigs?.unknown.length ? el("p", {}, both("策略不认识的签名者 / signers the policy does not know"), "：" + v.headSigs.unknown.map((s) => `${s.name}+${s.id}`).join("、")) : null,
      v.previousHead ? el("p", {}, `先前的树头：${v.previousHead.size} 个事件，根 ${base64(v.previousHead.root)}`) : null);
  }

  // --- the year's matters

  directives(into) {
    const known = [...this.book.directives.values()];
    const orphans = new Map();
    for (const t of this.book.tasks.values()) {
      if (!this.book.directives.has(t.directive)) orphans.set(t.directive, { subject: t.directive, title: "（文件不在卷宗内）" + t.directive, number: "", clauses: new Map() });
    }
    const all = [...known, ...orphans.values()];
    paged(into, all, (d) => this.directive(d), 50);
    if (all.length === 1) into.querySelector("details").open = true;
    if (all.length === 0) into.append(el("p", {}, "没有文件和任务。"));
  }
  directive(d) {
    const tasks = [...this.book.tasks.values()].filter((t) => t.directive === d.subject).sort((a, b) => (a.number || 1e9) - (b.number || 1e9) || (a.subject < b.subject ? -1 : 1));
    const bad = tasks.some((t) => this.markOf(t.subject)) || this.markOf(d.subject);
    const summary = [bad ? mark("bad") : null, el("b", {}, d.title), ` ${d.number} `, el("span", { class: "muted" }, `${tasks.length} 项任务`), this.quiet(d.subject)];
    return lazy(summary, async (body) => {
      if (this.book.directives.has(d.subject)) body.append(lazy(`文件的登记和变更（${this.book.of(d.subject).length} 个事件）`, (b) => this.history(b, d.subject)));
      paged(body, tasks, (t) => this.task(t));
    }, { class: "directive", "data-subject": d.subject });
  }
  quiet(subject) { return this.book.touched(subject) ? null : el("span", { class: "tag" }, "本年度无新事件"); }
  task(t) {
    const last = this.book.last(t.subject);
    const shares = [...t.shares.values()].map((s) => el("span", { class: "tag office" }, `${this.book.officeName(s.office)} ${word("values", s.role)}`));
    return lazy([this.markOf(t.subject), el("b", {}, this.book.taskTitle(t)), ` ${short(this.book.taskText(t), 80)} `, ...shares,
      el("span", { class: "muted" }, ` 最近：${eventWord(last.type)} ${last.time ? dayOf(last.time) : ""}`), this.quiet(t.subject)], async (body) => {
      body.append(el("p", { class: "clause" }, this.book.taskText(t)), el("p", { class: "muted" }, `类型：${word("values", t.kind)}；编号：${t.subject}`));
      const offices = [...t.shares.keys()];
      await this.history(body, t.subject, offices.length > 1 ? offices : []);
    }, { class: "task", "data-subject": t.subject });
  }
  findings(into) {
    const all = [...this.book.findings.values()];
    paged(into, all, (f) => lazy([this.markOf(f.subject), el("b", {}, f.title), ` ${f.at} `, el("span", { class: "tag" }, f.grade ? word("values", f.grade) : "未定级"),
      el("span", { class: "muted" }, ` 发现 ${f.on}；最近：${eventWord(this.book.last(f.subject).type)}`), this.quiet(f.subject)],
    (body) => this.history(body, f.subject), { class: "finding", "data-subject": f.subject }));
    if (all.length === 0) into.append(el("p", {}, "没有检查发现。"));
  }
  inspections(into) {
    const all = [...this.book.inspections.values()];
    paged(into, all, (i) => lazy([this.markOf(i.subject), el("b", {}, i.title), this.quiet(i.subject)], (body) => this.history(body, i.subject), { "data-subject": i.subject }));
    if (all.length === 0) into.append(el("p", {}, "没有检查。"));
  }
  others(into) {
    const shown = new Set(["directive", "task", "finding", "inspection"]);
    const all = [...this.book.bySubject.keys()].filter((s) => !shown.has(kindOf(s))).sort();
    paged(into, all, (s) => lazy([this.markOf(s), el("b", {}, this.book.title(s)), " ", el("span", { class: "muted" }, `${s}，${this.book.of(s).length} 个事件`)],
      (body) => this.history(body, s), { "data-subject": s }));
  }
  evidence(into) {
    const media = new Map(this.v.m.evidence.map((e) => [e.sha256, e]));
    const all = [...new Set([...media.keys(), ...this.book.files.keys()])];
    paged(into, all, (sum) => {
      const f = this.book.files.get(sum), e = media.get(sum), bad = this.v.badEntries.has("evidence/" + sum);
      return el("div", { class: "row" + (bad ? " bad" : ""), "data-entry": "evidence/" + sum, "data-state": bad ? "bad" : e ? "good" : "skipped" }, mark(bad ? "bad" : e ? "good" : "skipped"),
        el("div", {}, this.file({ sha256: sum, name: f?.name, bytes: f?.bytes, media_type: e?.media_type || f?.media }), " ", el("span", { class: "muted" }, e ? `${e.size} 字节` : ""),
          el("div", { class: "small" }, "引用它的事件：", (f?.by ?? []).slice(0, 20).flatMap((s) => [this.sequence(s), " "]))));
    });
    if (all.length === 0) into.append(el("p", {}, "没有证据文件。"));
  }
  leftOut(into) {
    const list = this.v.m.left_out;
    into.append(list.length === 0 ? el("p", {}, "没有未收录的内容。 Nothing was left out.") : el("ul", {}, list.map((l) => el("li", {}, el("code", {}, l.what), "：", both(word("why", l.why)), l.event ? ["，事件 ", this.sequence(l.event)] : null))),
      this.v.remarks.length ? el("ul", {}, this.v.remarks.map((r) => el("li", {}, both(r)))) : "");
  }
  selfcheck(into) {
    const s = this.v.selfcheck;
    if (!s) return into.append(el("p", {}, "没有可读的自检。"));
    into.append(el("p", {}, both(s.scope)), ...["真实性", "完整性", "可用性", "安全性"].map((g) => el("section", {}, el("h3", {}, g),
      el("ul", { class: "checks" }, s[g].map((c) => el("li", { class: c.passed ? "good" : "bad" }, mark(c.passed ? "good" : "bad"), el("div", {}, both(`${c.zh} / ${c.en}`), ` （${c.count}）`)))))));
  }

  // --- one record

  // history draws the events of a record; with offices, a choice of one share.
  async history(into, subject, offices = [], seq = 0) {
    const all = this.book.of(subject), place = el("div", {});
    const draw = async (office) => { place.replaceChildren(); await this.rows(place, all, office, seq); };
    if (offices.length > 0) {
      const choice = el("select", { onchange: () => draw(choice.value) }, el("option", { value: "" }, "全部分项"), offices.map((o) => el("option", { value: o }, this.book.officeName(o))));
      into.append(el("label", { class: "choice" }, "分项 ", choice));
    }
    into.append(place);
    await draw("");
  }
  async rows(into, records, office, seq, size = 100) {
    const body = el("tbody");
    const head = ["序号", "发生时间", "入账时间", "事项", "办理人、处室", "内容"];
    into.append(el("table", { class: "history" }, el("thead", {}, el("tr", {}, head.map((h) => el("th", { scope: "col" }, h)))), body));
    let at = 0;
    const next = async () => {
      const batch = await Promise.all(records.slice(at, at + size).map((r) => this.read(r)));
      for (const { event, raw } of batch) {
        const r = records[at], before = at > 0 ? records[at - 1].version : 0;
        at++;
        if (r.version > before + 1) body.append(this.gap(before + 1, r.version - 1));
        if (office && !concerns(event, office)) continue;
        body.append(this.row(r, event, raw, r.seq === seq));
      }
      more.hidden = at >= records.length;
      more.textContent = `再显示（共 ${records.length} 个事件，已显示 ${at} 个）`;
    };
    const more = button("", next, { class: "more" });
    into.append(more);
    await next();
    if (seq) for (let target; !(target = body.querySelector(".target")) && at < records.length;) await next();
    body.querySelector(".target")?.scrollIntoView({ block: "center" });
  }
  gap(from, to) {
    return el("tr", { class: "bad gap" }, el("td", { colspan: 6 }, mark("bad"), ` 此处缺少版本 ${from === to ? from : `${from}–${to}`} 的事件`));
  }
  async read(r) {
    const raw = await this.v.archive.slice(r.at, r.at + r.length);
    const source = new TextDecoder().decode(raw);
    try { return { raw: source, event: JSON.parse(source) }; } catch { return { raw: source, event: null }; }
  }
  row(r, e, raw, target) {
    const cell = (label, ...children) => el("td", { "data-label": label }, children);
    const state = this.stateOf(r), notes = [];
    if (r.bad) notes.push(el("strong", { class: "bad" }, both(r.bad)));
    if (r.odd) notes.push(el("span", { class: "tag" }, "无法读取，不生效"));
    if (r.mark === "void") notes.push(el("span", { class: "tag warn" }, "事务未写完，作废"));
    if (r.mark === "voided") notes.push(el("span", { class: "tag warn" }, "已由事件 ", this.sequence(r.by), " 撤销"));
    if (r.mark === "amended") notes.push(el("span", { class: "tag warn" }, "已由事件 ", this.sequence(r.by), " 改正"));
    if (r.time && r.recorded && dayOf(r.time) < dayOf(r.recorded)) notes.push(el("span", { class: "tag" }, "补录"));
    const data = e && typeof e.data === "object" && e.data !== null ? e.data : {};
    const behalf = typeof data.on_behalf_of === "string" ? `，代 ${this.book.title(data.on_behalf_of, r.seq)} 录入` : "";
    return el("tr", { class: [state, target ? "target" : "", r.mark].filter(Boolean).join(" "), "data-seq": r.seq, "data-state": state },
      cell("序号", mark(state), ` ${r.seq}`), cell("发生时间", r.time ? shanghai(r.time) : "—"), cell("入账时间", r.recorded ? shanghai(r.recorded) : "—"),
      cell("事项", el("b", { title: r.type }, eventWord(r.type)), " ", notes),
      cell("办理人、处室", e ? `${this.book.title(str(e.actor), r.seq)}${e.office ? "，" + this.book.title(str(e.office), r.seq) : ""}（${word("roles", str(e.authority).slice(5))}）${behalf}` : "—"),
      cell("内容", e ? this.value("data", Object.fromEntries(Object.entries(data).filter(([k]) => k !== "on_behalf_of")), r.seq) : "（不能读作事件）",
        lazy("原始字节", (b) => b.append(el("pre", {}, raw)), { class: "raw" })));
  }

  // value writes a value of an event in readable form.
  value(name, v, seq, depth = 0) {
    if (v === null || v === undefined) return "—";
    if (Array.isArray(v)) {
      if (v.every((x) => typeof x !== "object")) return v.flatMap((x, i) => [i ? "、" : "", this.value(name, x, seq, depth)]);
      return el("ol", {}, v.map((x) => el("li", {}, this.value(name, x, seq, depth + 1))));
    }
    if (typeof v === "object") return isDigest(v.sha256) && depth > 0 ? this.file(v) : this.members(v, seq, depth);
    if (typeof v === "boolean") return name === "passed" ? (v ? "复查合格" : "复查不合格") : v ? "是" : "否";
    if (typeof v === "number" && name === "funds_fen") return `${(v / 100).toLocaleString("zh-CN", { minimumFractionDigits: 2 })} 元`;
    if (typeof v !== "string") return String(v);
    if (REF.test(v)) return this.reference(v, seq);
    if (name === "sha256" && isDigest(v)) return this.file({ sha256: v });
    if (name.endsWith("sha256")) return el("code", { class: "small" }, v);
    return /^[a-z0-9_]+$/.test(v) ? word("values", v) : v;
  }
  members(v, seq, depth) {
    const rows = Object.entries(v);
    if (rows.length === 0) return "";
    return el("dl", { class: "data" }, rows.map(([k, x]) => [el("dt", {}, word("fields", k)), el("dd", {}, this.value(k, x, seq, depth + 1))]));
  }
  reference(ref, seq) {
    const title = this.book.title(ref, seq);
    return this.book.bySubject.has(ref) && kindOf(ref) !== "person" ? button(title, () => this.openRecord(ref), { class: "link", title: ref }) : el("span", { title: ref }, title);
  }

  // --- files

  // SAFE are the types a browser shows without running anything; all others are saved.
  static SAFE = ["application/pdf", "image/png", "image/jpeg", "image/gif", "image/webp", "text/plain"];
  file(f) {
    const path = "evidence/" + f.sha256, label = str(f.name) || `${f.bytes ? "文件原文 " : ""}${f.sha256.slice(0, 16)}…`;
    if (!this.v.archive.index.has(path)) return el("span", { class: "file absent", title: f.sha256 }, `${label}（未收录）`);
    const media = this.v.m.evidence.find((e) => e.sha256 === f.sha256)?.media_type || str(f.media_type);
    const type = View.SAFE.find((t) => media.toLowerCase().split(";")[0].trim() === t);
    const blob = () => this.v.archive.blob(path, type === "text/plain" ? "text/plain;charset=utf-8" : type ?? "application/octet-stream");
    return el("span", { class: "file", title: f.sha256 }, this.v.badEntries.has(path) ? mark("bad") : null, label, " ",
      type ? button("打开", () => openBlob(blob()), { class: "link", "aria-label": "打开 " + label }) : null, " ",
      button("另存", () => saveBlob(blob(), str(f.name) || f.sha256), { class: "link", "aria-label": "另存 " + label }));
  }

  // --- a record by itself

  async open(seq) {
    const r = this.book.bySequence.get(seq);
    if (r.subject && this.book.bySubject.get(r.subject)?.includes(r)) return this.openRecord(r.subject, seq);
    await this.dialog(`序号 ${seq}`, async (body) => this.rows(body, [r], "", seq));
  }
  async openRecord(subject, seq = 0) {
    await this.dialog(`${this.book.title(subject)}`, async (body) => {
      body.append(el("p", { class: "muted" }, subject));
      const t = this.book.tasks.get(subject);
      if (t) body.append(el("p", { class: "clause" }, this.book.taskText(t)));
      await this.history(body, subject, [], seq);
    });
  }
  async dialog(title, fill) {
    const d = document.getElementById("record"), body = el("div", {});
    d.replaceChildren(el("div", { class: "bar" }, el("h2", {}, title), button("关闭", () => d.close(), { autofocus: true })), body);
    if (!d.open) d.showModal();
    await fill(body);
  }
}

// concerns reports whether an event is about an office's share, or about the whole.
function concerns(event, office) {
  const d = event?.data ?? {};
  const named = [d.office, d.from, d.to, ...list(d.offices).map((o) => o?.office ?? o)].filter((x) => typeof x === "string" && x.startsWith("office/"));
  return named.length === 0 || named.includes(office);
}

function openBlob(blob) {
  const url = URL.createObjectURL(blob);
  el("a", { href: url, target: "_blank", rel: "noopener" }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}
function saveBlob(blob, name) {
  const url = URL.createObjectURL(blob);
  el("a", { href: url, download: name.replace(/[\\/:*?"<>|\x00-\x1f]/g, "_") }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}
