// Search goes through the events' bytes in the file, so that nothing has to be held.

const FOUND_AT_MOST = 1000;

async function search(v, book, query, progress) {
  const q = query.toLowerCase();
  const offices = [...book.names].filter(([, names]) => names.some((n) => n.name.toLowerCase().includes(q))).map(([ref]) => `"${ref}"`);
  const types = new Set(Object.entries(WORDS.types).filter(([, zh]) => zh.includes(query)).map(([type]) => type));
  const names = (words) => words.toLowerCase().includes(q) || offices.some((o) => words.includes(o));
  const inFile = [...book.records].sort((a, b) => a.at - b.at);
  const found = [];
  for (let i = 0; i < inFile.length && found.length < FOUND_AT_MOST;) {
    const from = inFile[i].at;
    let end = i;
    while (end + 1 < inFile.length && inFile[end + 1].at + inFile[end + 1].length - from <= PIECE) end++;
    const piece = await v.archive.slice(from, inFile[end].at + inFile[end].length);
    const decoder = new TextDecoder(), some = names(decoder.decode(piece)); // most pieces name nothing
    for (; i <= end; i++) {
      const r = inFile[i];
      if (types.has(r.type) || (some && names(decoder.decode(piece.subarray(r.at - from, r.at - from + r.length))))) found.push(r);
    }
    progress(i / inFile.length);
    await new Promise((next) => setTimeout(next));
  }
  return found.sort((a, b) => a.seq - b.seq);
}
