// The supplier's bidding room 竞价室.

import { Alarm } from "./alarm.js";
import { Bids } from "./bids.js";
import { bandsOf, Chart, reach } from "./chart.js";
import { ClockCard, light, reading } from "./clock.js";
import { Entry, inWords } from "./entry.js";
import { parsePrice, percent, plain, price, wan } from "./money.js";
import { $, announce, call, closeDialog, el, facts, lang, openDialog, say, show, t, timeOfDay, toast } from "./page.js";
import { Live } from "./socket.js";

const OVER = new Set(["closing", "conformity_review", "abnormal_review", "award_pending", "buyer_confirm", "published", "contracted", "failed", "rehearsed"]);
const lot = facts.lot;
const unit = facts.unit;
const live = new Live([lot]);
const bids = new Bids(live, lot, facts.person);
const alarm = new Alarm($("#sound"));
const entry = new Entry($("#entry"), facts);
const chart = new Chart($("#chart"), unit);
const refused = [];
let receipt = null;
let toConfirm = null;

light(live);
new ClockCard($("#clock"), live, lot, { overtime_ms: facts.overtime_ms });

// ── what the server says ──

live.addEventListener("view", ({ detail }) => {
  draw(detail.view, detail.before, detail.whole);
});
live.addEventListener("fault", ({ detail }) => toast(detail[lang], "bad"));
live.addEventListener("state", () => { drawButton(); show("#offline", live.state === "offline"); });

function draw(view, before, whole) {
  drawStanding(view, before);
  drawStage(view);
  drawTurn(view, before);
  drawMarks(view, before, whole);
  drawHistory(view);
  drawReceipt(view);
  entry.allow(view.price_max, view.price);
  drawButton();
  drawChart(view);
  if (before && !whole) notice(view, before);
  alarm.keepAwake(view.stage === "running");
}

function standing(view) {
  if (view.barred) return { key: "barred" };
  if (!view.price) return { key: "none" };
  if (view.rank) return { key: "rank", n: view.rank, lead: view.rank === 1 };
  if (view.leading !== undefined) return { key: view.leading ? "leading" : "behind", lead: view.leading };
  if (view.lead !== undefined) return { key: view.effective <= view.lead ? "at_lead" : "behind_lead", lead: view.effective <= view.lead };
  return { key: "hidden" };
}

function drawStanding(view, before) {
  const now = standing(view);
  const box = $("#rank");
  const key = `${now.key}:${now.n ?? ""}`;
  if (box.dataset.key !== key) {
    box.dataset.key = key;
    box.dataset.lead = String(Boolean(now.lead));
    const [head, tail] = t("room.rank_of").split("{n}");
    const big = now.key === "rank" ? [el("small", {}, head), String(now.n), el("small", {}, tail)] : [t(`room.standing.${now.key}`)];
    const figure = $("#rank-figure");
    figure.className = now.key === "rank" ? "" : "rank-word";
    figure.replaceChildren(...big);
    if (before) figure.classList.add("flash");
    say("#rank-mark", ["none", "hidden", "barred"].includes(now.key) ? "" : now.lead ? `▲ ${t("room.you_lead")}` : `▽ ${t("room.you_trail")}`);
    if (now.key === "rank" && before) announce(t("room.say_rank", { n: now.n }));
  }
  money("#own-price", view.price, view.barred ? "—" : t("room.no_bid"));
  money("#own-effective", view.effective, "—");
  say("#effective-word", view.deduction_bp ? t("room.effective_less", { rate: `${(view.deduction_bp / 100).toString()}%` }) : t("room.effective"));
  show("#lead-cell", view.lead !== undefined);
  money("#lead-price", view.lead, "—");
  if (view.lead !== undefined && view.effective && view.effective > view.lead) say("#lead-gap", t("room.lead_gap", { price: price(view.effective - view.lead, unit) }));
  else say("#lead-gap", "");
}

function money(selector, value, otherwise) {
  const node = $(selector);
  say(node, value ? price(value, unit) : otherwise, true);
  if (value && unit === "fen" && value >= 1_000_000) node.title = wan(value);
}

/** What the state of the lot means for this bidder: the key of its words, its colour, the reason given, the next step. */
function situation(view) {
  const stopped = lastMark(view, "paused")?.note ?? {};
  const voided = ownBids(view).filter((bid) => bid.voided).pop();
  switch (view.stage) {
    case "signup": return { key: "signup" };
    case "paused": return { key: "paused", kind: "warn", note: reasonOf(stopped) };
    case "on_hold": return { key: stopped.by ? `on_hold_${stopped.by}` : "on_hold", kind: "warn", note: reasonOf(stopped), next: "case" };
    case "cancelled": return { key: "cancelled", kind: "bad", note: reasonOf(lastMark(view, "cancelled")?.note), next: "case" };
    case "failed": return { key: "failed", kind: "warn", next: "result" };
    case "closing": return { key: "closing" };
    case "conformity_review": case "abnormal_review": return { key: "review", next: "case" };
    case "award_pending": return { key: "award", kind: "good", next: "case" };
    case "buyer_confirm": case "published": case "contracted": case "rehearsed": return { key: "closed", kind: "good", next: "result" };
    default:
  }
  if (view.barred) return { key: `barred_${view.barred}`, kind: "bad", next: "case" };
  if (voided && !ownBids(view).some((bid) => bid.n > voided.n)) return { key: "voided", kind: "warn", note: reasonOf(lastMark(view, "voided")?.note), price: price(voided.price, unit), at: timeOfDay(voided.at) };
  return { key: "" };
}

function drawStage(view) {
  const { key, kind = "", note = "", next = "", ...params } = situation(view);
  const box = $("#stage-note");
  show(box, key !== "");
  box.className = `notice ${kind}`;
  box.dataset.key = key;
  if (key) {
    say("#stage-title", t(`room.state.${key}`));
    say("#stage-text", [t(`room.stage.${key}`, params), note && t("room.reason", { text: note })].filter(Boolean).join(" "));
  }
  show("#case-link", next === "case");
  show("#result-link", next === "result");
  document.body.dataset.stage = view.stage;
  const done = OVER.has(view.stage) || ["cancelled", "on_hold"].includes(view.stage);
  show("#entry", !done && !view.barred);
  $(".room-grid").classList.toggle("no-entry", done || Boolean(view.barred));
}

const reasonOf = (note) => (typeof note === "string" ? note : note?.text ?? note?.reason ?? "");

function lastMark(view, kind) {
  return Object.values(view.marks ?? {}).filter((mark) => mark.kind === kind).pop();
}

function drawTurn(view, before) {
  const turn = view.turn;
  show("#turn", Boolean(turn) && view.stage === "running");
  if (!turn) return;
  const box = $("#turn");
  box.dataset.mine = String(turn.mine);
  say("#turn-round", turn.round ? t("room.round_of", { n: turn.round, all: turn.rounds }) : t("room.round_before"));
  say("#turn-word", turn.mine ? t("room.turn_mine") : t("room.turn_other"));
  if (turn.mine && before && !before.turn?.mine) alarm.turn(t("room.turn_mine"));
}

setInterval(() => {
  const turn = live.view(lot)?.turn;
  if (!turn) return;
  const left = Math.max(0, Math.ceil((turn.ends_at - live.now()) / 1000));
  say("#turn-left", `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`);
}, 250);

// ── told to all ──

function drawMarks(view, before) {
  const marks = Object.entries(view.marks ?? {});
  const last = marks.filter(([, mark]) => mark.kind === "broadcast").pop();
  const key = last ? last[0] : "";
  const box = $("#broadcast");
  if (last && box.dataset.key !== key) {
    box.dataset.key = key;
    say("#broadcast-text", words(last[1]));
    say("#broadcast-time", timeOfDay(last[1].at));
    show(box, true);
    if (before) announce(t("room.say_broadcast", { text: words(last[1]) }));
  }
  const list = $("#marks");
  if (list.dataset.n === String(marks.length)) return;
  list.dataset.n = String(marks.length);
  list.replaceChildren(...marks.reverse().map(([, mark]) => el("li", {}, el("time.num", {}, timeOfDay(mark.at)), el("span", {}, markWords(mark)))));
}

const words = (mark) => reasonOf(mark.note);

function markWords(mark) {
  const params = { at: mark.closes_at ? timeOfDay(mark.closes_at) : "", n: mark.round ?? "", text: words(mark), s: Math.round((mark.ms ?? 0) / 1000) };
  return t(`live.mark.${mark.kind}`, params) + (mark.kind !== "broadcast" && params.text ? ` ${t("room.reason", { text: params.text })}` : "");
}

$("#broadcast-close").addEventListener("click", () => show("#broadcast", false));

function notice(view, before) {
  if ((view.extensions ?? 0) > (before.extensions ?? 0)) toast(t("room.extended_toast", { at: timeOfDay(view.closes_at) }));
  if (view.stage !== before.stage && view.stage === "running" && before.stage === "paused") toast(t("room.resumed_toast"), "good");
  const outages = (each) => Object.values(each.marks ?? {}).filter((mark) => mark.kind === "outage").length;
  if (outages(view) > outages(before)) toast(markWords(lastMark(view, "outage")));
  const voids = (each) => ownBids(each).filter((bid) => bid.voided).length;
  if (voids(view) > voids(before)) alarm.turn(t("room.state.voided"));
  const was = standing(before);
  const now = standing(view);
  if (view.price === before.price && view.stage === "running" && was.key !== "none" && now.key !== "barred" && ((was.lead && !now.lead) || (was.n && now.n > was.n))) {
    alarm.overtaken(now.n ? t("room.overtaken_rank", { n: now.n }) : t("room.overtaken"));
  }
}

// ── own history ──

function ownBids(view) { return Object.entries(view?.own ?? {}).map(([n, bid]) => ({ n: Number(n), ...bid })); }

function drawHistory(view) {
  const rows = [...ownBids(view).map((bid) => ({ ...bid, taken: true })), ...refused].sort((one, other) => other.at - one.at).slice(0, 60);
  const key = rows.map((row) => `${row.n ?? row.id}${row.voided ? "v" : ""}`).join();
  const body = $("#history");
  say("#own-count", t("room.count", { n: ownBids(view).length }));
  show("#history-empty", rows.length === 0);
  if (body.dataset.key === key) return;
  body.dataset.key = key;
  body.replaceChildren(...rows.map((row) => el("tr", { "data-taken": String(Boolean(row.taken)) },
    el("td.num", {}, row.taken ? String(row.n) : "–"),
    el("td.num", {}, timeOfDay(row.at, true)),
    el("td", {}, row.taken
      ? el(`span.tag.${row.voided ? "bad" : "good"}`, {}, t(row.voided ? "room.voided" : "room.taken"))
      : el("span.tag", { title: row.text }, t("room.refused", { why: row.why }))),
    el("td.n.num", {}, el(row.voided ? "s" : "span", {}, price(row.price, unit))))));
}

function drawReceipt(view) {
  const own = ownBids(view).filter((bid) => !bid.voided);
  const last = own[own.length - 1];
  if (last && (!receipt || last.at >= receipt.at)) receipt = { ...receipt, ...last, id: receipt?.at === last.at ? receipt.id : "" };
  show("#receipt", Boolean(receipt));
  if (!receipt) return;
  say("#receipt-text", t("room.receipt", { n: receipt.n ?? own.length + 1, at: timeOfDay(receipt.at, true) }));
}

$("#receipt-save").addEventListener("click", (event) => {
  event.preventDefault();
  const lines = t("room.receipt_file", {
    title: facts.title, number: facts.number, alias: facts.alias, n: receipt.n ?? "", price: price(receipt.price, unit),
    words: inWords(receipt.price, unit), at: `${new Date(receipt.at).toISOString()} (${timeOfDay(receipt.at, true)} +08:00)`, id: receipt.id || "—", lot,
  });
  const link = el("a", { href: URL.createObjectURL(new Blob([lines], { type: "text/plain;charset=utf-8" })), download: `${facts.number}-${receipt.n ?? receipt.at}.txt` });
  document.body.append(link);
  link.click();
  link.remove();
});

// ── bidding ──

entry.addEventListener("change", drawButton);
bids.addEventListener("changed", drawButton);
bids.addEventListener("unknown", () => say("#go-note", t("room.unknown")));

/** Why the button cannot be pressed now, or nothing. */
function obstacle(view) {
  if (!view) return "connecting";
  if (bids.pending) return bids.isMine() ? "sending" : "other_tab";
  if (live.state === "offline" || live.state === "connecting") return "offline";
  const read = reading(view, live.now());
  if (view.stage === "paused") return "paused";
  if (view.stage !== "running" || read.word === "to_open") return "not_open";
  if (read.word === "closing") return "over";
  if (view.turn && !view.turn.mine) return view.turn.round ? "not_turn" : "round_break";
  if (view.price_max === 0) return "no_room";
  return "";
}

function drawButton() {
  const view = live.view(lot);
  const why = obstacle(view);
  const read = entry.current ?? {};
  const button = $("#go");
  const ready = !why && Boolean(read.value);
  const busy = why === "sending";
  const amount = busy ? bids.pending.price : read.value;
  button.setAttribute("aria-disabled", String(!ready));
  button.setAttribute("aria-busy", String(busy));
  button.dataset.value = ready ? String(read.value) : "";
  const first = busy ? t("room.sending", { price: price(amount, unit) }) : why && why !== "no_room" ? t(`room.cannot.${why}`) : read.value ? t("room.confirm", { price: price(read.value, unit) }) : t("room.enter_first");
  const second = amount && (ready || busy) ? `${inWords(amount, unit)} · ${t("room.final")}` : read.value && why ? price(read.value, unit) : t("room.enter_hint");
  say("#go-amount", first);
  say("#go-words", second);
  if (!busy) say("#go-note", "");
  if (why === "other_tab") say("#go-note", t("room.other_tab", { price: price(bids.pending.price, unit) }));
  entry.disable(["sending", "other_tab", "not_turn", "round_break"].includes(why) || why === "over");
}
setInterval(drawButton, 500);

$("#go").addEventListener("keydown", (event) => event.repeat && event.preventDefault());
$("#go").addEventListener("click", () => {
  const button = $("#go");
  const read = entry.read();
  // What is offered is what the button named when it was pressed.
  if (button.getAttribute("aria-disabled") === "true") { entry.changed(true); entry.inputs()[0].focus(); return; }
  if (String(read.value) !== button.dataset.value) { drawButton(); return; }
  if (!bids.offer(read.value, { unitPrices: read.unitPrices ?? [] })) drawButton();
});

bids.addEventListener("answered", ({ detail: { answer, bid, taken } }) => {
  if (taken) {
    receipt = { at: answer.at, price: answer.price, id: answer.id };
    const known = ownBids(live.view(lot)).find((own) => own.at === answer.at);
    if (known) receipt.n = known.n;
    entry.lines.forEach((line) => { line.last = bid.unitPrices.find((each) => each.line === line.no)?.price; });
    entry.clear();
    drawReceipt(live.view(lot));
    toast(t("room.taken_toast", { price: price(answer.price, unit) }), "good");
    announce(t("room.taken_toast", { price: price(answer.price, unit) }));
  } else if (answer.code === "NEEDS_CONFIRM") askToConfirm(bid, answer);
  else {
    remember(bid, answer);
    entry.refuse(answer[lang], answer.price_max && answer.price_max < bid.price ? answer.price_max : undefined);
    announce(answer[lang]);
  }
});

function remember(bid, answer) {
  const key = `room.why.${answer.code}`;
  const why = t(key);
  refused.unshift({ id: bid.id, at: live.now(), price: bid.price, text: answer[lang], why: why === key ? answer.code : why });
  refused.length = Math.min(refused.length, 20);
  drawHistory(live.view(lot));
}

function askToConfirm(bid, answer) {
  const before = live.view(lot)?.price;
  toConfirm = { bid, token: answer.token };
  say("#drop-before", price(before, unit));
  say("#drop-after", price(bid.price, unit));
  say("#drop-by", t("room.drop_by", { price: price(before - bid.price, unit), percent: percent(before - bid.price, before) }));
  say("#drop-words", inWords(bid.price, unit));
  say("#drop-yes", t("room.confirm", { price: price(bid.price, unit) }));
  openDialog($("#drop"));
}

$("#drop-yes").addEventListener("click", () => {
  closeDialog($("#drop"));
  if (!toConfirm) return;
  bids.offer(toConfirm.bid.price, { token: toConfirm.token, unitPrices: toConfirm.bid.unitPrices });
  toConfirm = null;
});
$("#drop-no").addEventListener("click", () => { toConfirm = null; closeDialog($("#drop")); entry.inputs()[0].focus(); });

// An answer that never came, from long ago: ask before sending it again.
bids.addEventListener("old", () => {
  say("#old-text", t("room.old_text", { price: price(bids.pending.price, unit), at: timeOfDay(bids.pending.at) }));
  openDialog($("#old"));
});
$("#old-again").addEventListener("click", () => { closeDialog($("#old")); bids.resolve(true); });
$("#old-forget").addEventListener("click", () => { closeDialog($("#old")); bids.resolve(false); });
for (const id of ["#drop", "#old"]) $(id).addEventListener("cancel", (event) => id === "#old" && event.preventDefault());

// Own drop: how much less than the last price; it only fills.
entry.addEventListener("drop", () => { $("#by-input").value = ""; say("#by-error", ""); openDialog($("#by")); });
function fillByDrop() {
  const read = parsePrice($("#by-input").value, unit);
  const base = live.view(lot)?.price ?? live.view(lot)?.price_max ?? facts.ceiling;
  if (read.error || !base || base - read.value <= 0) { say("#by-error", t(`room.entry.${read.error ?? "too_deep"}`)); return; }
  closeDialog($("#by"));
  entry.fill(base - read.value);
}
$("#by-fill").addEventListener("click", fillByDrop);
$("#by-input").addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); fillByDrop(); } });
$("#by-close").addEventListener("click", () => closeDialog($("#by")));

// ── a question to the host ──

$("#ask-open")?.addEventListener("click", () => { say("#ask-error", ""); openDialog($("#ask")); });
$("#ask-close")?.addEventListener("click", () => closeDialog($("#ask")));
$("#ask-send")?.addEventListener("click", async () => {
  const text = $("#ask-text").value.trim();
  if (!text) { say("#ask-error", t("room.ask_empty")); return; }
  $("#ask-send").setAttribute("aria-busy", "true");
  const answer = await call("POST", facts.api.questions, { text });
  $("#ask-send").removeAttribute("aria-busy");
  if (!answer.ok) { say("#ask-error", answer.said); return; }
  $("#ask-text").value = "";
  closeDialog($("#ask"));
  toast(t("room.asked"), "good");
  questions();
});

async function questions() {
  const list = $("#questions");
  if (!list || !facts.api.questions) return;
  const { ok, body } = await call("GET", facts.api.questions);
  const items = ok ? body?.questions ?? body ?? [] : [];
  if (!Array.isArray(items) || !items.length) return;
  show("#questions-card", true);
  list.replaceChildren(...items.map((item) => el("li", {}, el("time.num", {}, timeOfDay(item.asked_at)), el("span", {}, item.text, el("br"), el("span.muted", {}, item.answer || t("room.unanswered"))))));
}

// ── chart ──

function drawChart(view) {
  const own = ownBids(view).filter((bid) => !bid.voided);
  const now = live.now();
  show("#chart-empty", own.length === 0);
  $(".chart-box").dataset.empty = String(own.length === 0);
  if (!own.length) return;
  const marks = Object.values(view.marks ?? {});
  const from = view.opens_at;
  const over = view.stage === "running" || view.stage === "paused" ? now : view.closes_at;
  chart.draw({
    series: [{ name: t("room.own_line"), colour: "--a", dots: true, points: own }],
    ceiling: view.ceiling, bands: bandsOf(marks, view), marks, unit,
    from, until: Math.max(from + 1000, Math.min(over, view.closes_at)), end: reach(view, over),
    label: t("room.chart_label", { n: own.length, price: own.length ? price(own[own.length - 1].price, unit) : "—" }),
  });
}
setInterval(() => { const view = live.view(lot); if (view?.stage === "running" && document.visibilityState === "visible") drawChart(view); }, 2_000);

entry.allow(facts.ceiling ?? undefined, undefined);
drawButton();
if (facts.api.questions) (window.requestIdleCallback ?? setTimeout)(questions);
live.start();
document.documentElement.dataset.ready = "true";
export { live, bids, plain };
