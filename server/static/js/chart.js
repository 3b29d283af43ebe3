// Prices over time as steps: one line per series, the ceiling dashed, extensions as bands, marks for what was told.
// uPlot is loaded when the page already stands.

import { el, facts, t, timeOfDay } from "./page.js";
import { price, short } from "./money.js";

const COLOURS = ["--a", "--b", "--c", "--d", "--e", "--f", "--g", "--h"];
const MARKED = { paused: "--warn", resumed: "--good", outage: "--warn", broadcast: "--brand", voided: "--bad", cancelled: "--bad" };
let loading = null;

function load() {
  loading ??= new Promise((done, failed) => {
    if (window.uPlot) { done(window.uPlot); return; }
    const script = el("script", { src: facts.plot.src, integrity: facts.plot.integrity });
    script.onload = () => done(window.uPlot);
    script.onerror = failed;
    document.head.append(script);
  });
  return loading;
}

/** The colour variable of the `i`-th series; also used for the dots of tables. */
export const colourOf = (i) => COLOURS[i % COLOURS.length];
export const dotOf = (i) => "abcdefgh"[i % 8];

export class Chart {
  /** `series`: [{name, points: [{at, price}], colour}], redrawn by `draw`. `unit`: fen or bp. */
  constructor(root, unit) {
    this.root = root;
    this.unit = unit;
    this.drawn = null;
    this.plot = null;
    const observer = new ResizeObserver(() => this.plot?.setSize(this.size()));
    observer.observe(root);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { this.forget(); this.flush(); });
  }

  size() { return { width: Math.max(200, this.root.clientWidth), height: Math.max(120, this.root.clientHeight) }; }

  css(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }

  /** Ask for a drawing; at most four a second. */
  draw(picture) {
    this.picture = picture;
    if (this.waiting) return;
    this.waiting = setTimeout(() => { this.waiting = null; this.flush(); }, this.plot ? 250 : 0);
  }

  async flush() {
    let Plot;
    try { Plot = await load(); } catch { this.root.textContent = t("live.chart_failed"); return; }
    if (!this.picture) return;
    const names = this.picture.series.map((each) => each.name).join("|");
    const data = this.align();
    if (!this.plot || this.names !== names) {
      this.forget();
      this.names = names;
      this.root.replaceChildren();
      this.plot = new Plot(this.options(Plot), data, this.root);
      this.tip = el("div.chart-tip", { hidden: true });
      this.plot.over.append(this.tip);
    } else this.plot.setData(data, !this.zoomed);
    this.root.setAttribute("aria-label", this.picture.label ?? "");
  }

  forget() { this.plot?.destroy(); this.plot = null; }

  /** Series on common times; every line goes on to `until`. */
  align() {
    const { series, from, until } = this.picture;
    const times = new Set([from / 1000, until / 1000]);
    for (const each of series) for (const point of each.points) times.add(point.at / 1000);
    const xs = [...times].sort((one, other) => one - other);
    const place = new Map(xs.map((x, i) => [x, i]));
    const columns = series.map((each) => {
      const column = new Array(xs.length).fill(null);
      for (const point of each.points) column[place.get(point.at / 1000)] = point.price;
      const last = each.points[each.points.length - 1];
      each.real = new Set(each.points.map((point) => place.get(point.at / 1000)));
      if (last) column[place.get(until / 1000)] ??= last.price;
      return column;
    });
    return [xs, ...columns];
  }

  range() {
    const prices = this.picture.series.flatMap((each) => each.points.map((point) => point.price));
    const ceiling = this.picture.ceiling;
    if (ceiling) prices.push(ceiling);
    if (!prices.length) return [0, 100];
    const low = Math.min(...prices);
    const high = Math.max(...prices);
    const room = Math.max((high - low) * 0.07, high * 0.004, 1);
    return [Math.max(0, low - room), high + room];
  }

  options(Plot) {
    const faint = this.css("--ink-3");
    const line = this.css("--line-2");
    const small = this.root.clientWidth < 480;
    const axis = { stroke: faint, font: `12px ${this.css("--font")}`, ticks: { show: false }, grid: { stroke: line, width: 1 } };
    return {
      ...this.size(),
      padding: [14, 14, 0, small ? 0 : 4],
      legend: { show: false },
      cursor: { points: { size: 7 }, drag: { x: !small, y: false }, y: false },
      scales: { x: { time: true, range: (_, low, high) => (this.zoomed ? [low, high] : [this.picture.from / 1000, this.picture.end / 1000]) }, y: { range: () => this.range() } },
      tzDate: (seconds) => Plot.tzDate(new Date(seconds * 1000), "Asia/Shanghai"),
      axes: [
        { ...axis, space: 70, size: 28, values: (_, splits) => splits.map((x) => (this.picture.end - this.picture.from > 600_000 ? timeOfDay(x * 1000).slice(0, 5) : timeOfDay(x * 1000))), grid: { show: false } },
        { ...axis, size: small ? 64 : 78, values: (_, splits) => splits.map((y) => short(Math.round(y), this.unit)) },
      ],
      series: [{}, ...this.picture.series.map((each) => ({
        label: each.name, stroke: this.css(each.colour), width: 2, paths: Plot.paths.stepped({ align: 1 }), spanGaps: true,
        points: { show: (plot, i) => each.dots || plot.data[i].filter((y) => y !== null).length < 25, size: each.dots ? 7 : 5, filter: (plot, i, shown) => (shown ? [...this.picture.series[i - 1].real] : null), fill: this.css(each.colour) },
      }))],
      hooks: {
        drawClear: [(plot) => this.bands(plot)],
        draw: [(plot) => this.marks(plot)],
        setCursor: [(plot) => this.hover(plot)],
        setSelect: [(plot) => { if (plot.select.width > 4) this.zoomed = true; }],
        ready: [(plot) => plot.over.addEventListener("dblclick", () => { this.zoomed = false; this.flush(); })],
      },
    };
  }

  bands(plot) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    for (const band of this.picture.bands ?? []) {
      const left = plot.valToPos(band.from / 1000, "x", true);
      const right = plot.valToPos(band.to / 1000, "x", true);
      ctx.fillStyle = this.css(band.colour ?? "--warn-tint");
      ctx.fillRect(left, bbox.top, Math.max(1, right - left), bbox.height);
      ctx.fillStyle = this.css(band.ink ?? "--warn");
      ctx.font = `${11 * devicePixelRatio}px ${this.css("--font")}`;
      ctx.textBaseline = "top";
      if (right - left > 40 * devicePixelRatio) ctx.fillText(band.name, left + 5 * devicePixelRatio, bbox.top + 4 * devicePixelRatio);
    }
    ctx.restore();
  }

  marks(plot) {
    const { ctx, bbox } = plot;
    const ratio = devicePixelRatio;
    ctx.save();
    ctx.lineWidth = ratio;
    if (this.picture.ceiling) {
      const y = plot.valToPos(this.picture.ceiling, "y", true);
      ctx.strokeStyle = this.css("--bad");
      ctx.setLineDash([6 * ratio, 5 * ratio]);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
      ctx.fillStyle = this.css("--bad");
      ctx.font = `${11 * ratio}px ${this.css("--font")}`;
      ctx.textAlign = "left";
      ctx.textBaseline = "bottom";
      ctx.fillText(t("live.ceiling_is", { price: short(this.picture.ceiling, this.unit) }), bbox.left + 2 * ratio, y - 3 * ratio);
    }
    ctx.setLineDash([2 * ratio, 3 * ratio]);
    for (const mark of this.picture.marks ?? []) {
      const colour = MARKED[mark.kind];
      const x = plot.valToPos(mark.at / 1000, "x", true);
      if (!colour || x < bbox.left || x > bbox.left + bbox.width) continue;
      ctx.strokeStyle = ctx.fillStyle = this.css(colour);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      ctx.beginPath();
      ctx.arc(x, bbox.top + bbox.height - 5 * ratio, 3.5 * ratio, 0, Math.PI * 2);
      ctx.fill();
    }
    ctx.restore();
  }

  hover(plot) {
    const { idx, left } = plot.cursor;
    if (idx === null || idx === undefined || left < 0) { this.tip && (this.tip.hidden = true); return; }
    if (!this.tip) return;
    const at = plot.data[0][idx] * 1000;
    const rows = this.picture.series.map((each) => {
      const point = [...each.points].reverse().find((candidate) => candidate.at <= at + 1);
      return point ? { each, price: point.price } : null;
    }).filter(Boolean).sort((one, other) => one.price - other.price);
    this.tip.replaceChildren(el("b.num", {}, timeOfDay(at, true)), ...rows.map(({ each, price: value }) => {
      const dot = el("i.dot");
      dot.style.background = `var(${each.colour})`;
      return el("span.num", {}, el("span", {}, dot, each.name), el("span", {}, price(value, this.unit)));
    }));
    this.tip.hidden = false;
    const width = plot.over.clientWidth;
    this.tip.style.left = left > width / 2 ? "" : `${left + 12}px`;
    this.tip.style.right = left > width / 2 ? `${width - left + 12}px` : "";
  }
}

/** Where the axis of time ends: the end of the lot, but never so far off that what happened shrinks to a corner. */
export const reach = (view, now) => Math.max(view.opens_at + 5_000, Math.min(view.closes_at, Math.max(view.opens_at + 60_000, now + (now - view.opens_at) * 0.2)));

/** Bands of time: every extension from the old end to the new one, every pause and outage. */
export function bandsOf(marks, view) {
  const bands = [];
  let end = 0;
  let paused = null;
  let count = 0;
  for (const mark of marks) {
    if (mark.kind === "opened") end = mark.closes_at;
    if (mark.kind === "extended") {
      count += 1;
      if (end) bands.push({ from: end, to: mark.closes_at, name: t("live.band_extension", { n: count }) });
      end = mark.closes_at;
    }
    if (mark.kind === "paused") paused = mark;
    if (mark.kind === "resumed" && paused) {
      bands.push({ from: paused.at, to: mark.at, name: t("live.band_pause"), colour: "--line-2", ink: "--ink-2" });
      paused = null;
      end = mark.closes_at;
    }
    if (mark.kind === "outage") {
      bands.push({ from: mark.at - mark.ms, to: mark.at, name: t("live.band_outage"), colour: "--line-2", ink: "--ink-2" });
      end = mark.closes_at;
    }
  }
  if (paused && view?.stage === "paused") bands.push({ from: paused.at, to: Date.now(), name: t("live.band_pause"), colour: "--line-2", ink: "--ink-2" });
  return bands;
}
