// The opening, live: each quote appears as it opens, then the ranking. A member's browser opens his office's envelopes.

import { $, all, call, el, facts, say, show, t, when } from "./page.js";
import { price } from "./money.js";
import { able, base64, openShare, unwrapKeys } from "./seal.js";
import { chosen, keep, kept } from "./keyring.js";

const EARLY_MS = 60000;
const base = `/api/lots/${facts.lot}`;
const began = performance.now();
const now = () => facts.now + performance.now() - began;
let progress = null;
let opening = false;
let drawn = "";

function spell(left) {
  const s = Math.max(0, Math.ceil(left / 1000)), d = Math.floor(s / 86400);
  const clock = [Math.floor(s / 3600) % 24, Math.floor(s / 60) % 60, s % 60].map((part) => String(part).padStart(2, "0")).join(":");
  return (d ? `${t("live.days", { n: d })} ` : "") + clock;
}

function row(quote) {
  const said = quote.open ? (quote.price ? price(quote.price) : t("sealed.unreadable")) : t("sealed.still_sealed");
  const offices = quote.offices.map((office) => t(`office.${office}`)).join(" · ") || "—";
  return el("tr", { "data-alias": quote.alias, "data-open": String(quote.open), class: quote.open ? "fresh" : "" },
    el("td", { "data-k": t("sealed.rank") }, quote.rank ? String(quote.rank) : "—"),
    el("td.title", {}, t("sealed.supplier_n", { alias: quote.alias })),
    el("td.num", { "data-k": t("sealed.received_at") }, when(quote.received_at)),
    el("td", { "data-k": t("sealed.opened_by") }, offices),
    el("td.n.num", { "data-k": t("sealed.price_th") }, el("b", {}, said)));
}

function draw() {
  const stage = progress ? progress.stage : facts.stage;
  const open = stage === "opening", early = !progress || stage === "signup" || stage === "on_hold";
  say("#stage", t(`live.stage.${stage}`));
  say("#left-word", t(open ? "sealed.left_to_open" : "sealed.left"));
  say("#left", spell((open ? progress.until : facts.deadline) - now()));
  show("#left-box", early || open);
  show("#wait", early);
  show("#open", open && Boolean(facts.office) && progress.quotes.some((quote) => !quote.offices.includes(facts.office)));
  show("#no-key", early && Boolean(facts.office) && !kept(facts.fingerprint));
  show("#failed", stage === "failed" && progress && progress.quotes.length > 0);
  show("#done", !early && !open && stage !== "failed" && stage !== "cancelled");
  show("#quotes", Boolean(progress && progress.quotes.length));
  show("#offices", open);
  if (!progress) return;
  for (const tag of all("[data-office]")) {
    const count = progress.quotes.filter((quote) => quote.offices.includes(tag.dataset.office)).length;
    say($("[data-count]", tag), `${count}/${progress.quotes.length}`);
    tag.classList.toggle("good", count === progress.quotes.length);
  }
  const text = JSON.stringify(progress.quotes);
  if (text === drawn) return;
  drawn = text;
  const ranked = [...progress.quotes].sort((one, other) => (one.rank || 1e9) - (other.rank || 1e9));
  $("#rows").replaceChildren(...ranked.map(row));
}

async function look() {
  if (progress || now() >= facts.deadline || facts.stage !== "signup") {
    const answer = await call("GET", `${base}/opening`);
    if (answer.ok) progress = answer.body;
  }
  draw();
  const settled = progress && !["opening", "signup", "on_hold"].includes(progress.stage);
  setTimeout(look, settled ? 10000 : progress || facts.deadline - now() < 5000 ? 1000 : 2000);
}

function wrong(key) {
  say("#open-error", key ? t(key) : "");
  show("#open-error", Boolean(key));
}

/** Open every envelope of this office and give the shares, one by one. */
async function give(keys) {
  const answer = await call("GET", `${base}/envelopes`);
  if (!answer.ok) {
    say("#open-error", answer.said);
    return show("#open-error", true);
  }
  const { office, lot, quotes } = answer.body;
  let lacking = 0;
  for (const quote of quotes.filter((one) => !one.given)) {
    // By this machine's own clock, too: whoever turns the server's back gains nothing.
    if (Date.now() < quote.deadline_at - EARLY_MS) return wrong("sealed.clock_early");
    const context = { lot, alias: quote.alias, deadline: quote.deadline_at, roster: quote.roster_sha256 };
    const share = await openShare(context, office, keys, quote.envelope, quote.share_sha256);
    if (!share) { lacking += 1; continue; }
    const given = await call("POST", `${base}/shares`, { quote: quote.id, share: base64(share) });
    if (!given.ok) {
      say("#open-error", given.said);
      return show("#open-error", true);
    }
    const seen = await call("GET", `${base}/opening`);
    if (seen.ok) progress = seen.body;
    draw();
  }
  return wrong(lacking ? "sealed.some_wrong" : "");
}

const form = $("#open");
if (form) {
  show("#file-field", !kept(facts.fingerprint));
  $("#file").addEventListener("change", (event) => {
    $("#file-name").textContent = event.target.files[0]?.name ?? "";
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (opening) return;
    const picked = $("#file").files.length ? await chosen($("#file")) : null;
    const file = kept(facts.fingerprint) || picked;
    if (!file || file.fingerprint !== facts.fingerprint) return wrong("sealed.key_file_wrong");
    opening = $("#open-it").disabled = true;
    try {
      const keys = await unwrapKeys(file, $("#passphrase").value);
      if (!keys) return wrong("sealed.passphrase_wrong");
      keep(file);
      $("#passphrase").value = "";
      await give(keys);
    } finally {
      opening = $("#open-it").disabled = false;
    }
  });
}
if (!able()) show("#unable", true);
look();
setInterval(draw, 500);
