// Loading a file of products: it is kept beside the registry and judged step by step; the page shows how far it is.

import { $, say, show, t } from "./page.js";

/** Ask the server; its refusal is thrown in its own words. */
async function ask(path, body) {
  const answer = await fetch(path, { method: "POST", headers: { "Content-Type": "text/plain" }, body });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.detail);
  return told;
}

function refuse(error) {
  show("#busy", false);
  say("#refused", error instanceof TypeError ? t("product.load_failed") : error.message);
  show("#refused", true);
}

async function judge(id) {
  for (;;) {
    const told = await ask(`/api/products/imports/${id}/step`);
    $("#busy").value = told.judged;
    say("#said", t("product.lines_of", told));
    if (told.stage !== "judging") return location.reload();
  }
}

$("#file")?.addEventListener("change", async (event) => {
  const file = event.target.files[0];
  if (!file) return;
  show("#refused", false);
  show("#busy", true);
  say("#said", t("product.load_sending"));
  try {
    location.assign((await ask(`/api/products/imports?${new URLSearchParams({ name: file.name })}`, file)).path);
  } catch (error) {
    refuse(error);
  }
});

const kept = $("#import");
if (kept?.dataset.stage === "judging") judge(kept.dataset.import).catch(refuse);

/** What goes over is one transaction: the page says that it is under way. */
kept?.querySelector("form").addEventListener("submit", (event) => {
  $("#busy").removeAttribute("value");
  say("#said", t("product.load_taking"));
  requestAnimationFrame(() => event.target.querySelectorAll("button").forEach((button) => { button.disabled = true; }));
});

/** Look at all goods for their standard product, a step at a time. */
async function look(left) {
  show("#busy", true);
  for (;;) {
    const told = await ask("/api/products/same/step");
    $("#busy").value = left - told.left;
    say("#said", t("product.same_left", { n: told.left }));
    if (!told.left || !told.looked) return location.reload();
  }
}

$("#look")?.addEventListener("submit", (event) => {
  event.preventDefault();
  event.target.hidden = true;
  look(Number($("#same").dataset.left)).catch(refuse);
});
