// Every page for people who are signed in: the frame around it, the socket and what it tells all pages.
import { emit, on } from "./bus.js";
import { startDialogs } from "./dialogs.js";
import { startDrawers } from "./drawers.js";
import { startForms } from "./forms.js";
import { startJump } from "./jump.js";
import { startKeyboard } from "./keyboard.js";
import { startMenus } from "./menus.js";
import { Notifications } from "./notifications.js";
import { Sidebar } from "./sidebar.js";
import { Socket } from "./socket.js";
import { StatusView } from "./status-view.js";
import { text } from "./text.js";
import { startTheme } from "./theme.js";
import { keepFresh, localizeTimes } from "./times.js";
import { toast } from "./toasts.js";
import { Unread } from "./unread.js";

export const clock = {
  now: () => Date.now(),
  setTimeout: (callback, delay) => window.setTimeout(callback, delay),
  clearTimeout: (id) => window.clearTimeout(id),
};

const element = document.getElementById("bootstrap");
/** What the server says of the open chat; null on other pages. */
export const bootstrap = element === null ? null : JSON.parse(element.textContent);
const userId = document.body.dataset.userId ?? "";
const { htmx } = window;

startMenus(document);
startTheme(document);
startDialogs(htmx);
startDrawers();
startForms();
startJump();
startKeyboard();
localizeTimes(document);
keepFresh();
document.body.addEventListener("htmx:load", (event) => localizeTimes(event.detail.elt));
document.body.addEventListener("htmx:sendError", () => toast(text("network"), { level: "error" }));
document.body.addEventListener("htmx:responseError", () => toast(text("refused"), { level: "error" }));

const scheme = location.protocol === "https:" ? "wss:" : "ws:";
export const socket = new Socket({
  url: `${scheme}//${location.host}/ws/`,
  WebSocket,
  clock,
  random: Math.random,
  onFrame: (frame) => emit(frame.type, frame),
  onState: (state) => emit("socket.state", state),
});

export const sidebar = new Sidebar(htmx, { chatId: bootstrap?.chat_id ?? "", userId });
export const unread = new Unread(() => sidebar.refresh());
const seen = { check: () => false };
const notifications = new Notifications(document.getElementById("bell"), (data) => seen.check(data));

/** Say which notifications need no toast: those about what the reader is looking at. */
export function setSeen(check) {
  seen.check = check;
}

const status = new StatusView(document.getElementById("ws-status"), document.getElementById("announcer"), () =>
  socket.retry(),
);
on("socket.state", (state) => {
  status.show(state);
  if (state.reason === "auth") {
    const href = `/accounts/login/?next=${encodeURIComponent(location.pathname)}`;
    toast(text("signed_out"), { level: "error", link: { href, label: text("sign_in") } });
  }
});
on("notice", ({ level, text: words }) => toast(words, { level, sticky: level === "error" }));
on("resync", ({ within }) => {
  window.setTimeout(() => {
    socket.resubscribe();
    sidebar.refresh();
    notifications.recount();
    emit("members.stale", {});
  }, Math.random() * within * 1000);
});

socket.start();
window.addEventListener("pagehide", () => socket.stop());
window.addEventListener("pageshow", (event) => {
  if (event.persisted) socket.retry();
});
