// Bytes: SHA-256, CRC-32, hexadecimal, base64, UTF-8, decimal numbers.

const concat = (...parts) => {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) { out.set(p, at); at += p.length; }
  return out;
};
const same = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);
const utf8 = new TextEncoder();
// text decodes UTF-8 strictly and keeps a byte order mark, so that the text says
// what the bytes say.
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const text = (bytes) => strict.decode(bytes);

const HEX = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, "0"));
const hex = (bytes) => { let s = ""; for (const b of bytes) s += HEX[b]; return s; };
const isDigest = (s) => typeof s === "string" && /^[0-9a-f]{64}$/.test(s);

const base64 = (bytes) => { let s = ""; for (const b of bytes) s += String.fromCharCode(b); return btoa(s); };
// unbase64 reads base64 in its one form (no stray bits, no white space) or returns null.
function unbase64(s) {
  try {
    const out = Uint8Array.from(atob(s), (c) => c.charCodeAt(0));
    return base64(out) === s ? out : null;
  } catch { return null; }
}

// decimal reads a number without sign or leading zeros, or returns NaN.
const decimal = (s) => /^(0|[1-9][0-9]{0,15})$/.test(s) && Number(s) <= Number.MAX_SAFE_INTEGER ? Number(s) : NaN;

// Sha256 is FIPS 180-4 over bytes that come piece by piece: WebCrypto's digest wants
// them all at once, and a dossier may be larger than memory.
const K256 = new Uint32Array(64);
const H256 = new Uint32Array(8);
(function constants() { // the first 32 bits of the fractional parts of the roots of the first primes
  const fraction = (x) => ((x - Math.floor(x)) * 0x100000000) >>> 0;
  for (let n = 2, found = 0; found < 64; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) if (n % d === 0) { prime = false; break; }
    if (!prime) continue;
    if (found < 8) H256[found] = fraction(Math.sqrt(n));
    K256[found++] = fraction(Math.cbrt(n));
  }
})();
const W256 = new Int32Array(64);

class Sha256 {
  constructor() {
    this.h = Int32Array.from(H256);
    this.rest = new Uint8Array(64);
    this.held = 0;
    this.length = 0;
  }
  update(bytes) {
    this.length += bytes.length;
    let at = 0;
    if (this.held > 0) {
      at = Math.min(64 - this.held, bytes.length);
      this.rest.set(bytes.subarray(0, at), this.held);
      this.held += at;
      if (this.held < 64) return this;
      this.block(this.rest, 0);
      this.held = 0;
    }
    for (; at + 64 <= bytes.length; at += 64) this.block(bytes, at);
    this.rest.set(bytes.subarray(at), 0);
    this.held = bytes.length - at;
    return this;
  }
  digest() {
    const bits = this.length * 8;
    const tail = new Uint8Array(this.held < 56 ? 64 : 128);
    tail.set(this.rest.subarray(0, this.held));
    tail[this.held] = 0x80;
    const view = new DataView(tail.buffer);
    view.setUint32(tail.length - 8, Math.floor(bits / 0x100000000));
    view.setUint32(tail.length - 4, bits >>> 0);
    for (let at = 0; at < tail.length; at += 64) this.block(tail, at);
    const out = new Uint8Array(32);
    this.h.forEach((x, i) => new DataView(out.buffer).setInt32(4 * i, x));
    return out;
  }
  block(p, at) {
    const w = W256, k = K256, h = this.h;
    for (let i = 0; i < 16; i++, at += 4) w[i] = (p[at] << 24) | (p[at + 1] << 16) | (p[at + 2] << 8) | p[at + 3];
    for (let i = 16; i < 64; i++) {
      const x = w[i - 15], y = w[i - 2];
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
    }
    let a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], f = h[5], g = h[6], z = h[7];
    for (let i = 0; i < 64; i++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (z + s1 + ((e & f) ^ (~e & g)) + k[i] + w[i]) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      z = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
    }
    h[0] += a; h[1] += b; h[2] += c; h[3] += d; h[4] += e; h[5] += f; h[6] += g; h[7] += z;
  }
}
const sha256 = (...parts) => parts.reduce((s, p) => s.update(p), new Sha256()).digest();

// Crc32 is the checksum of ZIP (APPNOTE 4.4.7).
const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let i = 0; i < 8; i++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});
class Crc32 {
  constructor() { this.c = 0xffffffff; }
  update(bytes) {
    let c = this.c;
    for (let i = 0; i < bytes.length; i++) c = CRC[(c ^ bytes[i]) & 255] ^ (c >>> 8);
    this.c = c;
  }
  value() { return (this.c ^ 0xffffffff) >>> 0; }
}
