// The purchaser's watch page 观察台: every offer by alias as far as the declared visibility goes, and what a host may do.

import { bandsOf, Chart, colourOf, dotOf, reach } from "./chart.js";
import { ClockCard, light, reading } from "./clock.js";
import { percent, price, wan } from "./money.js";
import { $, again, all, announce, call, closeDialog, el, facts, openDialog, say, show, t, timeOfDay, toast, when } from "./page.js";
import { Live } from "./socket.js";

const OVER = new Set(["conformity_review", "abnormal_review", "award_pending", "buyer_confirm", "published", "contracted", "failed", "rehearsed"]);
const LOG_SHOWN = 120;
const DAY_MS = 86_400_000;
const lot = facts.lot;
const unit = facts.unit;
const live = new Live([lot]);
const chart = new Chart($("#chart"), unit);
// The view shows the newest lines only; the page keeps what it has seen.
const lines = new Map();
const leads = [];
const places = new Map();
let names = new Map();

light(live);
new ClockCard($("#clock"), live, lot, { overtime_ms: facts.overtime_ms });
live.addEventListener("view", ({ detail: { view, before, whole } }) => {
  keep(view);
  drawStage(view, before);
  drawFigures(view);
  drawRows(view);
  drawAlerts(view);
  drawLog(view);
  drawChart(view);
  drawTurn(view);
  if (before && !whole && (view.extensions ?? 0) > (before.extensions ?? 0)) toast(t("watch.extended_toast", { at: timeOfDay(view.closes_at) }));
});
live.addEventListener("fault", ({ detail }) => toast(detail[document.documentElement.lang === "en" ? "en" : "zh"], "bad"));

const who = (alias) => t("watch.supplier", { alias });
const words = (mark) => (typeof mark.note === "string" ? mark.note : mark.note?.text ?? mark.note?.reason ?? "");

function keep(view) {
  for (const [n, line] of Object.entries(view.lines ?? {})) lines.set(Number(n), line);
  if (!view.lines) for (const [n, mark] of Object.entries(view.marks ?? {})) lines.set(Number(n), mark);
  for (const line of lines.values()) if (line.kind === "voided" && lines.has(line.target)) lines.get(line.target).voided = true;
  for (const alias of Object.keys(view.rows ?? {}).sort()) if (!places.has(alias)) places.set(alias, places.size);
  for (const line of lines.values()) if (line.who && !places.has(line.who)) places.set(line.who, places.size);
  names = new Map([...places].map(([alias, place]) => [alias, { colour: colourOf(place), dot: dotOf(place) }]));
  const lead = view.lead;
  if (lead && leads[leads.length - 1]?.price !== lead.effective) leads.push({ at: live.now(), price: lead.effective });
}

function drawStage(view, before) {
  const node = $("#stage");
  const overtime = reading(view, live.now(), facts.overtime_ms).overtime;
  say(node, t(`live.stage.${view.stage}`) + (view.stage === "running" && overtime ? ` · ${t("live.overtime")}` : ""));
  node.className = `tag watch-state ${view.stage === "running" ? (overtime ? "warn live" : "good live") : ["paused", "on_hold"].includes(view.stage) ? "warn" : view.stage === "cancelled" || view.stage === "failed" ? "bad" : ""}`;
  const key = OVER.has(view.stage) ? "ended" : view.stage === "closing" ? "closing" : view.stage === "cancelled" ? "cancelled" : view.stage === "on_hold" ? "on_hold" : view.stage === "signup" ? "before" : "";
  show("#stage-note", key !== "");
  $("#stage-note").className = `notice ${key === "on_hold" ? "warn" : key === "cancelled" ? "bad" : ""}`;
  if (key) say($("[data-text]", $("#stage-note")), t(`watch.${key}`));
  show("#result-link", OVER.has(view.stage));
  const holdable = ["signup", "running", "paused", "conformity_review", "abnormal_review", "award_pending", "buyer_confirm", "published"];
  const on = { suspend: holdable, hold: holdable, broadcast: ["running", "paused"], pause: ["running"], resume: ["paused"], cancel: ["running", "paused", "signup"] };
  for (const button of all("[data-act]")) if (on[button.dataset.act]) show(button, on[button.dataset.act].includes(view.stage));
  if (before && before.stage !== view.stage) announce(t(`live.stage.${view.stage}`));
}

function drawFigures(view) {
  const lead = view.lead;
  say("#lead", lead ? price(lead.effective, unit) : "—", true);
  if (lead && unit === "fen") $("#lead").title = wan(lead.effective);
  say("#lead-sub", lead ? t("watch.lead_sub", { price: price(lead.price, unit), who: who(lead.alias) }) : "\u00a0");
  const ceiling = view.ceiling;
  say("#below", lead && ceiling ? percent(ceiling - lead.price, ceiling) : "—", true);
  say("#below-sub", !ceiling ? t("watch.no_ceiling") : lead ? t("watch.below_sub", { gap: price(ceiling - lead.price, unit), ceiling: price(ceiling, unit) }) : t("live.ceiling_is", { price: price(ceiling, unit) }));
  const bids = [...lines.values()].filter((line) => line.kind === "bid" || line.kind === "prebid");
  const shown = view.rows !== undefined;
  say("#bids", shown ? t("watch.bids_n", { n: view.offers ?? 0 }) : t("watch.hidden"), shown);
  say("#bids-sub", shown ? t("watch.last_minute", { n: bids.filter((bid) => live.now() - bid.at < 60_000).length }) : "\u00a0");
  const minimum = $("#minimum");
  say(minimum, view.enough === undefined ? t("watch.hidden") : t(view.enough ? "watch.reached" : "watch.not_reached"));
  minimum.className = view.enough ? "good" : "";
}

function drawRows(view) {
  const rows = Object.entries(view.rows ?? {}).map(([alias, row]) => ({ alias, ...row })).sort((one, other) => one.rank - other.rank);
  show("#rows-empty", rows.length === 0 && view.rows !== undefined);
  show("#lead-only", view.rows === undefined && ["running", "paused"].includes(view.stage));
  show("#table", view.rows !== undefined && rows.length > 0);
  show("#here", view.online !== undefined && ["running", "paused"].includes(view.stage));
  say("#here", t("watch.here", { n: Object.keys(view.online ?? {}).length }));
  const body = $("#rows");
  const known = new Map(all("tr", body).map((row) => [row.dataset.alias, row]));
  const mayVoid = Boolean($("[data-act=cancel]")) && ["running", "paused"].includes(view.stage);
  const ordered = rows.map((row) => {
    const node = known.get(row.alias) ?? makeRow(row.alias);
    known.delete(row.alias);
    node.classList.toggle("lead", row.rank === 1);
    say(node.cells[0], String(row.rank));
    say(node.cells[2], price(row.price, unit), true);
    say(node.cells[3], price(row.effective, unit));
    say(node.cells[4], view.ceiling ? `−${percent(view.ceiling - row.price, view.ceiling)}` : "—");
    say(node.cells[5], timeOfDay(row.at, true));
    const here = $(".presence", node);
    const on = Boolean(view.online?.[row.alias]);
    here.dataset.on = String(on);
    say(here, t(on ? "watch.online" : "watch.away"));
    show($("[data-void]", node), mayVoid);
    return node;
  });
  for (const gone of known.values()) gone.remove();
  ordered.forEach((node, i) => { if (body.children[i] !== node) body.insertBefore(node, body.children[i] ?? null); });
}

function makeRow(alias) {
  const cell = () => el("td.num", {});
  const figure = () => el("td.num.n", {});
  const row = el("tr", { "data-alias": alias }, cell(),
    el("td", {}, el("span.nowrap", {}, el(`i.dot.${names.get(alias)?.dot ?? "a"}`), who(alias))),
    figure(), figure(), figure(), cell(), el("td", {}, el("span.presence", {})));
  for (const i of [4, 5]) row.cells[i].classList.add("wide-only");
  if (facts.host) row.append(el("td.right.nowrap", {}, el("button.btn.small.plain", { type: "button", "data-void": alias, onclick: () => askToVoid(alias) }, t("watch.void"))));
  return row;
}

function drawAlerts(view) {
  const rows = Object.entries(view.rows ?? {}).map(([alias, row]) => ({ alias, ...row })).sort((one, other) => one.rank - other.rank);
  const found = [];
  if (["running", "paused"].includes(view.stage) && view.rows) {
    if (rows.length > 1 && (rows[1].effective - rows[0].effective) * 5 > rows[1].effective) found.push(t("watch.alert_low", { who: who(rows[0].alias), percent: percent(rows[1].effective - rows[0].effective, rows[1].effective) }));
    if (rows.length < facts.suppliers_min) found.push(t("watch.alert_one", { n: rows.length, min: facts.suppliers_min }));
    const away = rows.filter((row) => !view.online?.[row.alias]).length;
    if (away) found.push(t("watch.alert_away", { n: away }));
  }
  const list = $("#alerts");
  const key = found.join("|");
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  show("#alerts-n", found.length > 0);
  say("#alerts-n", String(found.length));
  list.replaceChildren(...(found.length ? found.map((text) => el("li", {}, text)) : [el("li.muted", {}, t("watch.no_alerts"))]));
}

function lineWords(line) {
  const params = { at: line.closes_at ? timeOfDay(line.closes_at) : "", n: line.round ?? "", text: words(line), s: Math.round((line.ms ?? 0) / 1000), who: line.who ? who(line.who) : "", price: price(line.price, unit) };
  if (line.kind === "voided" && line.who) params.price = price(lines.get(line.target)?.price, unit);
  const text = t(`live.mark.${line.kind === "voided" && line.who ? "voided_bid" : line.kind}`, params);
  return line.kind !== "broadcast" && params.text ? `${text}（${params.text}）` : text;
}

function drawLog() {
  const list = $("#log");
  const shown = [...lines].sort(([one], [other]) => other - one).slice(0, LOG_SHOWN);
  const known = new Map(all("li", list).map((item) => [item.dataset.n, item]));
  shown.forEach(([n, line], i) => {
    let item = known.get(String(n));
    if (!item) {
      const strong = !["bid", "prebid"].includes(line.kind);
      item = el("li", { "data-n": n, "data-kind": line.kind }, el("time", {}, timeOfDay(line.at, true)), el(strong ? "b" : "span", {}, lineWords(line)));
    }
    known.delete(String(n));
    if (list.children[i] !== item) list.insertBefore(item, list.children[i] ?? null);
  });
  for (const gone of known.values()) gone.remove();
}

function drawTurn(view) {
  show("#turn", Boolean(view.turn) && view.stage === "running");
  if (view.turn) say("#turn-word", view.turn.who ? t("watch.turn_who", { n: view.turn.round, who: who(view.turn.who) }) : t("watch.turn_break"));
}

function drawChart(view) {
  const by = new Map();
  for (const [, line] of [...lines].sort(([one], [other]) => one - other)) {
    if ((line.kind !== "bid" && line.kind !== "prebid") || line.voided) continue;
    if (!by.has(line.who)) by.set(line.who, []);
    by.get(line.who).push({ at: Math.max(line.at, view.opens_at), price: line.price });
  }
  let series = [...places.keys()].filter((alias) => by.has(alias)).map((alias) => ({ name: who(alias), colour: names.get(alias).colour, points: by.get(alias) }));
  if (view.rows === undefined && leads.length) series = [{ name: t("watch.lead"), colour: "--a", points: leads }];
  show("#chart-empty", series.length === 0);
  const marks = Object.values(view.marks ?? {});
  const going = ["running", "paused"].includes(view.stage);
  chart.draw({
    series, ceiling: view.ceiling, bands: bandsOf(marks, view), marks,
    from: view.opens_at, until: Math.max(view.opens_at + 1000, going ? Math.min(live.now(), view.closes_at) : view.closes_at),
    end: reach(view, going ? live.now() : view.closes_at), label: t("watch.chart_label", { n: series.length }),
  });
}
setInterval(() => { const view = live.view(lot); if (view?.stage === "running" && document.visibilityState === "visible") { drawChart(view); drawFigures(view); } }, 2_000);

// ── what a host may do; what cannot be undone says what it does ──

let act = null;

function ask(given) {
  act = given;
  say("#act-title", given.title);
  say("#act-note", given.note);
  say("#act-label", given.label);
  say("#act-yes", given.yes);
  show("#act-which", Boolean(given.which));
  say($("[data-text]", $("#act-which")), given.which ?? "");
  show("#act-error", false);
  show("#act-text-field", Boolean(given.label));
  show("#act-days-field", Boolean(given.days));
  $("#act-text").value = "";
  $("#act-days").value = "";
  sayUntil();
  $("#act-yes").className = `btn primary${given.danger ? " danger" : ""}`;
  openDialog($("#act"));
  (given.days ? $("#act-days") : given.label ? $("#act-text") : $("#act-no")).focus();
}

/** The days typed, or null when they are not from 1 to what is allowed. */
function days() {
  const typed = $("#act-days").value.trim();
  return /^[0-9]{1,3}$/.test(typed) && Number(typed) >= 1 && Number(typed) <= act.days ? Number(typed) : null;
}

function sayUntil() {
  const n = act.days ? days() : null;
  say("#act-until", n ? t("watch.hold_until", { at: when(live.now() + n * DAY_MS) }) : t("watch.hold_days", { n: act.days ?? "" }));
}
$("#act-days").addEventListener("input", sayUntil);

$("#act-no").addEventListener("click", () => closeDialog($("#act")));
$("#act-yes").addEventListener("click", async () => {
  const text = $("#act-text").value.trim();
  if (act.days && !days()) { fail(t("watch.hold_days", { n: act.days })); $("#act-days").focus(); return; }
  if (act.label && !text) { fail(t(act.empty)); return; }
  $("#act-yes").setAttribute("aria-busy", "true");
  $("#act-yes").disabled = true;
  const answer = await call(act.method ?? "POST", act.path, act.body?.(text));
  $("#act-yes").removeAttribute("aria-busy");
  $("#act-yes").disabled = false;
  if (!answer.ok) { fail(answer.said); return; }
  closeDialog($("#act"));
  toast(act.done, "good");
  refresh();
});

function fail(text) { say("#act-error", text); show("#act-error", true); }

/** Motions, questions and holds are the server's: asked again when it says that they changed. */
async function refresh() {
  const found = await again();
  const desk = found?.getElementById("desk");
  if (desk) $("#desk").replaceWith(document.importNode(desk, true));
}
live.addEventListener("changed", ({ detail }) => { if (detail.lot === lot) refresh(); });

function hold(kind) {
  ask({
    title: t(`watch.${kind}`), note: t(`watch.${kind}_note`), label: t("watch.reason"), yes: t(`watch.${kind}_do`), empty: "watch.reason_empty",
    which: t("watch.hold_which", { stage: $("#stage").textContent }), danger: true, days: facts.days_max,
    path: facts.api[kind], body: (reason) => ({ reason, days: days() }), done: t(`watch.${kind}_done`),
  });
}

function release() {
  const by = $("#held").dataset.by === "supervisor" || !$("[data-act=hold]") ? "suspend" : "hold";
  ask({
    title: t("watch.release"), note: t("watch.release_note"), yes: t("watch.release"), danger: false,
    method: "DELETE", path: facts.api[by], done: t("watch.released"),
  });
}

function motion(kind, target = {}, which) {
  ask({
    title: kind === "void" ? t("watch.void_title") : t(`watch.${kind}`), note: t(kind === "cancel" ? "watch.cancel_note" : "watch.motion_note"),
    label: t("watch.reason"), yes: t("watch.propose"), empty: "watch.reason_empty", which, danger: kind === "cancel" || kind === "void",
    path: facts.api.motions, body: (reason) => ({ kind, reason, ...target }), done: t("watch.proposed"),
  });
}

function askToVoid(alias) {
  const found = [...lines].filter(([, line]) => (line.kind === "bid" || line.kind === "prebid") && line.who === alias && !line.voided).sort(([one], [other]) => other - one)[0];
  if (!found) return;
  const [n, line] = found;
  motion("void", { n }, t("watch.void_which", { who: who(alias), price: price(line.price, unit), at: timeOfDay(line.at, true) }));
}

for (const button of all("[data-act]")) {
  button.addEventListener("click", () => {
    if (["suspend", "hold"].includes(button.dataset.act)) { hold(button.dataset.act); return; }
    if (button.dataset.act !== "broadcast") { motion(button.dataset.act); return; }
    ask({
      title: t("watch.broadcast"), note: t("watch.broadcast_note"), label: t("watch.broadcast"), yes: t("watch.broadcast_send"), empty: "watch.text_empty",
      path: facts.api.broadcast, body: (text) => ({ text }), done: t("watch.broadcast_done"),
    });
  });
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("#desk button");
  if (button?.dataset.decide) decide(button.closest("[data-motion]").dataset.motion, button.dataset.decide === "true", button);
  else if (button?.dataset.answer !== undefined) answerTo(button.closest("[data-question]"));
  else if (button?.dataset.release !== undefined) release();
});

async function decide(id, agree, button) {
  button.disabled = true;
  const answer = await call("POST", `/api/motions/${id}`, { yes: agree });
  button.disabled = false;
  const failed = answer.ok && answer.body?.stage === "failed";
  toast(failed ? t("watch.motion_failed") : answer.ok ? t(agree ? "watch.seconded" : "watch.declined") : answer.said, answer.ok && !failed ? "good" : "bad");
  refresh();
}

function answerTo(box) {
  ask({
    title: t("watch.answer"), note: box.firstElementChild.innerText, label: t("watch.answer"), yes: t("watch.answer_send"), empty: "watch.text_empty",
    path: `${facts.api.questions}/${box.dataset.question}`, body: (text) => ({ text }), done: t("watch.answer_done"),
  });
}

live.start();
document.documentElement.dataset.ready = "true";
