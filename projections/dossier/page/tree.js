// The Merkle tree of RFC 6962 §2.1 over the events: a leaf is SHA-256(0x00 ‖ bytes),
// a node SHA-256(0x01 ‖ left ‖ right). The dossier holds it as tiles of 256 hashes
// (c2sp.org/tlog-tiles): entry i of tile n on level L is the root of the whole
// subtree over 256^L leaves that begins at leaf (256·n + i)·256^L.

const LEAF = Uint8Array.of(0), NODE = Uint8Array.of(1);
const leafHash = (bytes) => sha256(LEAF, bytes);
const nodeHash = (left, right) => sha256(NODE, left, right);
const entryOf = (tile, i) => tile.subarray(32 * i, 32 * i + 32);

// wholeRoot is the root of a power of two of hashes.
function wholeRoot(hashes, from, count) {
  if (count === 1) return entryOf(hashes, from);
  const half = count / 2;
  return nodeHash(wholeRoot(hashes, from, half), wholeRoot(hashes, from + half, half));
}

// tilesOf lists all tiles of a tree, level by level: {level, n, width}.
function tilesOf(size) {
  const all = [];
  for (let level = 0; size > 0; level++, size = Math.floor(size / 256)) {
    for (let n = 0; n * 256 < size; n++) all.push({ level, n, width: Math.min(256, size - n * 256) });
  }
  return all;
}

function tileCount(size) {
  let count = 0;
  for (; size > 0; size = Math.floor(size / 256)) count += Math.ceil(size / 256);
  return count;
}

// tilePath: 1234067 is x001/x234/067; a partial tile ends in .p/WIDTH.
function tilePath(t) {
  let path = String(t.n % 1000).padStart(3, "0");
  for (let n = Math.floor(t.n / 1000); n > 0; n = Math.floor(n / 1000)) path = "x" + String(n % 1000).padStart(3, "0") + "/" + path;
  return `log/tile/${t.level}/${path}${t.width < 256 ? ".p/" + t.width : ""}`;
}

// A Tree reads tiles from the archive. Those above the leaves are kept.
class Tree {
  constructor(archive, size) {
    this.archive = archive;
    this.size = size;
    this.kept = new Map();
    this.bad = new Set(); // paths of tiles that do not hang in the root
    this.last = null; // the leaves' tile that was read last
  }
  tileAt(level, n) { return { level, n, width: Math.min(256, Math.floor(this.size / 256 ** level) - n * 256) }; }
  async hashes(t) {
    const path = tilePath(t);
    if (t.level > 0 && this.kept.has(path)) return this.kept.get(path);
    if (t.level === 0 && this.last?.path === path) return this.last.hashes;
    const hashes = await this.archive.whole(path);
    if (hashes.length !== 32 * t.width) throw new Fault(path, `${hashes.length} 字节，应为 / bytes instead of ${32 * t.width}`);
    if (t.level > 0) this.kept.set(path, hashes); else this.last = { path, hashes };
    return hashes;
  }
  // rootAt is the root of the first size leaves: the whole subtrees that a tree of
  // that size is made of, folded from the right (RFC 6962 §2.1).
  async rootAt(size) {
    const subtrees = []; // from the right
    for (let level = 0, rest = size; rest > 0; level++, rest = Math.floor(rest / 256)) {
      const width = rest % 256;
      if (width === 0) continue;
      const hashes = await this.hashes(this.tileAt(level, Math.floor(rest / 256)));
      for (let bit = 1, end = width; bit < 256; bit *= 2) {
        if (width & bit) { end -= bit; subtrees.push(wholeRoot(hashes, end, bit)); }
      }
    }
    return subtrees.reduce((right, left) => nodeHash(left, right));
  }
  // edge lists the tiles that rootAt(this.size) is made of.
  edge() {
    const tiles = [];
    for (let level = 0, rest = this.size; rest > 0; level++, rest = Math.floor(rest / 256)) {
      if (rest % 256) tiles.push(this.tileAt(level, Math.floor(rest / 256)));
    }
    return tiles;
  }
  // leaf returns the hash at a sequence, or null where its tile does not hold.
  async leaf(sequence) {
    const t = this.tileAt(0, Math.floor((sequence - 1) / 256));
    if (this.bad.has(tilePath(t))) return null;
    try {
      return entryOf(await this.hashes(t), (sequence - 1) % 256);
    } catch { return null; }
  }
}

const NOT_IN_ROOT = "哈希与树根不符 / the hashes do not hang in the root";

// checkTiles authenticates all tiles: those on the right edge together make the
// root, every other one is named by an entry of the tile above it.
async function checkTiles(tree, root, found, progress) {
  const blame = (t, reason) => {
    const path = tilePath(t);
    if (!tree.bad.has(path)) found(new Fault(path, reason));
    tree.bad.add(path);
  };
  const edge = tree.edge();
  if (!same(await tree.rootAt(tree.size), root)) for (const t of await blamed(tree, edge)) blame(t, NOT_IN_ROOT);
  for (const t of tilesOf(tree.size).reverse()) { // from the top down
    await progress(32 * t.width);
    if (t.width < 256) continue;
    const above = tree.tileAt(t.level + 1, Math.floor(t.n / 256));
    if (tree.bad.has(tilePath(above)) && tree.bad.has(tilePath(t))) continue;
    const own = wholeRoot(await tree.hashes(t), 0, 256);
    if (!same(own, entryOf(await tree.hashes(above), t.n % 256)) && !tree.bad.has(tilePath(above))) blame(t, NOT_IN_ROOT);
  }
}

// blamed finds which tiles of the right edge are wrong: those whose entries are not
// what the tiles below make; else the leaves'; else all.
async function blamed(tree, edge) {
  const wrong = [];
  for (const t of edge.filter((e) => e.level > 0)) {
    const hashes = await tree.hashes(t);
    for (let i = 0; i < t.width; i++) {
      const below = await tree.hashes(tree.tileAt(t.level - 1, t.n * 256 + i));
      if (!same(wholeRoot(below, 0, 256), entryOf(hashes, i))) { wrong.push(t); break; }
    }
  }
  if (wrong.length > 0) return wrong;
  const leaves = edge.filter((t) => t.level === 0);
  return leaves.length > 0 ? leaves : edge;
}
