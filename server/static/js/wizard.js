// The opening wizard: shows the fields that matter, adds lines, and draws how the price may fall. Works without it too.

import { $, again, all, el, t } from "./page.js";
import { parsePrice, price, short } from "./money.js";

const form = $("form[data-step]");
const STEPS_SHOWN = 12;

/** The value of a field: a radio's chosen one, a box as "1" or "". */
function value(name) {
  const found = all(`[name="${CSS.escape(name)}"]`, form);
  if (!found.length) return "";
  if (found[0].type === "radio") return found.find((each) => each.checked)?.value ?? "";
  if (found[0].type === "checkbox") return found[0].checked ? "1" : "";
  return found[0].value.trim();
}

function conditions() {
  for (const node of all("[data-when]", form)) {
    const [name, words] = node.dataset.when.split("=");
    const now = value(name);
    node.hidden = words ? !words.split(",").includes(now) : !now;
  }
}

/** One more empty row of goods, its names numbered on. */
function addLines(count) {
  const body = $("#lines tbody");
  for (let i = 0; i < count; i += 1) {
    const last = body.lastElementChild;
    const n = Number(last.dataset.line) + 1;
    if (n > 200) return;
    const row = last.cloneNode(true);
    row.dataset.line = String(n);
    for (const input of all("input", row)) {
      const part = input.name.split("-")[2];
      input.name = input.id = `line-${n}-${part}`;
      if (part !== "lot") input.value = "";
      input.removeAttribute("aria-invalid");
      input.setAttribute("aria-label", input.getAttribute("aria-label").replace(/\d+/, String(n)));
    }
    for (const error of all(".error", row)) error.remove();
    body.append(row);
  }
  all("input", body.lastElementChild)[1]?.focus();
}

const amount = (name, unit) => parsePrice(value(name), unit).value ?? 0;

/** The rules as typed so far; null while the ceiling cannot be read. */
function rules() {
  const unit = value("basis") === "discount_rate" ? "bp" : "fen";
  const ceiling = amount(all('[name^="ceiling-"]', form)[0]?.name ?? "ceiling-1", unit);
  if (!ceiling) return null;
  const kind = value("step_kind");
  const bands = [1, 2, 3].map((n) => ({ from: value(`band-${n}-from`) === "0" ? 0 : amount(`band-${n}-from`, unit), step: amount(`band-${n}-amount`, unit) }))
    .filter((band) => band.step).sort((one, other) => other.from - one.from);
  const rate = amount("step_rate", "bp");
  const least = amount("step_amount", unit);
  const stepAt = (at) => {
    if (kind === "percentage") return rate ? Math.max(1, Math.ceil((at * rate) / 10_000)) : 0;
    if (kind === "bands") return (bands.find((band) => band.from <= at) ?? bands.at(-1))?.step ?? 0;
    return least;
  };
  return { unit, ceiling, kind, stepAt, drop: Number(value("big_drop")) || 0 };
}

/** Prices from the ceiling down when every bid is as small a step as the rules allow. */
function fall({ ceiling, stepAt }) {
  const prices = [ceiling];
  while (prices.length <= STEPS_SHOWN) {
    const step = stepAt(prices.at(-1));
    const next = prices.at(-1) - step;
    if (!step || next <= 0) break;
    prices.push(next);
  }
  return prices;
}

const NS = "http://www.w3.org/2000/svg";
function shape(tag, attributes, text = "") {
  const node = document.createElementNS(NS, tag);
  for (const [key, given] of Object.entries(attributes)) node.setAttribute(key, given);
  node.textContent = text;
  return node;
}

function draw(given) {
  const prices = fall(given);
  const [width, height, left, top] = [320, 150, 8, 22];
  const low = prices.at(-1);
  const high = given.ceiling;
  const y = (at) => top + ((high - at) / Math.max(1, high - low)) * (height - top - 22);
  const x = (i) => left + (i / STEPS_SHOWN) * (width - 2 * left);
  let path = `M${x(0)} ${y(high)}`;
  prices.forEach((at, i) => { if (i) path += `H${x(i)}V${y(at)}`; });
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  svg.append(
    shape("line", { class: "top", x1: left, x2: width - left, y1: top, y2: top }),
    shape("text", { class: "top-word", x: left, y: top - 6 }, t("preview.ceiling", { price: price(high, given.unit) })),
    shape("path", { class: "area", d: `${path}V${height - 20}H${x(0)}Z` }),
    shape("path", { class: "line", d: path }),
    shape("line", { class: "axis", x1: left, x2: width - left, y1: height - 20, y2: height - 20 }),
    shape("text", { x: left, y: height - 6 }, t("preview.bids_axis")),
    shape("text", { x: width - left, y: height - 6, "text-anchor": "end" }, `${prices.length - 1} → ${short(low, given.unit)}`),
  );
  $("#fall").replaceChildren(svg);
  const first = given.stepAt(high);
  const words = [
    t("preview.first", { step: price(first, given.unit), price: price(Math.max(0, high - first), given.unit) }),
    t("preview.after", { n: prices.length - 1, price: price(low, given.unit), rate: `${((1 - low / high) * 100).toFixed(2)}%` }),
    given.drop ? t("preview.big_drop", { rate: `${given.drop}%`, price: price(Math.floor(high * (1 - given.drop / 100)), given.unit) }) : "",
    t("preview.no_floor"),
  ];
  $("#fall-words").replaceChildren(...words.filter(Boolean).map((word) => el("li", {}, word)));
}

function preview() {
  if (!$("#fall")) return;
  const given = rules();
  if (given?.stepAt(given.ceiling)) draw(given);
  else {
    $("#fall").replaceChildren();
    $("#fall-words").replaceChildren(el("li", {}, t("preview.not_yet")));
  }
}

/** Search while typing: the server finds, what is ticked moves up to the chosen. */
function finding() {
  const box = $("#find");
  if (!box) return;
  let soon = 0;
  box.addEventListener("input", () => {
    clearTimeout(soon);
    soon = setTimeout(async () => {
      const asked = box.value;
      const found = await again(`?find=${encodeURIComponent(asked)}`);
      if (!found || asked !== box.value) return;
      const chosen = new Set(all("#chosen input").map((each) => each.value));
      const list = document.importNode(found.getElementById("found"), true);
      for (const each of all("input", list)) if (chosen.has(each.value)) each.closest("label").remove();
      $("#found").replaceWith(list);
    }, 250);
  });
  form.addEventListener("change", ({ target }) => {
    if (!target.checked || !target.closest("#found")) return;
    $("#chosen [data-none]")?.remove();
    $("#chosen").append(target.closest("label"));
    target.focus();
  });
}

if (form) {
  finding();
  const renew = () => { conditions(); preview(); };
  form.addEventListener("input", renew);
  form.addEventListener("change", renew);
  window.addEventListener("pageshow", renew);
  renew();
  $("#more")?.addEventListener("click", (event) => { event.preventDefault(); addLines(3); });
  $("#faults")?.focus();
}
