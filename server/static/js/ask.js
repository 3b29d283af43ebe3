// Forms that cannot be undone ask once, in words, before they are sent; a second click while sending does nothing.
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent || (form.dataset.ask && !window.confirm(form.dataset.ask))) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    window.addEventListener("pageshow", () => delete form.dataset.sent, { once: true });
  });
}
