// Signed notes (c2sp.org/signed-note), checkpoints (c2sp.org/tlog-checkpoint),
// cosignatures (c2sp.org/tlog-cosignature) and policies (c2sp.org/tlog-policy).

const ED25519 = 1, COSIGNATURE = 4; // algorithms of C2SP keys
const NOTE_FORM = "签名行不是规定的写法 / a signature line is not in canonical form";
const BAD_SIGNATURE = "签名无效 / the signature is invalid";

// parseKey reads a verifier key: name+hash+base64(algorithm ‖ public key). The hash
// is the beginning of SHA-256(name ‖ LF ‖ algorithm ‖ key).
function parseKey(vkey) {
  const [name, id, ...rest] = String(vkey).split("+");
  const raw = unbase64(rest.join("+"));
  const bad = () => new Error(`密钥 ${String(vkey).slice(0, 200)} 无法识别 / the key can't be read`);
  if (!name || /\s/.test(name) || !raw || raw.length !== 33) throw bad();
  if (hex(sha256(utf8.encode(name + "\n"), raw).subarray(0, 4)) !== id) throw bad();
  if (raw[0] !== ED25519 && raw[0] !== COSIGNATURE) throw bad();
  return { vkey, name, id, algorithm: raw[0], key: raw.subarray(1), fingerprint: hex(sha256(raw)) };
}

// splitNote cuts a note into its text and its signature lines.
function splitNote(bytes) {
  let msg;
  try { msg = text(bytes); } catch { throw new Error("不是 UTF-8 / not UTF-8"); }
  const cut = msg.lastIndexOf("\n\n");
  if (cut < 0 || !msg.endsWith("\n") || cut + 2 >= msg.length || /[\x00-\x09\x0b-\x1f]/.test(msg)) throw new Error("不是签名的文本（signed note） / not a signed note");
  const lines = msg.slice(cut + 2, -1).split("\n");
  if (lines.length > 100 || new Set(lines).size !== lines.length) throw new Error(NOTE_FORM);
  const sigs = lines.map((line) => {
    const m = /^— ([^ +]+) ([A-Za-z0-9+/=]+)$/.exec(line);
    const raw = m && unbase64(m[2]);
    if (!raw || raw.length < 5 || /\s/.test(m[1])) throw new Error(NOTE_FORM);
    return { name: m[1], id: hex(raw.subarray(0, 4)), raw: raw.subarray(4) };
  });
  return { text: msg.slice(0, cut + 1), sigs };
}

// openNote verifies the signatures by known keys: {text, sigs, unknown, checked}.
// checked is false where the browser can't verify Ed25519.
async function openNote(bytes, keys) {
  const note = splitNote(bytes);
  const out = { text: note.text, sigs: [], unknown: [], checked: true };
  for (const sig of note.sigs) {
    const key = keys.find((k) => k.name === sig.name && k.id === sig.id);
    if (!key) { out.unknown.push(sig); continue; }
    if (out.sigs.some((s) => s.name === sig.name && s.id === sig.id)) throw new Error(NOTE_FORM);
    const held = await verifySignature(key, note.text, sig);
    if (held === false) throw new Error(`${BAD_SIGNATURE}：${sig.name}+${sig.id}`);
    if (held === null) out.checked = false;
    out.sigs.push(sig);
  }
  if (out.sigs.length === 0) throw new Error("没有已知密钥的签名 / no signature by a known key");
  return out;
}

// verifySignature returns true or false, or null where the browser has no Ed25519.
async function verifySignature(key, message, sig) {
  let signature = sig.raw, signed = message;
  if (key.algorithm === COSIGNATURE) { // time ‖ signature over "cosignature/v1"
    if (signature.length !== 72) return false;
    sig.time = uint64be(signature);
    signature = signature.subarray(8);
    signed = `cosignature/v1\ntime ${sig.time}\n${message}`;
    parseHead(message);
  }
  if (signature.length !== 64) return false;
  return ed25519(key.key, signature, utf8.encode(signed));
}

const uint64be = (b) => Number(new DataView(b.buffer, b.byteOffset).getBigUint64(0));

async function ed25519(publicKey, signature, message) {
  let key;
  try {
    key = await crypto.subtle.importKey("raw", publicKey, { name: "Ed25519" }, false, ["verify"]);
  } catch { return null; }
  return crypto.subtle.verify({ name: "Ed25519" }, key, signature, message);
}

// hasEd25519 asks the browser with a vector of RFC 8032 §7.1 (test 1).
async function hasEd25519() {
  const bytes = (s) => Uint8Array.from(s.match(/../g), (x) => parseInt(x, 16));
  return (await ed25519(
    bytes("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"),
    bytes("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
    new Uint8Array())) === true;
}

// parseHead reads a checkpoint's text in its one form: origin, size, root, extensions.
function parseHead(message) {
  const bad = () => new Error("不是树头 / not a checkpoint");
  const lines = message.split("\n");
  if (lines.length < 4 || lines.pop() !== "" || lines.slice(3).includes("")) throw bad();
  const [origin, size, root] = lines;
  const hash = unbase64(root);
  if (!origin || Number.isNaN(decimal(size)) || !hash || hash.length !== 32) throw bad();
  return { origin, size: decimal(size), root: hash };
}

const POLICY = "策略文件不符合 C2SP tlog-policy / the policy is not one of C2SP tlog-policy";

// parsePolicy reads a policy: {logs, keys, satisfied(origin, sigs)}. Any one of
// several logs will do.
function parsePolicy(bytes) {
  const p = { logs: [], keys: [], parts: new Map(), quorum: null };
  text(bytes).split("\n").forEach((line, i) => {
    try { policyLine(p, line); } catch (e) { throw new Error(`${POLICY}：第 ${i + 1} 行 / line ${i + 1}: ${e.message}`); }
  });
  if (p.logs.length === 0) throw new Error("策略没有列出账本的密钥（log 行） / the policy names no log");
  if (p.quorum === null || (p.quorum !== "none" && !p.parts.has(p.quorum))) throw new Error(`${POLICY}：quorum`);
  p.satisfied = (origin, sigs) => {
    const signed = (k) => sigs.some((s) => s.name === k.name && s.id === k.id);
    return p.logs.some((k) => k.name === origin && signed(k)) && (p.quorum === "none" || p.parts.get(p.quorum)(signed));
  };
  return p;
}

function policyLine(p, line) {
  if (/[^\S \t]|[\x00-\x08\x0b-\x1f\x7f]/.test(line)) throw new Error("control characters");
  const [word, ...args] = line.split(/[ \t]+/).filter(Boolean);
  if (word === undefined || word.startsWith("#")) return;
  if (line.includes("#")) throw new Error("a comment stands on a line of its own");
  const read = {
    log: () => policyKey(p, args[0], ED25519, args.length, 1, (k) => p.logs.push(k)),
    witness: () => policyKey(p, args[1], COSIGNATURE, args.length, 2, (k) => policyPart(p, args[0], (signed) => signed(k))),
    group: () => policyGroup(p, args),
    quorum: () => { if (args.length !== 1 || p.quorum !== null) throw new Error("quorum"); p.quorum = args[0]; },
  };
  if (!Object.hasOwn(read, word)) throw new Error("unknown keyword");
  read[word]();
}

function policyKey(p, vkey, algorithm, have, want, add) {
  if (have < want || have > want + 1) throw new Error("wrong number of words");
  const key = parseKey(vkey);
  if (key.algorithm !== algorithm || p.keys.some((k) => same(k.key, key.key))) throw new Error("wrong or repeated key");
  p.keys.push(key);
  add(key);
}

function policyPart(p, name, rule) {
  if (name === "none" || p.parts.has(name)) throw new Error("the name is taken or reserved");
  p.parts.set(name, rule);
}

function policyGroup(p, [name, count, ...members]) {
  const n = count === "any" ? 1 : count === "all" ? members.length : decimal(count ?? "");
  if (!(n >= 1 && n <= members.length) || new Set(members).size !== members.length || members.some((m) => !p.parts.has(m))) throw new Error("group");
  const rules = members.map((m) => p.parts.get(m));
  policyPart(p, name, (signed) => rules.filter((rule) => rule(signed)).length >= n);
}
