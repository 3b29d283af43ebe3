// The list stays true: time runs by the server's clock, and the rows are fetched again while someone looks.

import { all, t } from "./page.js";

const EVERY_MS = 10_000;
const table = () => document.getElementById("cases");
let ahead = table() ? Number(table().dataset.now) - Date.now() : 0;

const two = (number) => String(number).padStart(2, "0");

/** `04:37`, `1:04:37`, or days when it is far. */
function span(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds >= 172_800) return t("ticking.days", { n: Math.floor(seconds / 86_400) });
  const clock = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return seconds >= 3600 ? `${Math.floor(seconds / 3600)}:${clock}` : clock;
}

function tick() {
  const now = Date.now() + ahead;
  for (const node of all("[data-closes]")) {
    const left = Number(node.dataset.closes) - now;
    node.textContent = left > 0 ? t("ticking.left", { time: span(left) }) : t("ticking.closing");
  }
  for (const node of all("[data-opens]")) {
    const left = Number(node.dataset.opens) - now;
    if (left > 0 && left < 3_600_000) node.textContent = t("ticking.opens", { time: span(left) });
  }
}

async function renew() {
  if (document.hidden || !table() || table().contains(document.activeElement)) return;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, credentials: "same-origin" });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("cases");
    if (!fresh || !table()) return;
    ahead = Number(fresh.dataset.now) - Date.now();
    table().tBodies[0].replaceWith(fresh.tBodies[0]);
    tick();
  } catch { /* offline: what stands is what was known last */ }
}

if (table()) {
  tick();
  setInterval(tick, 1000);
  setInterval(renew, EVERY_MS);
  document.addEventListener("visibilitychange", renew);
}
