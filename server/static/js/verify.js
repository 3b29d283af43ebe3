// The verification page: files in, one plain answer out, green or red. Nothing leaves the browser.

import { $, el, facts, show, t } from "./page.js";
import { NotGenuine, verify } from "./transcript.js";

const zone = $("#drop");
const answer = $("#answer");

function tell(good, heading, lines) {
  answer.classList.toggle("good", good);
  answer.classList.toggle("bad", !good);
  answer.dataset.state = good ? "genuine" : "false";
  $(".result-mark", answer).textContent = good ? "✓" : "!";
  $("h2", answer).textContent = heading;
  $("div", answer).replaceChildren(...lines.map((line) => el("p", {}, line)));
  show(answer, true);
  answer.scrollIntoView({ block: "nearest" });
}

/** A transcript has many lines, a file of receipts one. */
const isReceipt = (text) => text.startsWith('{"format":"yangcai-receipts');

async function take(files) {
  const texts = await Promise.all([...files].map((file) => file.text()));
  const receipt = texts.find(isReceipt) ?? "";
  const data = texts.find((text) => !isReceipt(text)) ?? "";
  show(answer, false);
  if (!globalThis.isSecureContext) {
    tell(false, t("verify.needs_https"), []);
    return;
  }
  $("#said").textContent = t("verify.working");
  try {
    const found = await verify(data, facts.keys, receipt);
    const lines = [`${found.number} ${found.title}`, t("verify.counted", found)];
    if (found.closed_terms) lines.push(t("verify.closed_terms", found));
    if (receipt) lines.push(t("verify.receipts", found));
    tell(true, t("verify.good"), lines);
  } catch (error) {
    if (!(error instanceof NotGenuine)) throw error;
    tell(false, t("verify.bad", { why: t(`verify_bad.${error.code}`, { at: error.at }) }), []);
  }
  $("#said").textContent = [...files].map((file) => file.name).join(" · ");
}

$("#files").addEventListener("change", (event) => take(event.target.files));
for (const kind of ["dragover", "drop"]) {
  zone.addEventListener(kind, (event) => {
    event.preventDefault();
    if (kind === "drop" && event.dataTransfer.files.length) take(event.dataTransfer.files);
  });
}
