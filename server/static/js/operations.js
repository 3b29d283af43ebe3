// The operator's page 运行看板: asks every two seconds, shows rates between two answers, keeps ten minutes.

import { $, all, call, el, facts, say, t, timeOfDay } from "./page.js";
import { Trend } from "./trend.js";

const EVERY_MS = 2000;
const KEPT = 300;
const taken = [];

/** The sum of all samples of `name`, labels aside; null when there is none. */
function sum(samples, name) {
  const found = Object.keys(samples).filter((key) => key === name || key.startsWith(`${name}{`));
  return found.length ? found.reduce((total, key) => total + samples[key], 0) : null;
}

/** Per second, between two answers; a counter that fell was started anew. */
function rate(before, now, name) {
  const [from, to] = [sum(before.samples, name) ?? 0, sum(now.samples, name) ?? 0];
  return Math.max(0, to - from) / ((now.at - before.at) / 1000);
}

/** The `share` quantile of a histogram between two answers, by its buckets; null when nothing was counted. */
function quantile(before, now, name, share) {
  const prefix = `${name}_bucket{le="`;
  const edges = Object.keys(now.samples).filter((key) => key.startsWith(prefix))
    .map((key) => ({ key, edge: key.includes("+Inf") ? Infinity : Number(key.slice(prefix.length, -2)) }))
    .sort((one, other) => one.edge - other.edge);
  const counts = edges.map(({ key }) => now.samples[key] - (before.samples[key] ?? 0));
  const wanted = (counts.at(-1) ?? 0) * share;
  if (!wanted) return null;
  const i = counts.findIndex((count) => count >= wanted);
  const low = i ? edges[i - 1].edge : 0;
  if (edges[i].edge === Infinity) return low;
  const below = i ? counts[i - 1] : 0;
  return low + (edges[i].edge - low) * ((wanted - below) / (counts[i] - below));
}

const ms = (seconds) => (seconds === null ? null : seconds * 1000);
const TRENDS = {
  bids: { taken: (a, b) => outcome(a, b, "taken"), refused: (a, b) => rate(a, b, "yangcai_bids_total") - outcome(a, b, "taken") },
  answer: { p50: (a, b) => ms(quantile(a, b, "yangcai_bid_seconds", 0.5)), p99: (a, b) => ms(quantile(a, b, "yangcai_bid_seconds", 0.99)) },
  frames: { frames: (a, b) => rate(a, b, "yangcai_frames_total") },
  sockets: { sockets: (_, b) => sum(b.samples, "yangcai_sockets") ?? 0 },
  lag: { p50: (a, b) => ms(quantile(a, b, "yangcai_loop_lag_seconds", 0.5)), p99: (a, b) => ms(quantile(a, b, "yangcai_loop_lag_seconds", 0.99)) },
  requests: { requests: (a, b) => rate(a, b, "yangcai_requests_total"), p99: (a, b) => ms(quantile(a, b, "yangcai_request_seconds", 0.99)) },
};

function outcome(before, now, name) {
  const key = `yangcai_bids_total{outcome="${name}"}`;
  return Math.max(0, (now.samples[key] ?? 0) - (before.samples[key] ?? 0)) / ((now.at - before.at) / 1000);
}

const round = (value) => (value === null ? "—" : value >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(value >= 10 ? 0 : 1));
const size = (bytes) => (bytes === null ? "—" : bytes > 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.round(bytes / 1e6)} MB`);
const batch = (a, b) => { const calls = rate(a, b, "yangcai_batch_bids_count"); return calls ? rate(a, b, "yangcai_batch_bids_sum") / calls : null; };
const TILES = {
  bids: (a, b) => round(outcome(a, b, "taken")),
  answer: (a, b) => { const value = ms(quantile(a, b, "yangcai_bid_seconds", 0.99)); return value === null ? "—" : `${round(value)} ms`; },
  batch: (a, b) => round(batch(a, b)),
  sockets: (_, b) => (sum(b.samples, "yangcai_sockets") ?? 0).toLocaleString("en"),
  slow: (_, b) => String(sum(b.samples, "yangcai_slow_readers_total") ?? 0),
  running: (_, b) => String(sum(b.samples, "yangcai_lots_running") ?? "—"),
  unsettled: (_, b) => String(sum(b.samples, "yangcai_lots_unsettled") ?? "—"),
  position: (_, b) => (sum(b.samples, "yangcai_log_position") ?? 0).toLocaleString("en"),
  memory: (_, b) => size(sum(b.samples, "yangcai_valkey_memory_bytes")),
  stores: (_, b) => {
    const away = ["valkey", "postgres"].filter((store) => b.samples[`yangcai_store_up{store="${store}"}`] !== 1);
    return away.length ? t("operations.away", { stores: away.join(", ") }) : t("operations.both_up");
  },
};

const trends = new Map(all("[data-trend]").map((root) => {
  const name = root.dataset.trend;
  const lines = Object.keys(TRENDS[name]).map((line) => t(`operations.line_${line}`));
  return [name, new Trend(root, $(`[data-legend="${name}"]`), lines)];
}));

function draw() {
  const [before, now] = taken.slice(-2);
  for (const [name, read] of Object.entries(TILES)) {
    const node = $(`[data-tile="${name}"] b`);
    say(node, read(before, now));
    if (name === "stores") node.dataset.bad = String(now.samples['yangcai_store_up{store="valkey"}'] !== 1 || now.samples['yangcai_store_up{store="postgres"}'] !== 1);
    if (name === "slow" || name === "unsettled") node.dataset.bad = String(Number(node.textContent) > (name === "unsettled" ? 5 : 0));
  }
  for (const [name, trend] of trends) {
    const columns = Object.values(TRENDS[name]).map((read) => taken.slice(1).map((each, i) => read(taken[i], each)));
    trend.draw(taken.slice(1).map((each) => each.at / 1000), columns);
  }
  drawOutcomes(now);
}

function drawOutcomes(now) {
  const minute = taken.find((each) => each.at >= now.at - 60_000);
  const names = Object.keys(now.samples).filter((key) => key.startsWith("yangcai_bids_total{")).map((key) => key.slice(28, -2));
  if (!names.length) return;
  names.sort((one, other) => now.samples[`yangcai_bids_total{outcome="${other}"}`] - now.samples[`yangcai_bids_total{outcome="${one}"}`]);
  $("#outcomes").replaceChildren(...names.map((name) => {
    const key = `yangcai_bids_total{outcome="${name}"}`;
    const word = name === "taken" || name === "repeat" ? t(`operations.line_${name}`) : name;
    return el("tr", {}, el("td", {}, word), el("td.n", {}, String(now.samples[key] - (minute.samples[key] ?? 0))), el("td.n", {}, now.samples[key].toLocaleString("en")));
  }));
}

async function ask() {
  if (document.visibilityState === "visible") {
    const answer = await call("GET", facts.api);
    const tag = $("#asked");
    if (answer.ok) {
      taken.push(answer.body);
      if (taken.length > KEPT) taken.shift();
      say(tag, t("operations.asked", { at: timeOfDay(answer.body.at) }));
      tag.className = "tag good";
      if (taken.length > 1) draw();
    } else {
      say(tag, answer.status === 401 || answer.status === 403 ? answer.said : t("operations.no_answer"));
      tag.className = "tag bad";
    }
  }
  setTimeout(ask, EVERY_MS);
}

ask();
document.documentElement.dataset.ready = "true";
