// The dossier's ZIP: entries stored, headers in one form. The headers are made again
// from names, sizes and CRCs and compared with the file's, so that no byte of the
// file is without meaning. Field layouts: APPNOTE.TXT 4.3.7 (local header), 4.3.12
// (directory), 4.3.14 to 4.3.16 (ends).

class Fault extends Error {
  constructor(entry, reason, sequence = 0) {
    super(reason);
    this.entry = entry;
    this.sequence = sequence;
  }
}

const LOCAL = 30, DIRECTORY = 46, END = 22, END64 = 56, LOCATOR = 20;
const MAX16 = 0xffff, MAX32 = 0xffffffff;
const PIECE = 1 << 20; // bytes read at a time
const ZIP_FORM = "ZIP 结构与规定的写法不符 / the ZIP's structure is not in its one permitted form";
const ZIP_SIZE = "文件长度与目录不符：被截断或夹带 / the file's length does not fit its directory: truncated, or something was added";

// safeName: a plain relative path of ASCII letters, which leads nowhere else.
const safeName = (name) => name.length <= 200 && /^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/.test(name) &&
  !name.split("/").some((part) => part === "." || part === "..");
const printable = (name) => (safeName(name) ? name : JSON.stringify(name.slice(0, 200)));

class Archive {
  constructor(file) {
    this.file = file;
    this.entries = []; // {name, size, crc, at}: at is where the bytes begin
    this.index = new Map();
  }
  // slice reads bytes of the file.
  async slice(from, to) { return new Uint8Array(await this.file.slice(from, to).arrayBuffer()); }
  // whole returns a small entry.
  async whole(name, limit = 1 << 20) {
    const e = this.find(name);
    if (e.size > limit) throw new Fault(name, `${e.size} 字节，太大 / ${e.size} bytes are too many`);
    return this.slice(e.at, e.at + e.size);
  }
  find(name) {
    const e = this.index.get(name);
    if (!e) throw new Fault(name, "缺少该条目 / the entry is missing");
    return e;
  }
  // pieces yields an entry's bytes, PIECE at a time.
  async *pieces(e) {
    for (let at = 0; at < e.size; at += PIECE) yield this.slice(e.at + at, e.at + Math.min(at + PIECE, e.size));
  }
  blob(name, type) {
    const e = this.find(name);
    return this.file.slice(e.at, e.at + e.size, type);
  }
}

// openArchive reads the directory. Faults of form are handed to found and reading
// goes on; what makes the file unreadable is thrown.
async function openArchive(file, found) {
  const a = new Archive(file);
  const end = await readEnd(a);
  const raw = await a.slice(end.at, end.at + end.size);
  readDirectory(a, raw, end, found);
  await compareHeaders(a, raw, end, found);
  return a;
}

const unsound = (why) => new Fault("ZIP", "不是完好的 ZIP / not a sound ZIP: " + why);

async function readEnd(a) {
  const size = a.file.size;
  if (size < END) throw unsound("too short");
  const tail = await a.slice(Math.max(0, size - END - LOCATOR - END64), size);
  const v = new DataView(tail.buffer);
  const at = tail.length - END;
  if (v.getUint32(at, true) !== 0x06054b50) throw unsound("no end of directory at the end of the file");
  const end = { records: v.getUint16(at + 10, true), size: v.getUint32(at + 12, true), at: v.getUint32(at + 16, true), tail: END };
  if (end.records === MAX16 || end.size === MAX32 || end.at === MAX32) {
    const z = at - LOCATOR - END64; // the zip64 end of directory (APPNOTE 4.3.14)
    if (z < 0 || v.getUint32(z, true) !== 0x06064b50) throw unsound("no zip64 end of directory");
    Object.assign(end, { records: uint64(v, z + 32), size: uint64(v, z + 40), at: uint64(v, z + 48), tail: END + LOCATOR + END64 });
  }
  if (end.at + end.size + end.tail !== size) throw new Fault("ZIP", ZIP_SIZE);
  return end;
}

const uint64 = (v, at) => v.getUint32(at, true) + v.getUint32(at + 4, true) * 0x100000000;

function readDirectory(a, raw, end, found) {
  const v = new DataView(raw.buffer);
  let p = 0, at = 0;
  for (let i = 0; i < end.records; i++) {
    if (p + DIRECTORY > raw.length || v.getUint32(p, true) !== 0x02014b50) throw unsound("the directory is cut off");
    const lengths = [28, 30, 32].map((o) => v.getUint16(p + o, true));
    const name = latin(raw.subarray(p + DIRECTORY, p + DIRECTORY + lengths[0]));
    const extra = p + DIRECTORY + lengths[0];
    let size = v.getUint32(p + 24, true), packed = v.getUint32(p + 20, true);
    if (size === MAX32 && lengths[1] >= 28) [size, packed] = [uint64(v, extra + 4), uint64(v, extra + 12)];
    if (v.getUint16(p + 10, true) !== 0 || packed !== size) throw new Fault(printable(name), "条目被压缩，卷宗只存不压 / the entry is packed: a dossier's entries are stored");
    if (!safeName(name)) throw new Fault(printable(name), "条目名称不允许 / the entry's name is not allowed");
    if (a.index.has(name)) throw new Fault(name, "条目重复 / the entry is there twice");
    at += LOCAL + name.length;
    const e = { name, size, crc: v.getUint32(p + 16, true), at };
    at += size;
    if (at > end.at) throw new Fault(name, ZIP_SIZE);
    a.entries.push(e);
    a.index.set(name, e);
    p = extra + lengths[1] + lengths[2];
  }
  if (p !== raw.length || at !== end.at) found(new Fault("ZIP", ZIP_SIZE));
}

const latin = (bytes) => String.fromCharCode(...bytes.subarray(0, 1000));

// compareHeaders makes every header again.
async function compareHeaders(a, raw, end, found) {
  let p = 0;
  for (const e of a.entries) {
    const want = localHeader(e), have = await a.slice(e.at - want.length, e.at);
    const listed = directoryHeader(e);
    if (!same(want, have) || !same(listed, raw.subarray(p, p + listed.length))) found(new Fault(e.name, ZIP_FORM));
    p += listed.length;
  }
  const tail = ends(a.entries.length, raw.length, end.at);
  if (!same(tail, await a.slice(a.file.size - tail.length, a.file.size))) found(new Fault("ZIP", ZIP_FORM));
}

// fields writes numbers little-endian: [bytes, value] each.
function fields(...list) {
  const out = new Uint8Array(list.reduce((n, [size]) => n + size, 0));
  const v = new DataView(out.buffer);
  let at = 0;
  for (const [size, value] of list) {
    if (size === 2) v.setUint16(at, value, true);
    if (size === 4) v.setUint32(at, value, true);
    if (size === 8) { v.setUint32(at, value % 0x100000000, true); v.setUint32(at + 4, Math.floor(value / 0x100000000), true); }
    at += size;
  }
  return out;
}

// Version 2.0, stored, 1980-01-01 00:00.
const middle = [[2, 20], [2, 0], [2, 0], [2, 0], [2, 33]];

const localHeader = (e) => concat(
  fields([4, 0x04034b50], ...middle, [4, e.crc], [4, e.size], [4, e.size], [2, e.name.length], [2, 0]), utf8.encode(e.name));

function directoryHeader(e) {
  const offset = e.at - LOCAL - e.name.length;
  const big = offset >= MAX32; // a zip64 extra field (APPNOTE 4.5.3)
  const size = big ? MAX32 : e.size;
  return concat(
    fields([4, 0x02014b50], [2, 20], ...middle, [4, e.crc], [4, size], [4, size], [2, e.name.length], [2, big ? 28 : 0], [2, 0], [2, 0], [2, 0], [4, 0], [4, big ? MAX32 : offset]),
    utf8.encode(e.name), big ? fields([2, 1], [2, 24], [8, e.size], [8, e.size], [8, offset]) : new Uint8Array());
}

function ends(records, size, at) {
  const last = (n, s, o) => fields([4, 0x06054b50], [2, 0], [2, 0], [2, n], [2, n], [4, s], [4, o], [2, 0]);
  if (records < MAX16 && size < MAX32 && at < MAX32) return last(records, size, at);
  return concat(
    fields([4, 0x06064b50], [8, END64 - 12], [2, 45], [2, 45], [4, 0], [4, 0], [8, records], [8, records], [8, size], [8, at]),
    fields([4, 0x07064b50], [4, 0], [8, at + size], [4, 1]), last(MAX16, MAX32, MAX32));
}
