// The settled prices of a lot as a picture; the figures stand in the table beside it.
import { Chart, colourOf } from "./chart.js";
import { facts, t } from "./page.js";

const root = document.querySelector("#chart");
const lines = new Map();
for (const [at, who, price] of facts.points ?? []) {
  if (!lines.has(who)) lines.set(who, []);
  lines.get(who).push({ at, price });
}
if (root && lines.size) {
  const series = [...lines].map(([who, points], i) => ({ name: t("watch.supplier", { alias: who }), points, colour: colourOf(i) }));
  const last = Math.max(facts.closes_at, ...facts.points.map(([at]) => at));
  const first = Math.min(facts.opens_at || Infinity, ...facts.points.map(([at]) => at));
  new Chart(root, facts.unit).draw({ series, ceiling: facts.ceiling, from: first, until: last, end: last, bands: [], marks: [] });
}
