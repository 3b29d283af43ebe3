// Sealing and opening of quotes in the browser, byte for byte as docs/sealed-quotes.md says and auction/sealed does.
// HPKE is RFC 9180, base mode: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-128-GCM. Nothing here talks to anyone.

export const OFFICES = ["purchaser", "agency", "group"];
export const PLAIN_BYTES = 256;
const QUOTE = "yangcai-sealed-quote-v1";
const SHARE = "yangcai-sealed-share-v1";
const COMMITMENT = "yangcai-sealed-commitment-v1";
const P256 = { name: "ECDH", namedCurve: "P-256" };

/** Whether this browser, on this address, can seal at all: WebCrypto exists only over https or on the same machine. */
export const able = () => Boolean(globalThis.crypto && crypto.subtle);

// ── bytes ────────────────────────────────────────────────────────────────────────────────────────────────────────

const encoder = new TextEncoder();
export const bytes = (text) => encoder.encode(text);
export const random = (length) => crypto.getRandomValues(new Uint8Array(length));
export const hex = (data) => [...data].map((byte) => byte.toString(16).padStart(2, "0")).join("");
export const unhex = (text) => Uint8Array.from(text.match(/../g) || [], (pair) => parseInt(pair, 16));
export const base64 = (data) => btoa(String.fromCharCode(...data));
export const unbase64 = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

export function join(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Parts with a line feed between them: the form of everything that is hashed or authenticated. */
const lines = (...parts) => join(...parts.flatMap((part, at) => (at ? [bytes("\n"), part] : [part])));

export const sha256 = async (data) => new Uint8Array(await crypto.subtle.digest("SHA-256", data));
export const fingerprint = async (publicKey) => hex(await sha256(publicKey));

// ── HPKE ─────────────────────────────────────────────────────────────────────────────────────────────────────────

const KEM = join(bytes("KEM"), Uint8Array.of(0, 16));
const SUITE = join(bytes("HPKE"), Uint8Array.of(0, 16, 0, 1, 0, 1));
const NONE = new Uint8Array(0);
const two = (number) => Uint8Array.of(number >> 8, number & 255);

async function hmac(key, data) {
  // An empty key is 32 zeros to HMAC; some browsers refuse to import an empty one.
  const made = await crypto.subtle.importKey("raw", key.length ? key : new Uint8Array(32), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", made, data));
}

const extract = (suite, salt, label, data) => hmac(salt, join(bytes("HPKE-v1"), suite, bytes(label), data));

/** At most 32 bytes are ever asked for: one block of HKDF-Expand. */
async function expand(suite, secret, label, info, length) {
  const labelled = join(two(length), bytes("HPKE-v1"), suite, bytes(label), info, Uint8Array.of(1));
  return (await hmac(secret, labelled)).slice(0, length);
}

export const importPublic = (raw) => crypto.subtle.importKey("raw", raw, P256, true, []);

export async function importPrivate(pkcs8) {
  return crypto.subtle.importKey("pkcs8", pkcs8, P256, false, ["deriveBits"]);
}

/** A key pair `{publicKey, pkcs8}`, both as bytes. The caller wraps the private one before it is kept anywhere. */
export async function makeKeys() {
  const pair = await crypto.subtle.generateKey(P256, true, ["deriveBits"]);
  return {
    publicKey: new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)),
    pkcs8: new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey)),
  };
}

async function sharedSecret(privateKey, publicKey, enc, receiver) {
  const point = new Uint8Array(await crypto.subtle.deriveBits({ name: "ECDH", public: publicKey }, privateKey, 256));
  const secret = await extract(KEM, NONE, "eae_prk", point);
  return expand(KEM, secret, "shared_secret", join(enc, receiver), 32);
}

/** RFC 9180, 5.1, base mode: the key and the nonce of the first and only message. */
export async function schedule(shared, info) {
  const context = join(Uint8Array.of(0), await extract(SUITE, NONE, "psk_id_hash", NONE), await extract(SUITE, NONE, "info_hash", info));
  const secret = await extract(SUITE, shared, "secret", NONE);
  return { key: await expand(SUITE, secret, "key", context, 16), nonce: await expand(SUITE, secret, "base_nonce", context, 12) };
}

async function gcm(key, use) {
  return crypto.subtle.importKey("raw", key, "AES-GCM", false, [use]);
}

const aes = (nonce, aad) => ({ name: "AES-GCM", iv: nonce, additionalData: aad, tagLength: 128 });

/** Seal `plain` to a public key: the encapsulated key, then the ciphertext. `ephemeral` is for test vectors only. */
export async function hpkeSeal(receiver, info, aad, plain, ephemeral = null) {
  const pair = ephemeral || (await makeKeys());
  const shared = await sharedSecret(await importPrivate(pair.pkcs8), await importPublic(receiver), pair.publicKey, receiver);
  const { key, nonce } = await schedule(shared, info);
  const sealed = await crypto.subtle.encrypt(aes(nonce, aad), await gcm(key, "encrypt"), plain);
  return join(pair.publicKey, new Uint8Array(sealed));
}

/** Open what `hpkeSeal` made. Throws when it does not open. */
export async function hpkeOpen(privateKey, receiver, info, aad, sealed) {
  const enc = sealed.slice(0, 65);
  const shared = await sharedSecret(privateKey, await importPublic(enc), enc, receiver);
  const { key, nonce } = await schedule(shared, info);
  return new Uint8Array(await crypto.subtle.decrypt(aes(nonce, aad), await gcm(key, "decrypt"), sealed.slice(65)));
}

// ── shares: two of three, in GF(2^8) ─────────────────────────────────────────────────────────────────────────────

function times(a, b) {
  let product = 0;
  while (b) {
    if (b & 1) product ^= a;
    a = (a << 1) ^ (a & 0x80 ? 0x11b : 0);
    b >>= 1;
  }
  return product;
}

/** Three shares of a key: number, then the point of the line `key + slope·number`. */
export const split = (key, slope) => [1, 2, 3].map((x) => Uint8Array.of(x, ...key.map((byte, at) => byte ^ times(slope[at], x))));

// ── quotes ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** What a quote is bound to; `context`: {lot, alias, deadline, roster}. */
export const contextBytes = (context) => bytes([QUOTE, context.lot, context.alias, context.deadline, context.roster].join("\n"));
const shareInfo = (context, office, key) => lines(bytes(SHARE), contextBytes(context), bytes(office), bytes(key));
const shareDigest = async (context, share) => hex(await sha256(lines(bytes(SHARE), contextBytes(context), share)));

/** The roster's order, and its digest. `seats`: [{office, fingerprint, key}] with `key` in base64. */
export function inOrder(seats) {
  const place = (seat) => OFFICES.indexOf(seat.office) + seat.fingerprint;
  return [...seats].sort((one, other) => (place(one) < place(other) ? -1 : 1));
}

export async function rosterDigest(seats) {
  return hex(await sha256(bytes(inOrder(seats).map((seat) => `${seat.office}:${seat.fingerprint}\n`).join(""))));
}

/** The commitment to a price, which its maker can show again with the salt. */
export async function commitment(context, price, salt) {
  return hex(await sha256(lines(bytes(COMMITMENT), contextBytes(context), bytes(salt), bytes(String(price)))));
}

/** Seal a price (fen) for a roster: `{quote, salt}`. Refuses a roster whose keys are not those it names. */
export async function sealQuote(context, seats, price) {
  const ordered = inOrder(seats);
  for (const seat of ordered) {
    if ((await fingerprint(unbase64(seat.key))) !== seat.fingerprint) throw new Error("fingerprint");
  }
  if ((await rosterDigest(seats)) !== context.roster) throw new Error("roster");
  const key = random(32), nonce = random(12), salt = hex(random(32));
  const plain = new Uint8Array(PLAIN_BYTES).fill(32);
  plain.set(bytes(JSON.stringify({ price, salt })));
  const sealed = await crypto.subtle.encrypt(aes(nonce, contextBytes(context)), await gcm(key, "encrypt"), plain);
  const shares = split(key, random(32));
  const envelopes = [];
  for (const seat of ordered) {
    const share = shares[OFFICES.indexOf(seat.office)];
    const info = shareInfo(context, seat.office, seat.fingerprint);
    envelopes.push({ key: seat.fingerprint, sealed: base64(await hpkeSeal(unbase64(seat.key), info, NONE, share)) });
  }
  const quote = {
    deadline_at: context.deadline,
    roster_sha256: context.roster,
    commitment: await commitment(context, price, salt),
    body: base64(join(nonce, new Uint8Array(sealed))),
    shares: await Promise.all(shares.map((share) => shareDigest(context, share))),
    envelopes,
  };
  return { quote, salt };
}

/** The digest told in a receipt: SHA-256 of the quote's JSON with sorted names. */
export async function quoteDigest(quote) {
  const sorted = (value) => Array.isArray(value) ? value.map(sorted) : value && typeof value === "object"
    ? Object.fromEntries(Object.keys(value).sort().map((name) => [name, sorted(value[name])])) : value;
  return hex(await sha256(bytes(JSON.stringify(sorted(quote)))));
}

/** An office's share out of its member's envelope; null when it does not open, or is not the supplier's. */
export async function openShare(context, office, keys, envelope, digest) {
  try {
    const share = await hpkeOpen(keys.privateKey, keys.publicKey, shareInfo(context, office, envelope.key), NONE, unbase64(envelope.sealed));
    return (await shareDigest(context, share)) === digest && share[0] === OFFICES.indexOf(office) + 1 ? share : null;
  } catch {
    return null;
  }
}

// ── private keys at rest ─────────────────────────────────────────────────────────────────────────────────────────

const ITERATIONS = 600000;

async function wrapping(passphrase, salt, iterations, use) {
  const secret = await crypto.subtle.importKey("raw", bytes(passphrase.normalize("NFKC")), "PBKDF2", false, ["deriveKey"]);
  return crypto.subtle.deriveKey({ name: "PBKDF2", hash: "SHA-256", salt, iterations }, secret, { name: "AES-GCM", length: 256 }, false, [use]);
}

/** A key pair as it is kept and backed up: the private key under a passphrase. */
export async function wrapKeys(pair, passphrase) {
  const salt = random(16), nonce = random(12);
  const sealed = await crypto.subtle.encrypt(aes(nonce, pair.publicKey), await wrapping(passphrase, salt, ITERATIONS, "encrypt"), pair.pkcs8);
  return {
    format: "yangcai-opening-key-v1", fingerprint: await fingerprint(pair.publicKey), public: base64(pair.publicKey),
    iterations: ITERATIONS, salt: base64(salt), nonce: base64(nonce), wrapped: base64(new Uint8Array(sealed)),
  };
}

/** The keys out of a wrapped file, or null: wrong passphrase, or not such a file. */
export async function unwrapKeys(file, passphrase) {
  try {
    const publicKey = unbase64(file.public);
    if (file.format !== "yangcai-opening-key-v1" || (await fingerprint(publicKey)) !== file.fingerprint) return null;
    const key = await wrapping(passphrase, unbase64(file.salt), file.iterations, "decrypt");
    const pkcs8 = await crypto.subtle.decrypt(aes(unbase64(file.nonce), publicKey), key, unbase64(file.wrapped));
    return { publicKey, privateKey: await importPrivate(pkcs8) };
  } catch {
    return null;
  }
}
