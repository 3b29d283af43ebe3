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

async function add(name) {
  refuse("");
  const asked = await call("POST", "/api/passkeys/making");
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
  const kept = await call("POST", "/api/passkeys", { ceremony, name, credential: found });
  if (!kept.ok) return refuse(kept.said);
  const codes = kept.body.recovery_codes;
  if (!codes.length) return location.reload();
  for (const code of codes) $("#new-codes-list").append(el("li", {}, el("code", {}, code)));
  show("#new-codes", true);
  return $("#new-codes").scrollIntoView();
}

const box = $("#passkey");
if (box && window.PublicKeyCredential) {
  show("#passkey", true);
  $("#use-passkey").addEventListener("click", () => use(box.dataset.purpose, box.dataset.next));
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
