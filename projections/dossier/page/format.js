// The format duban-dossier/v1: manifest, keys, self-check, and the envelope of an
// event (CloudEvents 1.0, structured JSON).

const FORMAT = "duban-dossier/v1";
const NOT_CANONICAL = "不是规定的写法：重新编码得不到同样的字节 / not in canonical form: encoding it again gives other bytes";

// Shapes name the members of an object in order; a list holds one shape for all.
const MANIFEST = { format: "", org: "", origin: "", incarnation: "", year: 0, tree_size: 0, root: "", range: { first: 0, last: 0 }, partial: false,
  counts: { events: 0, context: 0, touched: 0, earlier: 0, voided: 0, evidence: 0, tiles: 0, heads: 0 },
  evidence: [{ sha256: "", size: 0, media_type: "", named_by: 0 }], odd: [{ sequence: 0, "subject?": "" }],
  left_out: [{ what: "", why: "", event: 0 }], software: "", entries: [{ path: "", size: 0, sha256: "" }] };
const KEYS = { origin: "", keys: [{ vkey: "", from: 0, until: "" }] };
const CHECKS = [{ name: "", zh: "", en: "", count: 0, passed: false }];
const SELFCHECK = { format: "", scope: "", 真实性: CHECKS, 完整性: CHECKS, 可用性: CHECKS, 安全性: CHECKS };

// fits reports whether a value has exactly a shape.
function fits(value, shape) {
  if (Array.isArray(shape)) return Array.isArray(value) && value.every((v) => fits(v, shape[0]));
  if (typeof shape === "number") return Number.isSafeInteger(value) && value >= 0;
  if (typeof shape !== "object") return typeof value === typeof shape;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const names = Object.keys(value);
  let at = 0;
  for (const member of Object.keys(shape)) {
    const name = member.replace("?", "");
    if (names[at] === name && fits(value[name], shape[member])) at++;
    else if (name === member || names[at] === name) return false;
  }
  return at === names.length;
}

// readCanonical reads JSON in its one form: repeated members, other spellings of a
// number or other white space do not come out the same.
function readCanonical(bytes, shape) {
  let value, source;
  try { source = text(bytes); value = JSON.parse(source); } catch { throw new Error("不是有效的 JSON / not valid JSON"); }
  const escaped = (s) => s.replace(/\u2028/g, "\\u2028").replace(/\u2029/g, "\\u2029");
  if (!fits(value, shape) || escaped(JSON.stringify(value, null, 1)) + "\n" !== source) throw new Error(NOT_CANONICAL);
  return value;
}

function readManifest(bytes) {
  const m = readCanonical(bytes, MANIFEST);
  if (m.format !== FORMAT) throw new Error(`格式 ${m.format} 不是 / format is not ${FORMAT}`);
  if (m.origin !== `duban/${m.org}/${m.incarnation}` || /[\n +]/.test(m.origin)) throw new Error("origin 与单位、账本不符 / origin does not fit org and incarnation");
  if (m.year < 1949 || m.year > 2199) throw new Error(`年度 ${m.year} 超出范围 / year ${m.year} is out of range`);
  const { first, last } = m.range;
  if (first === 0 || last < first || m.tree_size < last || m.tree_size > 2 ** 48) throw new Error("范围与树的大小不符 / the range does not fit the tree");
  if (m.counts.events !== last - first + 1) throw new Error("事件数与范围不符 / the count of events does not fit the range");
  return m;
}

function readKeys(bytes) {
  const k = readCanonical(bytes, KEYS);
  k.keys = k.keys.map(({ vkey, from, until }) => ({ ...parseKey(vkey), from, until }));
  for (const key of k.keys) {
    if (key.name !== k.origin || key.algorithm !== ED25519) throw new Error(`密钥 ${key.vkey} 不属于 / the key does not belong to ${k.origin}`);
    if (key.from === 0) throw new Error(`密钥 ${key.vkey} 缺少起始大小 / the size the key begins at is missing`);
  }
  return k;
}

// What is signed for the manifest.
const manifestText = (m, bytes) => `${FORMAT}\n${m.origin}\n${m.year}\n${m.tree_size}\nsha256:${hex(sha256(bytes))}\n`;

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
// instant returns milliseconds since 1970, with the fraction that is finer.
function instant(s) {
  const m = RFC3339.exec(s ?? "");
  const ms = m ? Date.parse(s.replace(/\.\d+/, "")) : NaN;
  return m?.[1] ? ms + Number("0" + m[1]) * 1000 : ms;
}

const HOURS8 = 8 * 3600 * 1000; // Asia/Shanghai
const cutOf = (year) => ({ from: Date.UTC(year, 0, 1) - HOURS8, until: Date.UTC(year + 1, 0, 1) - HOURS8 });

const REF = /^(directive|task|finding|inspection|office|name|ledger|person|calendar|policy)\/[^\s/\x00-\x1f\x7f-\x9f\ufffd]+$/;
const ROLE = /^role\/(safety_office|office|inspector|auditor|assessor|system)$/;
const LEAF_TEXT = /^sha256:[0-9a-f]{64}$/;
const MAX_EVENT = 65535, MAX_TRANSACTION = 1000;

// readEvent reads an event's envelope like the ledger does, and throws with what is
// wrong. data is left as it is.
function readEvent(bytes) {
  let e;
  if (bytes.length > MAX_EVENT) throw new Error(`${bytes.length} 字节，超过上限 / bytes are too many`);
  let source;
  try { source = text(bytes); } catch { throw new Error("不是 UTF-8 / not UTF-8"); }
  try { e = JSON.parse(source); } catch { throw new Error("不是有效的 JSON / not valid JSON"); }
  if (typeof e !== "object" || e === null || Array.isArray(e)) throw new Error("不是对象 / not an object");
  const twice = repeatedMember(source);
  if (twice !== null) throw new Error(`${JSON.stringify(twice)} 重复 / is there twice`);
  const must = (ok, name) => { if (!ok) throw new Error(`${name}：缺失或不对 / missing or wrong`); };
  const str = (name) => typeof e[name] === "string" && e[name] !== "";
  const whole = (v) => Number.isSafeInteger(v) && v > 0;
  must(e.specversion === "1.0", "specversion");
  for (const name of ["id", "source", "type", "commandid", "commanddigest"]) must(str(name), name);
  must(e.datacontenttype === "application/json", "datacontenttype");
  for (const name of ["subject", "actor"]) must(str(name) && REF.test(e[name]), name);
  must(e.office === undefined || REF.test(e.office), "office");
  must(ROLE.test(e.authority), "authority");
  for (const name of ["time", "recordedtime"]) must(!Number.isNaN(instant(e[name])), name);
  must(whole(e.version), "version");
  must(e.version === 1 ? !e.previous : LEAF_TEXT.test(e.previous), "previous");
  must(e.data !== undefined, "data");
  if (e.txid !== undefined || e.txindex !== undefined || e.txcount !== undefined) {
    must(str("txid") && whole(e.txindex) && whole(e.txcount) && e.txcount >= 2 && e.txcount <= MAX_TRANSACTION && e.txindex <= e.txcount, "txid");
  }
  return e;
}

// repeatedMember finds a member that an object names twice, in whatever case, or
// returns null. JSON.parse would silently take the last.
function repeatedMember(source) {
  const token = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g;
  const open = []; // a set of names for an object, null for a list
  let name = null;
  for (let m; (m = token.exec(source)) !== null;) {
    const t = m[0];
    if (t === "{") open.push(new Set());
    else if (t === "[") open.push(null);
    else if (t === "}" || t === "]") open.pop();
    else if (t === ":") {
      const plain = (name.includes("\\") ? JSON.parse(name) : name.slice(1, -1)).toLowerCase();
      const names = open[open.length - 1];
      if (names.has(plain)) return plain;
      names.add(plain);
    } else if (t[0] === '"') name = t;
  }
  return null;
}

// namedFiles returns the digests of the files an event names: the member "sha256" of
// any object in it. The ledger's own events name events by their digest, not files.
function namedFiles(event) {
  const found = [];
  if (event.type.startsWith("duban.ledger.")) return found;
  (function walk(v) {
    if (typeof v !== "object" || v === null) return;
    if (!Array.isArray(v) && isDigest(v.sha256)) found.push(v.sha256);
    Object.values(v).forEach(walk);
  })(event);
  return found;
}
