// Before one bids 报价前检查: device, clock and connection. It watches no lot and bids on nothing.

import { Alarm } from "./alarm.js";
import { $, all, say, store, t } from "./page.js";
import { Live } from "./socket.js";

const ROUNDS = 8;
const MARKS = { good: "✓", warn: "!", bad: "✕" };
const alarm = new Alarm(null);

function set(name, state, value = "") {
  const row = $(`[data-check="${name}"]`);
  row.dataset.state = state;
  say($(".mark", row), MARKS[state] ?? "…");
  say($("[data-value]", row), value);
  say($("[data-said]", row), t(state === "checking" ? "preflight.checking" : `preflight.said.${name}_${state}`));
  summary();
}

function summary() {
  const states = all("[data-check]").map((row) => row.dataset.state);
  const state = states.includes("bad") ? "bad" : states.includes("checking") ? "checking" : states.includes("warn") ? "warn" : "good";
  $("#summary").className = `notice ${state === "checking" ? "" : state}`;
  $("#summary").dataset.state = state;
  say($("[data-text]", $("#summary")), t(state === "checking" ? "preflight.checking" : `preflight.summary_${state}`));
}

function connection() {
  for (const name of ["socket", "delay", "clock", "device"]) set(name, "checking");
  const live = new Live([]);
  const delays = [];
  let done = false;
  const finish = async (reached) => {
    if (done) return;
    done = true;
    clearTimeout(timer);
    live.drop("offline");
    clearInterval(live.beat);
    clearTimeout(live.timer);
    if (reached) return;
    const plain = await fetch("/preflight", { method: "HEAD", cache: "no-store" }).then((answer) => answer.ok, () => false);
    set("socket", plain ? "warn" : "bad");
    for (const name of ["delay", "clock", "device"]) set(name, plain ? "warn" : "bad");
  };
  const timer = setTimeout(() => finish(false), 8_000);
  live.addEventListener("opened", () => set("socket", "good"));
  live.addEventListener("time", () => {
    const sample = live.clock.samples[live.clock.samples.length - 1];
    if (sample) delays.push(sample.delay);
    if (delays.length < ROUNDS) { setTimeout(() => live.isOpen() && live.askTime(), 120); return; }
    delays.sort((one, other) => one - other);
    const middle = delays[Math.floor(delays.length / 2)];
    const worst = delays[delays.length - 1];
    set("delay", middle < 150 && worst < 600 ? "good" : middle < 500 ? "warn" : "bad", `${middle.toFixed(middle < 10 ? 1 : 0)} ms`);
    const error = live.clock.error();
    set("clock", error <= 50 ? "good" : "warn", `±${Math.ceil(error)} ms`);
    const off = Date.now() - live.clock.now();
    set("device", Math.abs(off) < 1_500 ? "good" : "warn", `${Math.abs(off) < 50 ? "±" : off > 0 ? "+" : "−"}${(Math.abs(off) / 1000).toFixed(1)} s`);
    finish(true);
  });
  live.start();
}

async function device() {
  set("storage", store.set("yangcai.preflight", 1) && store.get("yangcai.preflight") === 1 ? "good" : "warn");
  store.remove("yangcai.preflight");
  const able = typeof HTMLDialogElement === "function" && typeof ResizeObserver === "function" && "at" in Array.prototype && "EventSource" in window;
  set("browser", able ? "good" : "warn");
  set("sound", "warn");
  set("vibration", typeof navigator.vibrate === "function" && matchMedia("(pointer: coarse)").matches ? "good" : "warn");
  set("awake", (await alarm.keepAwake(true)) ? "good" : "warn");
  alarm.keepAwake(false);
}

$("#sound").addEventListener("click", () => {
  alarm.vibrate([120, 80, 120]);
  const context = alarm.audio();
  alarm.sound([880, 660, 880]);
  setTimeout(() => set("sound", context?.state === "running" ? "good" : "warn"), 150);
});
$("#again").addEventListener("click", () => { connection(); device(); });
connection();
device();
document.documentElement.dataset.ready = "true";
