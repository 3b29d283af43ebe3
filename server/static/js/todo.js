// 待办数: the live count in the head of every page. A socket that says nothing but the count; lost, it is tried again.

const badge = document.getElementById("todo-count");
const AGAIN_MS = [500, 1_000, 2_000, 5_000, 15_000, 30_000];
const KEPT = "todo-count";
const SESSION_OVER = 4401;
let tries = 0;
let socket = null;

function show({ count, late }) {
  badge.hidden = !count;
  badge.textContent = count > 99 ? "99+" : String(count);
  badge.classList.toggle("late", late > 0);
  badge.setAttribute("aria-label", badge.dataset.words.replace("{n}", count));
}

function open() {
  socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/todo`);
  socket.addEventListener("message", (event) => {
    tries = 0;
    const told = JSON.parse(event.data);
    if (told.t !== "todo") return;
    try { sessionStorage.setItem(KEPT, event.data); } catch { /* a private window keeps nothing */ }
    show(told);
    dispatchEvent(new CustomEvent("todo", { detail: told }));
  });
  socket.addEventListener("close", (event) => {
    socket = null;
    if (event.code === SESSION_OVER) return sessionStorage.removeItem(KEPT);
    setTimeout(() => socket || open(), AGAIN_MS[Math.min(tries++, AGAIN_MS.length - 1)] * (0.5 + Math.random()));
  });
}

if (badge) {
  try { show(JSON.parse(sessionStorage.getItem(KEPT) ?? "null") ?? { count: 0, late: 0 }); } catch { /* nothing kept */ }
  open();
  addEventListener("pagehide", () => socket?.close());
  addEventListener("pageshow", (event) => event.persisted && !socket && open());
}
