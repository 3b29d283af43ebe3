// What every live page shares: texts, facts, small DOM helpers, words for the reader and his screen reader.

const data = (id) => JSON.parse(document.getElementById(id)?.textContent || "{}");
const sentences = data("texts");

export const facts = data("facts");
export const lang = document.documentElement.lang === "en" ? "en" : "zh";
export const $ = (selector, root = document) => root.querySelector(selector);
export const all = (selector, root = document) => [...root.querySelectorAll(selector)];

/** The sentence `key` with `{name}` filled in. An unknown key shows itself: a test looks for that. */
export function t(key, params = {}) {
  const text = sentences[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in params ? String(params[name]) : whole));
}

/** An element: `el("b.num", {title: "x"}, "text", child)`. Text is never parsed as HTML. */
export function el(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const node = document.createElement(name);
  if (classes.length) node.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Put `text` where it differs; with `flash` the change is seen once and keeps its place. */
export function say(target, text, flash = false) {
  const node = typeof target === "string" ? $(target) : target;
  if (!node || node.textContent === text) return;
  const before = node.textContent;
  node.textContent = text;
  if (flash && before && before !== "—") {
    node.classList.remove("flash");
    void node.offsetWidth;
    node.classList.add("flash");
  }
}

/** Show or hide; `hidden` also takes it from the keyboard and the screen reader. */
export function show(target, shown) {
  const node = typeof target === "string" ? $(target) : target;
  if (node && node.hidden === Boolean(shown)) node.hidden = !shown;
}

/** A short word at the top of the page. `kind`: good, bad, or nothing. */
export function toast(text, kind = "") {
  let area = $("#toasts");
  if (!area) {
    area = el("div.toast-area", { id: "toasts", role: "status", "aria-live": "polite" });
    document.body.append(area);
  }
  const node = el(`div.toast${kind ? "." + kind : ""}`, {}, text);
  area.append(node);
  setTimeout(() => node.remove(), kind === "bad" ? 9000 : 5200);
}

/** Tell screen readers, politely, and only when it changed. */
export function announce(text) {
  const node = $("#announce");
  if (node && node.textContent !== text) node.textContent = text;
}

const clockForm = new Intl.DateTimeFormat("en-GB", {
  timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});
const dayForm = new Intl.DateTimeFormat("en-CA", { timeZone: "Asia/Shanghai", year: "numeric", month: "2-digit", day: "2-digit" });

/** Shanghai time of day, `14:02:11`, with `.482` when `ms`. */
export function timeOfDay(at, ms = false) {
  const text = clockForm.format(at);
  return ms ? `${text}.${String(Math.floor(at) % 1000).padStart(3, "0")}` : text;
}

/** Shanghai date and time; the date is left out when it is today's. */
export function when(at, now = Date.now()) {
  const day = dayForm.format(at);
  return day === dayForm.format(now) ? timeOfDay(at) : `${day} ${timeOfDay(at)}`;
}

/** Call the JSON API. `{ok, status, body}`; a problem's sentence is in `said`. Never throws. */
export async function call(method, path, body) {
  try {
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), 15000);
    const answer = await fetch(path, {
      method,
      headers: body === undefined ? { Accept: "application/json" } : { "Content-Type": "application/json", Accept: "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
      signal: controller.signal,
    });
    clearTimeout(timer);
    const text = await answer.text();
    let value = null;
    try { value = text ? JSON.parse(text) : null; } catch { /* not JSON: the status says it */ }
    // What binds asks for a fresh proof first, and comes back here.
    if (value?.code === "step_up_needed") location.assign(`/prove?next=${encodeURIComponent(location.pathname)}`);
    const said = value?.[lang] || value?.detail || value?.title || t("live.failed", { status: answer.status });
    return { ok: answer.ok, status: answer.status, body: value, said };
  } catch {
    return { ok: false, status: 0, body: null, said: t("live.no_answer") };
  }
}

/** This page as the server draws it now, for the parts that are its own; null when it does not answer. */
export async function again(query = location.search) {
  try {
    const answer = await fetch(location.pathname + query, { credentials: "same-origin", headers: { Accept: "text/html" } });
    return answer.ok && !answer.redirected ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
  } catch {
    return null;
  }
}

/** Open a `<dialog>`; where the browser knows none, it is shown as a plain block. */
export function openDialog(dialog) {
  if (typeof dialog.showModal === "function") { if (!dialog.open) dialog.showModal(); } else dialog.setAttribute("open", "");
}

export function closeDialog(dialog) {
  if (typeof dialog.close === "function") dialog.close(); else dialog.removeAttribute("open");
}

/** An id for a deliberate act; `crypto.randomUUID` exists only in secure contexts. */
export function newId() {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Storage that may be forbidden: then a page remembers only for itself. */
const own = new Map();
export const store = {
  get(key) {
    try { return JSON.parse(localStorage.getItem(key)); } catch { return own.get(key) ?? null; }
  },
  set(key, value) {
    own.set(key, value);
    try { localStorage.setItem(key, JSON.stringify(value)); return true; } catch { return false; }
  },
  remove(key) {
    own.delete(key);
    try { localStorage.removeItem(key); } catch { /* was never kept */ }
  },
};
