// Passkeys: asks the server for a challenge, the authenticator for its answer, and the server what it is worth.

import { $, call, el, say, show, t } from "./page.js";

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

function refuse(words) {
  say("#refused-why", words);
  show("#refused", Boolean(words));
  if (words) $("#refused").focus();
}

const listed = (keys) => (keys ?? []).map((key) => ({ ...key, id: bytes(key.id) }));

/** The authenticator's answer as JSON; null when the person or the browser gave up. */
async function credential(make) {
  try {
    const found = await make();
    const { response } = found;
    const parts = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
    const told = Object.fromEntries(parts.filter((part) => response[part]).map((part) => [part, text(response[part])]));
    return { id: found.id, rawId: text(found.rawId), type: found.type, response: told };
  } catch (error) {
    refuse(t(error?.name === "InvalidStateError" ? "passkey.known" : "passkey.cancelled"));
    return null;
  }
}

async function use(purpose, next) {
  refuse("");
  const asked = await call("POST", "/api/passkeys/asking", { purpose, next: next || "/" });
  if (!asked.ok) return refuse(asked.said);
  const { ceremony, options } = asked.body;
  const publicKey = { ...options, challenge: bytes(options.challenge), allowCredentials: listed(options.allowCredentials) };
  const found = await credential(() => navigator.credentials.get({ publicKey }));
  if (!found) return undefined;
  const answer = await call("POST", "/api/passkeys/answer", { ceremony, credential: found });
  return answer.ok ? location.assign(answer.body.next) : refuse(answer.said);
}

/** Make a passkey: ask ``asking`` for the challenge, keep it at ``keeping``; its answer, nothing when it was refused. */
async function make(name, asking, keeping, body) {
  refuse("");
  const asked = await call("POST", asking, body);
  if (!asked.ok) return refuse(asked.said);
  const { ceremony, options } = asked.body;
  const publicKey = {
    ...options,
    challenge: bytes(options.challenge),
    user: { ...options.user, id: bytes(options.user.id) },
    excludeCredentials: listed(options.excludeCredentials),
  };
  const found = await credential(() => navigator.credentials.create({ publicKey }));
  if (!found) return undefined;
  const kept = await call("POST", keeping, { ceremony, name, credential: found });
  return kept.ok ? kept.body : refuse(kept.said);
}

function tell(codes) {
  for (const code of codes) $("#new-codes-list").append(el("li", {}, el("code", {}, code)));
  show("#new-codes", true);
  $("#new-codes").scrollIntoView();
}

async function add(name) {
  const made = await make(name, "/api/passkeys/making", "/api/passkeys");
  if (made?.recovery_codes.length) tell(made.recovery_codes);
  else if (made) location.reload();
}

async function enrol(name) {
  const made = await make(name, "/api/passkeys/asking", "/api/passkeys/enrolment", { purpose: "enrol" });
  if (!made) return;
  show("#enrol-totp", false);
  show("#enrol-passkey", false);
  $("#onward").href = made.next;
  tell(made.recovery_codes);
}

const box = $("#passkey");
if (box && window.PublicKeyCredential) {
  show("#passkey", true);
  $("#use-passkey").addEventListener("click", () => use(box.dataset.purpose, box.dataset.next));
}
const first = $("#enrol-passkey");
if (first) {
  show(first, Boolean(window.PublicKeyCredential));
  first.addEventListener("submit", (event) => {
    event.preventDefault();
    enrol($("#passkey-name").value.trim());
  });
}
const form = $("#add-passkey");
if (form) {
  show(form, Boolean(window.PublicKeyCredential));
  show("#no-passkeys", !window.PublicKeyCredential);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    add($("#passkey-name").value.trim());
  });
}
