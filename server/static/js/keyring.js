// Wrapped opening keys in this browser: who made them, by fingerprint. The private key never leaves its wrapping here.

import { store } from "./page.js";

const NAME = "yangcai.opening-keys";

/** The wrapped key file of `fingerprint`, or null when it is not in this browser. */
export const kept = (fingerprint) => (store.get(NAME) || {})[fingerprint] || null;

/** Keep a wrapped key file; false where the browser keeps nothing. */
export const keep = (file) => store.set(NAME, { ...(store.get(NAME) || {}), [file.fingerprint]: file });

/** Hand `value` to the reader as a file. */
export function save(name, value) {
  const url = URL.createObjectURL(new Blob([JSON.stringify(value, null, 1)], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

/** A key file chosen by the reader, or null when it is none. */
export async function chosen(input) {
  try {
    const file = JSON.parse(await input.files[0].text());
    return file.format === "yangcai-opening-key-v1" ? file : null;
  } catch {
    return null;
  }
}
