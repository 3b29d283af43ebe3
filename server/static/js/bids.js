// A bid is made once per deliberate act: its id lives until the answer comes, through lost connections, reloads and
// other tabs. Sending it again with the same id asks for the first outcome; it never bids twice.

import { newId, store } from "./page.js";

const AGAIN_AFTER_MS = 4_000;
const TAKE_OVER_AFTER_MS = 6_000;
const UNKNOWN_AGAIN_MS = 1_000;
/** Older than this, a bid without an answer is not sent again by itself: whoever made it is asked first. */
export const OLD_AFTER_MS = 120_000;

/** Events: `changed` (pending or not), `answered` {answer, bid, taken}, `old` (an unanswered bid of long ago). */
export class Bids extends EventTarget {
  constructor(live, lot, person) {
    super();
    this.live = live;
    this.lot = lot;
    this.key = `yangcai.bid.${person}.${lot}`;
    this.mine = new Set();
    this.pending = store.get(this.key);
    this.sentAt = 0;
    live.addEventListener("opened", () => this.again());
    live.addEventListener("taken", ({ detail }) => this.hear(detail, true));
    live.addEventListener("refused", ({ detail }) => this.hear(detail, false));
    addEventListener("storage", (event) => event.key === this.key && this.elsewhere());
    setInterval(() => this.look(), 500);
    if (this.pending && this.isOld()) queueMicrotask(() => this.dispatchEvent(new Event("old")));
  }

  isMine() { return Boolean(this.pending) && this.mine.has(this.pending.id); }

  isOld() { return Boolean(this.pending) && Date.now() - this.pending.at > OLD_AFTER_MS && !this.pending.asked; }

  /** Offer a bid; false when one is already under way, here or in another tab. */
  offer(price, { token = "", unitPrices = [] } = {}) {
    this.pending = store.get(this.key) ?? this.pending;
    if (this.pending) return false;
    this.pending = { id: newId(), price, token, unitPrices, at: Date.now() };
    store.set(this.key, this.pending);
    this.mine.add(this.pending.id);
    this.send();
    this.dispatchEvent(new Event("changed"));
    return true;
  }

  /** After being asked: learn what became of an old bid (it may be taken now), or forget it. */
  resolve(sendAgain) {
    if (!this.pending) return;
    if (sendAgain) {
      this.pending = { ...this.pending, asked: true };
      store.set(this.key, this.pending);
      this.mine.add(this.pending.id);
      this.send();
    } else this.clear();
    this.dispatchEvent(new Event("changed"));
  }

  send() {
    const { id, price, token, unitPrices } = this.pending;
    this.sentAt = performance.now();
    const message = { lot: this.lot, id, price };
    if (token) message.token = token;
    if (unitPrices.length) message.unit_prices = unitPrices;
    this.live.bid(message);
  }

  again() { if (this.pending && !this.isOld() && (this.isMine() || this.orphan())) this.send(); }

  orphan() { return Date.now() - this.pending.at > TAKE_OVER_AFTER_MS; }

  look() {
    if (!this.pending || !this.live.isOpen() || this.isOld()) return;
    if (this.isMine() ? performance.now() - this.sentAt > AGAIN_AFTER_MS : this.orphan() && performance.now() - this.sentAt > AGAIN_AFTER_MS) this.send();
  }

  hear(answer, taken) {
    if (!this.pending || answer.id !== this.pending.id) return;
    if (answer.code === "OUTCOME_UNKNOWN") {
      this.sentAt = performance.now() - AGAIN_AFTER_MS + UNKNOWN_AGAIN_MS;
      this.dispatchEvent(new CustomEvent("unknown"));
      return;
    }
    const bid = this.pending;
    this.clear();
    this.dispatchEvent(new CustomEvent("answered", { detail: { answer, bid, taken } }));
    this.dispatchEvent(new Event("changed"));
  }

  clear() {
    this.pending = null;
    store.remove(this.key);
  }

  /** Another tab began, or learned, something. */
  elsewhere() {
    this.pending = store.get(this.key);
    this.dispatchEvent(new Event("changed"));
  }
}
