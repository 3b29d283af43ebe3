// Checks a transcript with nothing but the file: docs/transcript.md, step by step. No DOM here.

const encoder = new TextEncoder();
const subtle = globalThis.crypto?.subtle;

/** The file is not what was signed. `code` names a sentence `verify_bad.<code>`, `at` says where. */
export class NotGenuine extends Error {
  constructor(code, at = "") {
    super(`${code} ${at}`);
    Object.assign(this, { code, at });
  }
}

function need(good, code, at) {
  if (!good) throw new NotGenuine(code, at);
}

function joined(...parts) {
  const bytes = parts.map((part) => (typeof part === "string" ? encoder.encode(part) : part));
  const whole = new Uint8Array(bytes.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of bytes) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const sha256 = async (...parts) => new Uint8Array(await subtle.digest("SHA-256", joined(...parts)));
const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const unhex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const packed = (bytes) => btoa(String.fromCharCode(...bytes));

/** Bytes from base64 in its one proper form; empty for anything else. */
function unpacked(text) {
  try {
    const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
    return packed(bytes) === text ? bytes : new Uint8Array();
  } catch {
    return new Uint8Array();
  }
}

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);
const COMMIT = Uint8Array.of(2);
const ED25519 = Uint8Array.of(1);

// ── signatures ──

let noble = null;

/** WebCrypto's Ed25519 where the browser has it, the vendored one where it has not. */
async function signedBy(key, signature, text) {
  if (signature.length !== 64) return false;
  try {
    const known = await subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
    return await subtle.verify({ name: "Ed25519" }, known, signature, encoder.encode(text));
  } catch (error) {
    if (!["NotSupportedError", "SyntaxError"].includes(error.name)) return false;
  }
  noble ??= await import("../vendor/ed25519-2.3.0/ed25519.js");
  return noble.verifyAsync(signature, encoder.encode(text), key, { zip215: false }).catch(() => false);
}

async function readKey(text, origin) {
  const [name, id, ...coded] = text.split("+");
  const raw = unpacked(coded.join("+"));
  need(raw.length === 33 && raw[0] === 1 && name === origin, "key");
  const wanted = hex((await sha256(name, "\n", ED25519, raw.subarray(1))).subarray(0, 4));
  need(id === wanted, "key");
  return { name, id, key: raw.subarray(1), public: packed(raw.subarray(1)) };
}

/** The text of a signed note; null when no known key signed it, or one of them falsely. */
async function opened(note, keys) {
  const gap = note.lastIndexOf("\n\n");
  if (gap < 0 || !note.endsWith("\n")) return null;
  const text = note.slice(0, gap + 1);
  let good = false;
  for (const line of note.slice(gap + 2, -1).split("\n")) {
    const found = /^— (\S+) (\S+)$/.exec(line);
    const raw = found ? unpacked(found[2]) : [];
    if (raw.length < 5) return null;
    for (const one of keys) {
      if (one.name !== found[1] || one.id !== hex(raw.subarray(0, 4))) continue;
      if (!(await signedBy(one.key, raw.subarray(4), text))) return null;
      good = true;
    }
  }
  return good ? text : null;
}

// ── the steps ──

function read(data) {
  const [head, ...lines] = data.replace(/\n+$/, "").split("\n").map((line) => JSON.parse(line));
  need(Object.keys(head).sort().join() === "format,keys,origin,rules" && head.format === "yangcai-transcript/1", "format");
  const parts = { leaf: [], open: [], checkpoint: [], standing: [] };
  for (const line of lines) {
    const [[name, value], ...more] = Object.entries(line);
    need(!more.length && Object.hasOwn(parts, name), "format");
    parts[name].push(value);
  }
  return { head, parts };
}

/** Adds leaves one by one and keeps the roots of whole subtrees, largest first. */
class Tree {
  size = 0;
  peaks = [];

  async add(leaf) {
    let node = leaf;
    for (let size = this.size; size & 1; size >>= 1) node = await sha256(NODE, this.peaks.pop(), node);
    this.peaks.push(node);
    this.size += 1;
  }

  async root() {
    let [root, ...rest] = [...this.peaks].reverse();
    for (const peak of rest) root = await sha256(NODE, peak, root);
    return root;
  }
}

async function checkHeads(origin, notes, hashes, keys) {
  const tree = new Tree();
  for (const note of notes) {
    const text = await opened(note, keys);
    need(text !== null, "signature", tree.size + 1);
    const [whose, size, root, ...rest] = text.split("\n");
    need(whose === origin && /^[1-9]\d*$/.test(size) && rest.length === 1 && rest[0] === "", "checkpoint", size);
    need(tree.size < Number(size) && Number(size) <= hashes.length, "checkpoint", size);
    while (tree.size < Number(size)) await tree.add(hashes[tree.size]);
    need(packed(await tree.root()) === root, "tree", size);
  }
  need(hashes.length && tree.size === hashes.length, "unsigned", tree.size);
}

async function checkOpenings(leaves, openings) {
  const terms = new Map();
  const seen = new Set();
  for (const one of openings) {
    need(Object.keys(one).sort().join() === "n,part,salt,value", "opening", one.n);
    const [alias, what] = one.part.split("/");
    const entrant = (leaves[one.n - 1]?.entrants ?? []).find((each) => each.alias === alias);
    const wanted = one.part === "hidden" ? leaves[one.n - 1]?.hidden : ["terms", "who"].includes(what) ? entrant?.[what] : undefined;
    const name = `${one.n} ${one.part}`;
    need(wanted && /^[0-9a-f]{32}$/.test(one.salt) && !seen.has(name), "opening", one.n);
    need(hex(await sha256(COMMIT, unhex(one.salt), one.value)) === wanted, "opening", one.n);
    seen.add(name);
    if (what === "terms") terms.set(alias, JSON.parse(one.value));
  }
  return terms;
}

/** By alias the price, position and time that stand at the end. */
function recount(leaves) {
  const standing = new Map();
  let before = 0;
  leaves.forEach((leaf, index) => {
    const n = index + 1;
    need(leaf.n === n && leaf.at >= before && (leaf.kind === "opened") === (n === 1), "log", n);
    need(["closed", "cancelled"].includes(leaf.kind) === (n === leaves.length), "unfinished");
    before = leaf.at;
    if (leaf.kind === "bid" || leaf.kind === "prebid") standing.set(leaf.who, [leaf.price, n, leaf.at]);
    else if (leaf.kind === "barred") standing.delete(leaf.who);
    else if (leaf.kind === "voided" && standing.get(leaf.who)?.[1] === leaf.target) {
      standing.delete(leaf.who);
      if (leaf.back_n) standing.set(leaf.who, [leaf.back_price, leaf.back_n, leaves[leaf.back_n - 1].at]);
    }
  });
  return leaves[leaves.length - 1].kind === "cancelled" ? new Map() : standing;
}

/** The told result is the counted one; how many ranks rest on terms that are not opened. */
function checkResult(told, counted, terms) {
  need(told.length === counted.size, "result");
  let last = null;
  let closed = 0;
  told.forEach((one, index) => {
    need(Object.keys(one).sort().join() === "alias,at,n,price,rank" && one.rank === index + 1, "result");
    const stands = counted.get(one.alias);
    need(stands && stands[0] === one.price && stands[1] === one.n && stands[2] === one.at, "result");
    counted.delete(one.alias);
    const its = terms.get(one.alias);
    if (!its) {
      closed += 1;
      return;
    }
    const score = BigInt(one.price) * BigInt(10_000 - its.deduction_bp) + BigInt(its.malus) * 10_000n;
    need(!last || last[0] < score || (last[0] === score && last[1] < one.n), "result");
    last = [score, one.n];
  });
  return closed;
}

async function checkReceipts(data, origin, keys, byHash) {
  let file;
  try {
    file = JSON.parse(data);
  } catch {
    throw new NotGenuine("receipt_format");
  }
  need(file.format === "yangcai-receipts/1" && file.origin === origin, "receipt_other");
  let count = 0;
  for (const note of file.receipts) {
    const text = await opened(note, keys);
    need(text !== null, "receipt_signature");
    const [kind, whose, alias, ...bids] = text.slice(0, -1).split("\n");
    need(kind === "yangcai-receipt/1" && whose === origin, "receipt_other");
    for (const bid of bids) {
      const [hash, at, price] = bid.split(" ");
      const leaf = byHash.get(hash);
      const stands = leaf?.kind === "bid" && leaf.who === alias && String(leaf.at) === at && String(leaf.price) === price;
      need(stands, "receipt_missing", bid);
      count += 1;
    }
  }
  return count;
}

/** What a genuine file says; throws NotGenuine. `trusted`: public keys in base64; none: the file's own are taken. */
export async function verify(data, trusted = [], receipt = "") {
  try {
    const { head, parts } = read(data);
    let keys = await Promise.all(head.keys.map((text) => readKey(text, head.origin)));
    if (trusted.length) keys = keys.filter((key) => trusted.includes(key.public));
    need(keys.length, "stranger");
    const hashes = await Promise.all(parts.leaf.map((leaf) => sha256(LEAF, leaf)));
    await checkHeads(head.origin, parts.checkpoint, hashes, keys);
    const leaves = parts.leaf.map((leaf) => JSON.parse(leaf));
    const terms = await checkOpenings(leaves, parts.open);
    need(hex(await sha256(head.rules)) === leaves[0].rules_sha256, "rules");
    const closed_terms = checkResult(parts.standing, recount(leaves), terms);
    const byHash = new Map(hashes.map((hash, index) => [packed(hash), leaves[index]]));
    const receipts = receipt ? await checkReceipts(receipt, head.origin, keys, byHash) : 0;
    return {
      origin: head.origin, number: leaves[0].number, title: leaves[0].title, closed_terms, receipts, entries: leaves.length,
      bids: leaves.filter((leaf) => leaf.kind === "bid").length, checkpoints: parts.checkpoint.length, openings: parts.open.length,
    };
  } catch (error) {
    throw error instanceof NotGenuine ? error : new NotGenuine("format");
  }
}
