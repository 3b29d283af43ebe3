// Time is honest: what remains counts from the server's clock, by four timestamps, with a true bound of the error.

import { $, announce, say, show, t, timeOfDay } from "./page.js";

const SAMPLES_MAX = 12;
const DRIFT = 100e-6; // two quartz clocks part by at most this much
const FIRST_SAMPLES = 4;
const SAMPLE_EVERY_MS = 20_000;
const SHOW_ERROR_FROM_MS = 50;
const LAST_MS = 30_000;

/** The server's clock as this page knows it. The error is at most half the shortest round trip, plus drift since. */
export class ServerClock {
  constructor() {
    this.samples = [];
    this.sampledAt = 0;
    this.gap = Date.now() - performance.now();
  }

  /** t0, t3: this page's monotonic clock; t1, t2: the server's when it heard and answered. */
  sample(t0, t1, t2, t3) {
    const delay = t3 - t0 - (t2 - t1);
    if (!(delay >= 0) || delay > 10_000) return;
    this.samples.push({ offset: (t1 - t0 + t2 - t3) / 2, delay, at: t3 });
    if (this.samples.length > SAMPLES_MAX) this.samples.shift();
    this.sampledAt = t3;
  }

  best() {
    const now = performance.now();
    let best = null;
    for (const sample of this.samples) {
      const bound = sample.delay / 2 + (now - sample.at) * DRIFT + 0.5;
      if (!best || bound < best.bound) best = { ...sample, bound };
    }
    return best;
  }

  known() { return this.samples.length > 0; }

  /** Epoch ms of the server; until the first answer, this device's own. */
  now() {
    const best = this.best();
    return best ? performance.now() + best.offset : Date.now();
  }

  error() { return this.best()?.bound ?? Infinity; }

  wantsSample(now) { return this.samples.length < FIRST_SAMPLES ? now - this.sampledAt > 400 : now - this.sampledAt > SAMPLE_EVERY_MS; }

  /** Did the monotonic clock stand still (sleep) or the wall clock jump? Then older samples may lie. */
  slept() {
    const gap = Date.now() - performance.now();
    if (Math.abs(gap - this.gap) < 400) return false;
    this.gap = gap;
    this.samples = [];
    return true;
  }

  doubt() { this.slept(); }
}

/** `04:37.2`, above an hour `1:04:37`, above a day with days. Never more than truly remains. */
export function remaining(ms) {
  const tenths = Math.max(0, Math.floor(ms / 100));
  const seconds = Math.floor(tenths / 10);
  const two = (value) => String(value).padStart(2, "0");
  const days = Math.floor(seconds / 86_400);
  const hours = Math.floor(seconds / 3_600) % 24;
  const minutes = Math.floor(seconds / 60) % 60;
  if (days > 0) return `${t("live.days", { n: days })} ${two(hours)}:${two(minutes)}:${two(seconds % 60)}`;
  if (seconds >= 3_600) return `${hours}:${two(minutes)}:${two(seconds % 60)}`;
  return `${two(minutes)}:${two(seconds % 60)}.${tenths % 10}`;
}

/** 时间已对准, or how far off it may be. */
export function aligned(error) {
  if (error === Infinity) return t("live.time_unknown");
  return error > SHOW_ERROR_FROM_MS ? t("live.time_error", { ms: Math.ceil(error) }) : t("live.time_aligned");
}

/** What the clock counts to, its word, and its colour, from a view. Pure. */
export function reading(view, now, overtimeMs = 0) {
  if (!view) return { word: "connecting", left: null, state: "calm" };
  if (view.stage === "paused") return { word: "paused", left: view.left_ms ?? 0, state: "calm", still: true };
  if (view.stage === "running") {
    if (now < view.opens_at) return { word: "to_open", left: view.opens_at - now, state: "calm" };
    const left = view.closes_at - now;
    const overtime = left < overtimeMs || (view.extensions ?? 0) > 0;
    const state = left < LAST_MS ? "last" : overtime ? "overtime" : "calm";
    return { word: left <= 0 ? "closing" : "left", left: Math.max(0, left), state, overtime };
  }
  if (view.stage === "signup" && view.opens_at) {
    const left = view.opens_at - now;
    return { word: left <= 0 ? "opening" : "to_open", left: Math.max(0, left), state: "calm" };
  }
  if (view.stage === "on_hold") return { word: "on_hold", left: view.left_ms ?? null, state: "calm", still: true };
  return { word: view.stage === "cancelled" ? "cancelled" : "over", left: 0, state: "over", still: true };
}

/** The clock card of a page: figures ten times a second, words for screen readers only when they matter. */
export class ClockCard {
  constructor(root, live, lot, rules) {
    Object.assign(this, { root, live, lot, rules, told: "" });
    this.figures = $("[data-clock]", root);
    const draw = () => { this.draw(); this.timer = setTimeout(draw, document.visibilityState === "hidden" ? 1000 : 100 - (this.live.now() % 100)); };
    draw();
    document.addEventListener("visibilitychange", () => this.draw());
  }

  draw() {
    const view = this.live.view(this.lot);
    const now = this.live.now();
    const read = reading(view, now, this.rules.overtime_ms);
    this.root.dataset.state = read.state;
    say(this.figures, read.left === null ? "--:--" : read.state === "over" ? t(`live.${read.word}`) : remaining(read.left));
    say($("[data-clock-word]", this.root), t(`live.clock.${read.word}`));
    if (!view) return;
    const bar = $("[data-clock-bar]", this.root);
    const whole = Math.max(1, view.closes_at - view.opens_at);
    if (bar) bar.style.transform = `scaleX(${read.left === null || read.state === "over" || read.word === "closing" ? 0 : read.word === "to_open" ? 1 : Math.min(1, read.left / whole).toFixed(4)})`;
    show($("[data-clock-overtime]", this.root), read.overtime && read.word === "left");
    this.words(view, read);
    this.tell(read);
  }

  words(view, read) {
    const parts = [];
    if (read.word === "left") parts.push(t("live.ends_at", { at: timeOfDay(view.closes_at) }));
    if (read.word === "over" && view.closes_at) parts.push(t("live.ended_at", { at: timeOfDay(view.closes_at) }));
    if (read.word === "to_open") parts.push(t("live.opens_at", { at: timeOfDay(view.opens_at) }));
    if (view.extensions) parts.push(t("live.extended", { n: view.extensions }));
    if (view.hard_stop_at && view.stage === "running") parts.push(t("live.latest", { at: timeOfDay(view.hard_stop_at) }));
    const node = $("[data-clock-facts]", this.root);
    if (node && node.dataset.text !== parts.join("|")) {
      node.dataset.text = parts.join("|");
      node.replaceChildren(...parts.map((part) => Object.assign(document.createElement("span"), { textContent: part })));
    }
  }

  /** Screen readers hear whole minutes, then 30 and 10 seconds. */
  tell(read) {
    if (read.word !== "left" && read.word !== "paused") return;
    const seconds = Math.ceil(read.left / 1000);
    const step = seconds <= 10 ? 10 : seconds <= 30 ? 30 : Math.ceil(seconds / 60) * 60;
    const key = `${read.word}:${step}`;
    if (key === this.told) return;
    const first = this.told === "";
    this.told = key;
    if (!first && (step <= 300 || step % 300 === 0)) announce(step < 60 ? t("live.say_seconds", { n: step }) : t("live.say_minutes", { n: step / 60 }));
  }
}

/** The connection light at the top: state, since when, and how true the time is. */
export function light(live) {
  const node = $("#light");
  if (!node) return;
  const draw = () => {
    node.dataset.state = live.state;
    const word = t(`connection.${live.state}`);
    const time = live.state === "live" ? aligned(live.clock.error()) : live.state === "offline" ? t("live.since", { at: timeOfDay(live.since) }) : "";
    say(node, [word, time, live.state === "live" && live.way === "stream" ? t("live.by_stream") : ""].filter(Boolean).join(" · "));
  };
  for (const name of ["state", "time", "view"]) live.addEventListener(name, draw);
  live.addEventListener("state", ({ detail }) => detail.state === "offline" && announce(t("live.say_offline")));
  draw();
}
