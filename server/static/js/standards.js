// Loading a file of codes and names: the file is checked line by line first; nothing is written before the reader has said yes.

import { $, el, say, show, t } from "./page.js";

let file = null;

async function send(commit) {
  const answer = await fetch(`/api/${$("#load").dataset.book}/import?commit=${commit}`, { method: "POST", headers: { "Content-Type": "text/csv" }, body: file });
  return { ok: answer.ok, body: await answer.json() };
}

/** Do one step; what is refused, and a lost connection, is told in words. Returns the report, or null. */
async function step(commit) {
  show("#refused", false);
  show("#busy", true);
  say("#said", t(commit ? "standards.load_writing" : "standards.load_checking"));
  $("#file").disabled = $("#commit").disabled = true;
  try {
    const { ok, body } = await send(commit);
    if (ok) return body;
    say("#refused", body.detail);
  } catch {
    say("#refused", t("standards.load_failed"));
  } finally {
    show("#busy", false);
    say("#said", file.name);
    $("#file").disabled = $("#commit").disabled = false;
  }
  show("#refused", true);
  return null;
}

function tell(report) {
  const renamed = report.renamed.map(([code, before, now]) => el("li", {}, `${code} ${before} → ${now}`));
  const faulty = report.faulty.map((one) => el("li", {}, `${t("standards.load_line", one)} ${one.code} ${one.name}: `, el("b", {}, t(`import.${one.fault}`))));
  say("#summary", t("standards.load_report", { ...report, renamed: report.renamed.length }));
  $("#faulty").replaceChildren(...faulty, ...renamed);
  show("#report", true);
  show("#commit", !report.faults && report.new + report.renamed.length > 0);
  if (!report.faults && !report.new && !report.renamed.length) say("#said", t("standards.load_nothing"));
}

$("#file").addEventListener("change", async (event) => {
  file = event.target.files[0];
  if (!file) return;
  show("#report", false);
  const report = await step(false);
  if (report) tell(report);
  event.target.value = "";
});

$("#commit").addEventListener("click", async () => {
  const report = await step(true);
  if (!report) return;
  tell(report);
  show("#commit", false);
  say("#said", t("standards.load_done"));
});
