// The board 看板: all lots one may watch, each card live on one socket.

import { light, reading, remaining } from "./clock.js";
import { percent, price } from "./money.js";
import { $, again, all, facts, say, t } from "./page.js";
import { Live } from "./socket.js";

const KINDS = { running: "good live", paused: "warn", on_hold: "warn", failed: "bad", cancelled: "bad" };
const cards = new Map(all("[data-lot]").map((card) => [card.dataset.lot, card]));
const about = new Map((facts.lots ?? []).map((each) => [each.lot, each]));
const live = new Live([...cards.keys()]);

light(live);
live.addEventListener("view", ({ detail: { lot, view } }) => {
  const card = cards.get(lot);
  const { unit } = about.get(lot);
  const tag = $("[data-stage]", card);
  say(tag, t(`live.stage.${view.stage}`));
  tag.className = `tag ${KINDS[view.stage] ?? ""}`;
  const lead = view.lead;
  say($("[data-lead]", card), lead ? price(lead.effective, unit) : "—", true);
  say($("[data-below]", card), lead && view.ceiling ? percent(view.ceiling - lead.price, view.ceiling) : "—");
  const bids = view.offers ?? null;
  say($("[data-bids]", card), bids === null ? "—" : String(bids));
  drawClock(lot);
});

function drawClock(lot) {
  const card = cards.get(lot);
  const read = reading(live.view(lot), live.now(), about.get(lot).overtime_ms);
  $(".clock", card).dataset.state = read.state;
  say($("[data-clock-word]", card), t(`live.clock.${read.word}`));
  say($("[data-clock]", card), read.left === null ? "--:--" : read.state === "over" ? t(`live.${read.word}`) : remaining(read.left).replace(/\.\d$/, ""));
}

setInterval(() => { if (document.visibilityState === "visible") for (const lot of cards.keys()) drawClock(lot); }, 500);

/** The list is the server's: asked again when it says that lots came or went. Cards that stay keep their place. */
async function relist() {
  const found = await again();
  if (!found) return;
  for (const each of JSON.parse(found.getElementById("facts").textContent).lots) about.set(each.lot, each);
  const fresh = new Map(all("[data-lot]", found).map((card) => [card.dataset.lot, card]));
  if (!fresh.size || !$("#board")) {
    if (fresh.size !== cards.size) location.reload();
    return;
  }
  for (const [lot, card] of cards) if (!fresh.has(lot)) { card.remove(); cards.delete(lot); live.forget(lot); }
  for (const [lot, card] of fresh) {
    if (cards.has(lot)) continue;
    cards.set(lot, document.importNode(card, true));
    live.watch(lot);
  }
  $("#board").append(...[...fresh.keys()].map((lot) => cards.get(lot)));
  $("#counts").replaceWith(document.importNode(found.getElementById("counts"), true));
}

let soon = 0;
live.addEventListener("changed", ({ detail }) => {
  if (detail.lot) return;
  clearTimeout(soon);
  soon = setTimeout(relist, 300); // several lots often open at once
});
live.start();
document.documentElement.dataset.ready = "true";
