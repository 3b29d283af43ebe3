// The opening key of a member of an office: made here, wrapped by a passphrase, backed up as a file; only the public
// half is sent.

import { $, call, facts, say, show, t, toast } from "./page.js";
import { able, makeKeys, wrapKeys } from "./seal.js";
import { chosen, keep, kept, save } from "./keyring.js";

let current = facts.current;
const fileName = (file) => `yangcai-opening-key-${facts.login}-${file.fingerprint.slice(0, 8)}.json`;

function tell() {
  say("#fingerprint", current || t("sealed.key_none"));
  const here = current && kept(current);
  say("#here", current ? t(here ? "sealed.key_here" : "sealed.key_elsewhere") : "");
  show("#save", here);
}

function wrong(id, key) {
  say(id, key ? t(key) : "");
  show(id, Boolean(key));
}

$("#make").addEventListener("submit", async (event) => {
  event.preventDefault();
  const [one, two] = [$("#one"), $("#two")];
  if (one.value.length < 12) return wrong("#make-error", "sealed.passphrase_short");
  if (one.value !== two.value) return wrong("#make-error", "sealed.passphrase_differs");
  wrong("#make-error", "");
  const button = $("#make-it");
  button.disabled = true;
  const pair = await makeKeys();
  const file = await wrapKeys(pair, one.value);
  pair.pkcs8.fill(0);
  const answer = await call("POST", "/api/sealing-key", { public_key: file.public });
  button.disabled = false;
  if (!answer.ok) return toast(answer.said, "bad");
  current = answer.body.fingerprint;
  keep(file);
  save(fileName(file), file);
  one.value = two.value = "";
  toast(t("sealed.key_made"), "good");
  tell();
});

$("#save").addEventListener("click", () => save(fileName(kept(current)), kept(current)));

$("#file").addEventListener("change", async (event) => {
  const file = await chosen(event.target);
  if (!file) return wrong("#bring-error", "sealed.key_file_wrong");
  wrong("#bring-error", "");
  keep(file);
  toast(t("sealed.key_brought"), "good");
  tell();
});

if (able()) tell();
else {
  show("#unable", true);
  show("#make", false);
}
