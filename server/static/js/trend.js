// A small line over time for figures that only ever go on: uPlot, loaded once, in the colours of the page.

import { el, facts, t, timeOfDay } from "./page.js";

const COLOURS = ["--a", "--c", "--b"];
let loading = null;

function load() {
  loading ??= new Promise((done, failed) => {
    const script = el("script", { src: facts.plot.src, integrity: facts.plot.integrity });
    script.onload = () => done(window.uPlot);
    script.onerror = failed;
    document.head.append(script);
  });
  return loading;
}

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const short = (value) => (value >= 1e6 ? `${(value / 1e6).toFixed(1)}M` : value >= 1e4 ? `${Math.round(value / 1e3)}k` : value >= 100 ? String(Math.round(value)) : String(Number(value.toFixed(1))));

export class Trend {
  /** `lines`: the names of the columns that `draw` is given; the last value of each stands in `legend`. */
  constructor(root, legend, lines) {
    this.root = root;
    this.lines = lines;
    this.values = lines.map((name, i) => {
      const value = el("b", {}, "—");
      const dot = el(`i.dot.${"acb"[i]}`);
      legend.append(el("span", {}, dot, name, value));
      return value;
    });
    new ResizeObserver(() => this.plot?.setSize(this.size())).observe(root);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { this.plot?.destroy(); this.plot = null; });
  }

  size() { return { width: Math.max(200, this.root.clientWidth), height: Math.max(100, this.root.clientHeight) }; }

  async draw(times, columns) {
    let Plot;
    try { Plot = await load(); } catch { this.root.textContent = t("live.chart_failed"); return; }
    columns.forEach((column, i) => { const last = column.at(-1); this.values[i].textContent = last === null || last === undefined ? "—" : short(last); });
    if (this.plot) { this.plot.setData([times, ...columns]); return; }
    this.plot = new Plot(this.options(Plot), [times, ...columns], this.root);
  }

  options(Plot) {
    const axis = { stroke: css("--ink-3"), font: `12px ${css("--font")}`, ticks: { show: false }, grid: { stroke: css("--line-2"), width: 1 } };
    return {
      ...this.size(), padding: [8, 8, 0, 0], legend: { show: false }, cursor: { y: false, points: { size: 6 } },
      tzDate: (seconds) => Plot.tzDate(new Date(seconds * 1000), "Asia/Shanghai"),
      scales: { x: { range: (_, low, high) => [Math.min(low, high - 120), high] }, y: { range: (_, low, high) => [0, Math.max(1, (high ?? 1) * 1.1)] } },
      axes: [
        { ...axis, size: 26, space: 80, grid: { show: false }, values: (_, splits) => splits.map((x) => timeOfDay(x * 1000)) },
        { ...axis, size: 52, values: (_, splits) => splits.map(short) },
      ],
      series: [{}, ...this.lines.map((name, i) => ({ label: name, stroke: css(COLOURS[i]), width: 2, spanGaps: true, points: { show: false } }))],
    };
  }
}
