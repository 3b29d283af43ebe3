// The picture of a certificate: handed in as soon as it is chosen; its row of the form keeps the id.

import { t } from "./page.js";

async function handIn(cell, file) {
  const [kept, see, said] = ["[type=hidden]", ".paper-see", ".paper-said"].map((name) => cell.querySelector(name));
  said.className = "paper-said";
  said.textContent = t("paper.sending");
  try {
    const answer = await fetch(`/api/papers?${new URLSearchParams({ name: file.name })}`, {
      method: "POST", headers: { "Content-Type": "application/octet-stream" }, body: file,
    });
    const told = await answer.json();
    if (!answer.ok) throw new Error(told.detail);
    kept.value = told.id;
    see.href = told.path;
    see.textContent = told.name;
    see.hidden = false;
    said.textContent = "";
  } catch (error) {
    said.classList.add("error");
    said.textContent = error instanceof TypeError || error instanceof SyntaxError ? t("paper.failed") : error.message;
  }
}

for (const cell of document.querySelectorAll("[data-paper]")) {
  const chosen = cell.querySelector("[type=file]");
  chosen.addEventListener("change", async () => {
    if (!chosen.files[0]) return;
    await handIn(cell, chosen.files[0]);
    chosen.value = "";
  });
}
