// The supplier's sealed quote: the price is typed, confirmed in figures and words, sealed here, and only then sent.

import { $, all, call, closeDialog, facts, openDialog, say, show, t, toast, when } from "./page.js";
import { parsePrice, price, upper } from "./money.js";
import { able, quoteDigest, sealQuote } from "./seal.js";
import { save } from "./keyring.js";

const booth = facts.booth;
const context = { lot: booth.lot, alias: booth.alias, deadline: booth.deadline_at, roster: booth.roster_sha256 };
const seats = booth.seats.map((seat) => ({ office: seat.office, fingerprint: seat.fingerprint, key: seat.public_key }));
const began = performance.now();
const now = () => facts.now + performance.now() - began;
let receipt = null;
let sending = false;

function spell(left) {
  const s = Math.max(0, Math.ceil(left / 1000)), d = Math.floor(s / 86400);
  const clock = [Math.floor(s / 3600) % 24, Math.floor(s / 60) % 60, s % 60].map((part) => String(part).padStart(2, "0")).join(":");
  return (d ? `${t("live.days", { n: d })} ` : "") + clock;
}

function tick() {
  const left = booth.deadline_at - now();
  say("#left", spell(left));
  if (left <= 0) {
    show("#entry", false);
    closeDialog($("#confirm"));
    clearInterval(timer);
  }
}
const timer = setInterval(tick, 500);

/** What stands in the entry: `{value}` in fen, or the key of a sentence. */
function entered() {
  const read = parsePrice($("#price").value);
  if (read.error) return { error: `room.entry.${read.error}` };
  return read.value > booth.ceiling ? { error: "sealed.over_ceiling" } : read;
}

function changed() {
  const read = entered(), empty = $("#price").value.trim() === "";
  say("#words", read.value ? upper(read.value) : "\u00a0");
  say("#said", !empty && read.error ? t(read.error, { ceiling: price(booth.ceiling) }) : "");
  show("#said", !empty && Boolean(read.error));
  $("#seal").disabled = !read.value || sending;
}

function received(body, sealed, value) {
  receipt = { ...body, ...context, title: facts.title, number: facts.number, price_fen: value, salt: sealed.salt, commitment: sealed.quote.commitment };
  say("#last-time", when(body.received_at));
  say("#last-digest", body.digest);
  show("#last", true);
  show("#receipt", true);
  say("#entry-title", t("sealed.replace"));
}

async function send(value) {
  sending = true;
  changed();
  say("#seal", t("sealed.sealing"));
  let sealed;
  try {
    sealed = await sealQuote(context, seats, value);
  } catch {
    toast(t("sealed.roster_wrong"), "bad");
    return;
  } finally {
    sending = false;
    say("#seal", t("sealed.seal"));
  }
  // The same bytes again get the first receipt: an answer that was lost is asked for once more.
  let answer = await call("POST", `/api/lots/${booth.lot}/quote`, sealed.quote);
  if (answer.status === 0) answer = await call("POST", `/api/lots/${booth.lot}/quote`, sealed.quote);
  if (!answer.ok) return toast(answer.said, "bad");
  if (answer.body.digest !== (await quoteDigest(sealed.quote))) return toast(t("sealed.digest_wrong"), "bad");
  received(answer.body, sealed, value);
  $("#price").value = "";
  toast(t("sealed.taken"), "good");
}

const form = $("#entry");
if (form) {
  $("#price").addEventListener("input", changed);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const { value } = entered();
    if (!value || sending) return;
    say("#confirm-price", price(value));
    say("#confirm-words", upper(value));
    openDialog($("#confirm"));
  });
  $("#yes").addEventListener("click", async () => {
    const { value } = entered();
    closeDialog($("#confirm"));
    if (value) await send(value);
    changed();
  });
  $("#no").addEventListener("click", () => closeDialog($("#confirm")));
}
$("#receipt").addEventListener("click", (event) => {
  event.preventDefault();
  if (receipt) save(`receipt-${facts.number}-${receipt.digest.slice(0, 8)}.json`, receipt);
});
if (!able()) {
  show("#unable", true);
  for (const control of all("#entry input, #entry button")) control.disabled = true;
}
tick();
