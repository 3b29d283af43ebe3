// The live connection: one socket for all lots of a page, an event stream and POST where sockets are blocked.
//
// The page is true within 2 s of the network's return: every doubt (network back, page shown again, waking up, silence)
// is settled by asking the server the time; no answer means a new connection, and a new connection says where it stood.

import { ServerClock } from "./clock.js";
import { call } from "./page.js";

const OPEN_WITHIN_MS = 2_500;
const RETRY_MS = [0, 250, 500, 1_000, 1_500];
const RETRY_HIDDEN_MS = 5_000;
const QUIET_MS = 4_000;
const QUIET_HIDDEN_MS = 10_000;
const ANSWER_WITHIN_MS = 1_500;
const ANSWER_HIDDEN_MS = 3_000;
const SOCKET_TRIES_BEFORE_STREAM = 2;
const SOCKET_AGAIN_MS = 60_000;
const SESSION_OVER = 4401; // the page itself knows the way to the login

/** Apply an RFC 7396 merge patch without touching the old view. */
export function merge(view, patch) {
  const merged = { ...view };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else if (typeof value === "object" && !Array.isArray(value)) {
      const before = merged[key];
      merged[key] = merge(before && typeof before === "object" ? before : {}, value);
    } else merged[key] = value;
  }
  return merged;
}

/**
 * Events: `state` {state, since}, `view` {lot, view, before, whole}, `taken`, `refused`, `changed` (the server's
 * message as detail), `fault`, `time`, `welcome`. States: connecting, live, catching_up, offline.
 */
export class Live extends EventTarget {
  constructor(lots, { url } = {}) {
    super();
    this.lots = new Map(lots.map((lot) => [lot, { epoch: "", k: -1, view: null, current: false }]));
    this.url = url ?? `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`;
    this.clock = new ServerClock();
    this.state = "connecting";
    this.since = Date.now();
    this.way = "socket";
    this.everOpen = false;
    this.tries = 0;
    this.socketFailures = 0;
    this.socket = null;
    this.streams = new Map();
    this.heardAt = 0;
    this.asked = null;
  }

  start() {
    this.connect();
    this.beat = setInterval(() => this.listen(), 500);
    const doubt = () => this.check();
    addEventListener("online", doubt);
    addEventListener("offline", doubt);
    addEventListener("pageshow", (event) => event.persisted && this.check());
    addEventListener("focus", doubt);
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.check());
    document.addEventListener("resume", doubt);
    // A page kept for the back button must not hold a dead socket that looks alive.
    addEventListener("pagehide", (event) => event.persisted && this.drop("catching_up"));
  }

  now() { return this.clock.now(); }

  view(lot) { return this.lots.get(lot)?.view ?? null; }

  watch(lot) {
    if (this.lots.has(lot)) return;
    this.lots.set(lot, { epoch: "", k: -1, view: null, current: false });
    if (this.isOpen()) this.askToWatch(lot);
  }

  forget(lot) {
    this.lots.delete(lot);
    this.send({ t: "unwatch", lot });
  }

  isOpen() { return this.way === "socket" ? this.socket?.readyState === 1 : this.streams.size > 0; }

  /** Is what the page shows still true? Ask; without an answer in time, connect anew. */
  check() {
    this.clock.doubt();
    if (!this.isOpen()) {
      const pending = this.socket && this.socket.readyState === 0;
      if (!pending || performance.now() - this.openingAt > 600) this.reconnect(true);
    } else if (this.way === "socket" && !this.asked) this.askTime();
  }

  connect() {
    clearTimeout(this.timer);
    this.timer = null;
    this.asked = null;
    if (this.way === "stream" && performance.now() - this.streamSince < SOCKET_AGAIN_MS) return this.connectStreams();
    this.way = "socket";
    this.openingAt = performance.now();
    let socket;
    try { socket = new WebSocket(this.url); } catch { return this.lost(); }
    this.socket = socket;
    socket.onopen = () => this.opened(socket);
    socket.onmessage = (event) => socket === this.socket && this.hear(event.data);
    socket.onclose = (event) => socket === this.socket && (event.code === SESSION_OVER ? location.reload() : this.lost());
    return undefined;
  }

  opened(socket) {
    if (socket !== this.socket) return socket.close();
    this.everOpen = true;
    this.tries = 0;
    this.socketFailures = 0;
    this.heardAt = performance.now();
    this.become("catching_up");
    this.askTime();
    for (const lot of this.lots.keys()) this.askToWatch(lot);
    if (!this.lots.size) this.become("live");
    this.dispatch("opened", {});
    return undefined;
  }

  askToWatch(lot) {
    const place = this.lots.get(lot);
    place.current = false;
    this.send({ t: "watch", lot, since: place.epoch ? `${place.epoch}:${place.k}` : "" });
  }

  send(message) {
    if (this.socket?.readyState !== 1) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  askTime() {
    this.asked = performance.now();
    if (!this.send({ t: "time", t0: this.asked })) this.asked = null;
  }

  /** Twice a second: is the line quiet, is an answer overdue, does the clock want another sample? */
  listen() {
    const now = performance.now();
    const hidden = document.visibilityState === "hidden";
    if (this.clock.slept()) return this.check();
    if (this.way === "stream") return undefined;
    if (this.socket?.readyState === 0 && now - this.openingAt > OPEN_WITHIN_MS) return this.lost();
    if (this.socket?.readyState !== 1) return undefined;
    if (this.asked !== null) {
      if (now - this.asked > (hidden ? ANSWER_HIDDEN_MS : ANSWER_WITHIN_MS)) this.reconnect(true);
    } else if (now - this.heardAt > (hidden ? QUIET_HIDDEN_MS : QUIET_MS) || this.clock.wantsSample(now)) this.askTime();
    return undefined;
  }

  reconnect(atOnce) {
    this.drop(this.state === "offline" ? "offline" : "catching_up");
    if (atOnce) this.connect(); else this.later();
  }

  drop(state) {
    const socket = this.socket;
    this.socket = null;
    this.asked = null;
    if (socket) { socket.onclose = null; socket.close(); }
    for (const stream of this.streams.values()) stream.close();
    this.streams.clear();
    for (const place of this.lots.values()) place.current = false;
    this.become(state);
  }

  lost() {
    if (!this.everOpen && this.way === "socket") {
      this.socketFailures += 1;
      if (this.socketFailures >= SOCKET_TRIES_BEFORE_STREAM && this.lots.size <= 4) {
        this.way = "stream";
        this.streamSince = performance.now();
      }
    }
    this.drop(this.tries > 0 ? "offline" : "catching_up");
    this.later();
  }

  later() {
    if (this.timer) return;
    const hidden = document.visibilityState === "hidden" && this.tries > 3;
    const base = hidden ? RETRY_HIDDEN_MS : RETRY_MS[Math.min(this.tries, RETRY_MS.length - 1)];
    this.tries += 1;
    this.timer = setTimeout(() => this.connect(), base * (0.6 + Math.random() * 0.4));
  }

  // ── where sockets are blocked ──

  connectStreams() {
    for (const [lot, place] of this.lots) {
      const asked = performance.now();
      const since = place.epoch ? `?since=${encodeURIComponent(`${place.epoch}:${place.k}`)}` : "";
      const stream = new EventSource(`/api/lots/${lot}/stream${since}`);
      this.streams.set(lot, stream);
      stream.onopen = () => { this.tries = 0; this.become("catching_up"); this.dispatch("opened", {}); };
      stream.onmessage = (event) => this.hear(event.data, asked);
      // Its own retry would not say where it stood.
      stream.onerror = () => this.streams.get(lot) === stream && this.lost();
    }
  }

  // ── what the server says ──

  hear(text, asked) {
    this.heardAt = performance.now();
    let message;
    try { message = JSON.parse(text); } catch { return; }
    if (message.t === "time") this.hearTime(message);
    else if (message.t === "welcome") {
      if (asked !== undefined) this.clock.sample(asked, message.at, message.at, performance.now());
      this.dispatch("welcome", message);
    } else if (message.t === "snapshot" || message.t === "delta" || message.t === "current") this.hearView(message);
    else this.dispatch(message.t === "error" ? "fault" : message.t, message);
  }

  hearTime(message) {
    this.asked = null;
    this.clock.sample(message.t0, message.t1, message.t2, performance.now());
    this.dispatch("time", { error: this.clock.error() });
  }

  hearView(message) {
    const place = this.lots.get(message.lot);
    if (!place) return;
    const before = place.view;
    if (message.t === "snapshot") {
      place.epoch = message.epoch;
      place.k = message.k;
      place.view = message.view;
    } else if (message.t === "delta") {
      if (place.view === null || message.k <= place.k) return;
      if (message.k !== place.k + 1) { place.epoch = ""; this.gap(message.lot); return; }
      place.k = message.k;
      place.view = merge(place.view, message.patch);
    } else if (place.view === null || message.k !== place.k) { place.epoch = ""; this.gap(message.lot); return; }
    place.current = true;
    if ([...this.lots.values()].every((each) => each.current)) this.become("live");
    this.dispatch("view", { lot: message.lot, view: place.view, before, whole: message.t !== "delta" });
  }

  /** Something was missed: ask for the whole. */
  gap(lot) {
    this.become("catching_up");
    if (this.way === "socket") this.askToWatch(lot); else this.reconnect(true);
  }

  /** Offer a bid; the answer comes as `taken` or `refused`. False when there is no way to send it now. */
  bid(message) {
    if (this.way === "socket") return this.send({ t: "bid", ...message });
    if (!this.streams.size) return false;
    const { lot, ...body } = message;
    call("POST", `/api/lots/${lot}/bids`, body).then(({ body: answer, status, said }) => {
      if (answer?.t) this.dispatch(answer.t, answer);
      else if (answer && "at" in answer && "price" in answer) this.dispatch("taken", { ...answer, lot });
      else if (answer?.code && status) this.dispatch("refused", { zh: said, en: said, price_max: 0, token: "", ...answer.accept, ...answer, id: message.id, lot });
    });
    return true;
  }

  become(state) {
    if (state === this.state) return;
    this.state = state;
    this.since = Date.now();
    this.dispatch("state", { state, since: this.since, way: this.way });
  }

  dispatch(name, detail) { this.dispatchEvent(new CustomEvent(name, { detail })); }
}
