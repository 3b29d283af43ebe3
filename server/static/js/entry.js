// The price entry: typing, taps and Enter only fill and check; only the big button, which names the amount, submits.

import { $, all, el, say, show, t } from "./page.js";
import { parsePrice, percent, plain, price, short, upper } from "./money.js";

/** Three amounts worth a tap, from the highest allowed downward. Pure; integers of the lot's unit. */
export function quickAmounts(top, own, decrement, unit) {
  if (!top) return [];
  const base = own ?? top;
  const digits = String(top).length;
  const nice = unit === "bp" ? 10 : Math.max(100, 10 ** Math.max(2, digits - 3));
  const found = [top];
  for (const part of [0.01, 0.025, 0.05]) {
    const target = Math.floor(base * (1 - part));
    const last = found[found.length - 1];
    let amount = decrement.kind === "multiple" ? top - Math.ceil((top - target) / decrement.amount) * decrement.amount : Math.floor(target / nice) * nice;
    if (amount >= last) amount = decrement.kind === "multiple" ? last - decrement.amount : last - nice;
    if (amount > 0 && found.length < 3) found.push(amount);
  }
  return found;
}

/** One price, or one price per line whose exact sum is the price. `onchange(state)`: what the button may do. */
export class Entry extends EventTarget {
  constructor(root, facts) {
    super();
    this.root = root;
    this.facts = facts;
    this.unit = facts.unit;
    this.input = $("#price");
    this.limit = null;
    this.own = null;
    this.refusal = null;
    this.touched = false;
    this.lines = facts.lines.map((line) => ({ ...line, input: $(`#line-${line.no}`) }));
    for (const input of this.inputs()) {
      input.addEventListener("input", () => { this.refusal = null; this.touched = true; this.changed(); });
      input.addEventListener("keydown", (event) => event.key === "Enter" && this.enter(event));
      input.addEventListener("blur", () => this.tidy(input));
      input.addEventListener("focus", () => input.select());
    }
    // Nothing here is ever sent by a form.
    root.addEventListener("submit", (event) => event.preventDefault());
  }

  inputs() { return this.lines.length ? this.lines.map((line) => line.input) : [this.input]; }

  /** What is allowed next: `limit` the highest price (undefined: not told), `own` the standing one. */
  allow(limit, own) {
    if (limit === this.limit && own === this.own) return;
    this.limit = limit;
    this.own = own;
    this.drawQuick();
    this.changed();
  }

  enter(event) {
    event.preventDefault();
    this.touched = true;
    for (const input of this.inputs()) this.tidy(input);
    const inputs = this.inputs();
    const next = inputs[inputs.indexOf(event.target) + 1];
    if (next) next.focus();
    this.changed(true);
  }

  tidy(input) {
    const read = parsePrice(input.value, this.unit);
    if (read.value) input.value = plain(read.value, this.unit);
  }

  /** Fill in `value`; for line prices in proportion, downward, so that the sum is at most `value`. */
  fill(value) {
    this.refusal = null;
    this.touched = true;
    if (!this.lines.length) this.input.value = plain(value, this.unit);
    else {
      const given = this.lines.map((line) => parsePrice(line.input.value).value ?? line.last ?? line.ceiling ?? 0);
      const sum = this.lines.reduce((total, line, i) => total + given[i] * line.thousandths, 0) / 1000;
      if (!sum) return;
      this.lines.forEach((line, i) => {
        const grain = grainOf(line.thousandths);
        const scaled = Math.floor((given[i] * Math.min(1, value / sum)) / grain) * grain;
        line.input.value = plain(Math.max(grain, scaled));
      });
    }
    this.changed(true);
    this.inputs()[0].focus({ preventScroll: true });
  }

  clear() {
    for (const line of this.lines) if (line.last) line.input.placeholder = plain(line.last);
    for (const input of this.inputs()) input.value = "";
    this.refusal = null;
    this.touched = false;
    this.changed();
  }

  /** `{value, unitPrices}`, or `{error, fill, params}`. */
  read() {
    if (!this.lines.length) return this.judge(parsePrice(this.input.value, this.unit));
    const reads = this.lines.map((line) => {
      const read = parsePrice(line.input.value);
      line.input.setAttribute("aria-invalid", String(Boolean(read.error && read.error !== "empty")));
      say($(`[data-line-sum="${line.no}"]`), read.value ? price((read.value * line.thousandths) / 1000) : "—");
      return this.judgeLine(line, read);
    });
    const wrong = reads.find((read) => read.error && read.error !== "empty_line") ?? reads.find((read) => read.error);
    if (wrong) return wrong;
    const unitPrices = this.lines.map((line, i) => ({ line: line.no, price: reads[i].value }));
    const thousandths = this.lines.reduce((total, line, i) => total + reads[i].value * line.thousandths, 0);
    return { ...this.judge({ value: thousandths / 1000 }), unitPrices };
  }

  judgeLine(line, read) {
    if (read.error) return read.error === "empty" ? { error: "empty_line", params: { no: line.no } } : { ...read, line };
    if ((read.value * line.thousandths) % 1000) return { error: "line_fen", params: { no: line.no }, line };
    if (line.ceiling && read.value > line.ceiling) return { error: "line_ceiling", params: { no: line.no, price: price(line.ceiling) }, fill: line.ceiling, line };
    return read;
  }

  judge(read) {
    if (read.error) return read;
    const { ceiling, decrement } = this.facts;
    if (this.limit !== undefined && this.limit !== null && read.value > this.limit) {
      const error = this.limit === 0 ? "no_room" : ceiling && read.value > ceiling ? "over_ceiling" : "over_limit";
      return { error, fill: this.limit || undefined, params: { price: price(this.limit, this.unit) } };
    }
    if (decrement.kind === "multiple") {
      const reference = this.own ?? ceiling ?? read.value;
      const off = (reference - read.value) % decrement.amount;
      if (off) return { error: "multiple", fill: read.value - (decrement.amount - off), params: { step: price(decrement.amount, this.unit) } };
    }
    return read;
  }

  /** What the server refused last, in its own words, with what it would take. */
  refuse(text, fill) {
    this.refusal = { text, fill };
    this.changed(true);
  }

  changed(loud = false) {
    const read = this.read();
    this.current = read;
    const quiet = read.error === "empty" || read.error === "empty_line";
    let text = "";
    if (this.refusal) text = this.refusal.text;
    else if (read.error && (!quiet || loud)) text = t(`room.entry.${read.error}`, read.params);
    const fill = this.refusal ? this.refusal.fill : read.fill;
    this.root.classList.toggle("is-bad", Boolean(text));
    $(".price", this.root)?.classList.toggle("bad", Boolean(text));
    if (this.input) this.input.setAttribute("aria-invalid", String(Boolean(text)));
    const note = $("#entry-note");
    say($("[data-text]", note), text);
    const tap = $("[data-fill]", note);
    show(tap, Boolean(fill));
    if (fill) {
      say(tap, t("room.use_amount", { price: short(fill, this.unit) }));
      tap.onclick = () => (read.line && !this.refusal ? this.fillLine(read.line, fill) : this.fill(fill));
    }
    show(note, Boolean(text));
    if (this.lines.length) say("#lines-total", read.value ? price(read.value) : "—");
    say("#limit", this.limit ? t("room.limit", { price: plain(this.limit, this.unit) + (this.unit === "bp" ? "%" : "") }) : this.limit === 0 ? t("room.entry.no_room") : "");
    this.dispatchEvent(new CustomEvent("change", { detail: read }));
  }

  fillLine(line, value) {
    line.input.value = plain(value);
    line.input.focus();
    this.changed(true);
  }

  drawQuick() {
    const amounts = quickAmounts(this.limit ?? this.facts.ceiling, this.own, this.facts.decrement, this.unit);
    const base = this.own;
    const box = $("#quick");
    const buttons = amounts.map((amount, i) => {
      const word = i === 0 ? t(base ? "room.quick_min" : "room.quick_top") : base ? `−${percent(base - amount, base)}` : `−${percent(amounts[0] - amount, amounts[0])}`;
      return el("button.btn", { type: "button", "data-amount": amount, onclick: () => this.fill(amount) }, short(amount, this.unit), el("small", {}, word));
    });
    box.replaceChildren(...buttons, el("button.btn", { type: "button", id: "own-drop", onclick: () => this.dispatchEvent(new Event("drop")) }, t("room.quick_own"), el("small", {}, t("room.quick_own_sub"))));
    show(box, amounts.length > 0);
  }

  disable(disabled) {
    if (this.disabled === disabled) return;
    this.disabled = disabled;
    for (const input of this.inputs()) input.disabled = disabled;
    for (const button of all("#quick button")) button.disabled = disabled;
  }
}

/** The smallest unit price, in fen, whose product with the quantity (thousandths) is a whole number of fen. */
function grainOf(thousandths) {
  let [a, b] = [thousandths, 1000];
  while (b) [a, b] = [b, a % b];
  return 1000 / a;
}

/** The words under the amount on the big button. */
export function inWords(value, unit) {
  return unit === "bp" ? t("room.discount_words", { rate: `${((10_000 - value) / 100).toFixed(2)}%` }) : upper(value);
}
