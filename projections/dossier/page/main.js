// The page: picks the file, runs the verification, draws what it finds.

const byId = (id) => document.getElementById(id);
let running = 0; // the number of the run whose results the page shows

const TABS = [
  ["directives", "文件与任务"], ["findings", "隐患"], ["inspections", "检查"], ["evidence", "证据"], ["others", "其他记录"], ["leftOut", "未收录与说明"], ["selfcheck", "导出时的自检"],
];

const bytesOf = async (file) => (file ? new Uint8Array(await file.arrayBuffer()) : null);

async function start(file) {
  const run = ++running;
  byId("verdict").dataset.state = "running";
  const pasted = byId("previous-text").value.trim();
  const options = {
    policy: await bytesOf(byId("policy").files[0]),
    previous: await bytesOf(byId("previous").files[0]) ?? (pasted ? utf8.encode(byId("previous-text").value.replace(/\r\n/g, "\n").trimEnd() + "\n") : null),
  };
  byId("contents").hidden = true;
  byId("contents").replaceChildren();
  byId("report").hidden = false;
  const book = new Book();
  const v = new Verification(file, options, book, frame(() => { if (run === running) drawReport(v, new View(v, book), false); }));
  byId("file-name").textContent = `${file.name}（${file.size} 字节）`;
  try { await v.run(); } catch (e) {
    v.fault("zip", new Fault(file.name, `读取失败 / could not be read：${e.message}`));
  }
  if (run !== running) return;
  book.close();
  const view = new View(v, book);
  drawReport(v, view, true);
  if (v.m && v.archive) drawContents(v, book, view);
}

// frame runs a drawing at most once a frame.
function frame(draw) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    setTimeout(() => { asked = false; draw(); }, 60);
  };
}

function verdict(v, finished) {
  if (v.bad) return ["bad", "核验不通过 / NOT VERIFIED"];
  if (!finished) return ["pending", "正在核验…… / verifying"];
  if (v.ok) return ["good", "核验通过 / verified"];
  return ["unproved", v.ed25519 ? "未能全部核验 / not everything could be verified"
    : "签名未核验：本浏览器不支持 Ed25519。其余各项见下；请用 duban verify 卷宗.zip 核验签名 / Signatures were NOT checked: this browser has no Ed25519. Use duban verify FILE.zip"];
}

function drawReport(v, view, finished) {
  if (v.finished && !finished) return;
  v.finished = finished;
  const [state, words] = verdict(v, finished);
  byId("verdict").className = state;
  if (byId("verdict").dataset.words !== words) {
    byId("verdict").replaceChildren(...both(words));
    byId("verdict").dataset.words = words;
  }
  byId("verdict").dataset.state = finished ? state : "running";
  byId("progress").value = v.file.size ? v.done / v.file.size : 1;
  byId("progress").hidden = finished;
  byId("checks").replaceChildren(view.checks());
  byId("facts").replaceChildren(...(v.m ? [view.facts()] : []));
  byId("trust").replaceChildren(...(finished && v.policy ? [view.trust()] : []));
}

function drawContents(v, book, view) {
  const panel = el("div", { id: "panel", role: "tabpanel", tabindex: "0" });
  const show = (name) => {
    for (const b of tabs.children) {
      b.setAttribute("aria-selected", String(b.dataset.tab === name));
      b.tabIndex = b.dataset.tab === name ? 0 : -1;
    }
    panel.setAttribute("aria-labelledby", "tab-" + name);
    panel.replaceChildren();
    view[name](panel);
  };
  const tabs = el("div", { role: "tablist", "aria-label": "卷宗内容", onkeydown: (e) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (!step) return;
    const all = [...tabs.children], next = all[(all.indexOf(document.activeElement) + step + all.length) % all.length];
    next.focus();
    show(next.dataset.tab);
  } }, TABS.map(([name, zh]) => button(zh, () => show(name), { role: "tab", id: "tab-" + name, "data-tab": name, "aria-controls": "panel" })));
  byId("contents").append(el("h2", {}, both("卷宗内容 / Contents")), searchBox(v, book, view, panel, tabs), tabs, panel);
  byId("contents").hidden = false;
  show("directives");
}

function searchBox(v, book, view, panel, tabs) {
  const box = el("input", { type: "search", id: "query", placeholder: "条款、处室、事项、文件名……", autocomplete: "off" });
  const status = el("span", { role: "status", class: "muted" });
  return el("form", { class: "search", role: "search", onsubmit: async (e) => {
    e.preventDefault();
    if (!box.value.trim()) return;
    const found = await search(v, book, box.value.trim(), (part) => { status.textContent = `检索中 ${Math.round(part * 100)}%`; });
    status.textContent = found.length >= FOUND_AT_MOST ? `只列出前 ${FOUND_AT_MOST} 个事件，请写得更细` : `找到 ${found.length} 个事件`;
    for (const b of tabs.children) b.setAttribute("aria-selected", "false");
    panel.replaceChildren();
    paged(panel, found, (r) => el("div", { class: "row", "data-seq": r.seq }, mark(view.stateOf(r)),
      el("div", {}, view.sequence(r.seq), ` ${r.time ? dayOf(r.time) : ""} `, el("b", {}, eventWord(r.type)), ` ${r.subject ? book.title(r.subject, r.seq) : ""} `,
        el("span", { class: "muted" }, book.tasks.has(r.subject) ? short(book.taskText(book.tasks.get(r.subject)), 40) : ""))));
  } }, el("label", { for: "query" }, "检索 "), box, el("button", { type: "submit" }, "检索"), " ", status);
}

function picked() {
  const file = byId("zip").files[0];
  if (file) start(file);
}
byId("zip").addEventListener("change", picked);
byId("zip").addEventListener("click", () => { byId("zip").value = ""; }); // the same file may be picked again
byId("again").addEventListener("click", picked);
for (const kind of ["dragover", "drop"]) {
  document.addEventListener(kind, (e) => {
    e.preventDefault();
    if (kind === "drop" && e.dataTransfer.files.length > 0) {
      byId("zip").files = e.dataTransfer.files;
      picked();
    }
  });
}
byId("no-script").remove();
