// A draw of experts: an officer's secret is made here and stays here until it is revealed; the page follows the log.

import { sha256 } from "./seal.js";

const VERSION = "yangcai expert draw v1";
const FOLLOW_MS = 2000;
const page = document.getElementById("draw");
const { draw, hand, entries } = page.dataset;
const kept = `yangcai-draw-${draw}-${hand}`;
const hex = (bytes) => Array.from(bytes, (one) => one.toString(16).padStart(2, "0")).join("");

async function commit(form) {
  const secret = localStorage.getItem(kept) || hex(crypto.getRandomValues(new Uint8Array(32)));
  localStorage.setItem(kept, secret);
  const said = [VERSION, "commitment", draw, hand, secret].join("\n");
  form.querySelector("#commitment").value = hex(await sha256(new TextEncoder().encode(said)));
  form.querySelector("#made").value = secret;
  form.querySelector("button").disabled = false;
}

async function follow() {
  const answer = await fetch(`/draws/${draw}/record.json`, { cache: "no-store" }).catch(() => null);
  if (answer?.ok && (await answer.json()).entries.length !== Number(entries)) return location.reload();
  setTimeout(follow, FOLLOW_MS);
}

const form = document.getElementById("commit");
const secret = document.getElementById("secret");
if (form) await commit(form);
if (secret) secret.value = localStorage.getItem(kept) || "";
if (!("ended" in page.dataset)) setTimeout(follow, FOLLOW_MS);
