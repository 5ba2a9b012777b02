// Every page for people who are signed in: the frame around it, the socket and what it tells all pages.
import { emit, on } from "./lib/bus.js";
import { makeConnection } from "./shell/connection.js";
import { Database, DatabaseStore } from "./outbox/database.js";
import { startDialogs } from "./shell/dialogs.js";
import { startDrawers } from "./shell/drawers.js";
import { startDroppedFiles } from "./composer/dropped-files.js";
import { startForms } from "./shell/forms.js";
import { startJump } from "./shell/quick-switcher.js";
import { startKeyboard } from "./shell/keyboard.js";
import { Leaving } from "./outbox/leaving.js";
import { LivePage } from "./shell/live-page.js";
import { startMenus } from "./shell/menus.js";
import { startLost } from "./outbox/lost.js";
import { startCopying } from "./chat/message-body.js";
import { Notifications } from "./attention/notifications.js";
import { Outbox } from "./outbox/outbox.js";
import { OutboxStore, SessionStore } from "./outbox/store.js";
import { followNames } from "./shell/people.js";
import { callApi } from "./net/rest.js";
import { Sender } from "./outbox/sender.js";
import { Sidebar } from "./shell/sidebar.js";
import { askBeforeSignOut, forgetAfterSignOut } from "./outbox/sign-out.js";
import { Tabs } from "./outbox/tabs.js";
import { text } from "./lib/text.js";
import { startTheme } from "./shell/theme.js";
import { keepFresh, localizeTimes } from "./lib/times.js";
import { toast, untoast } from "./attention/toasts.js";
import { Unread } from "./attention/unread.js";

export const clock = {
  now: () => Date.now(),
  setTimeout: (callback, delay) => window.setTimeout(callback, delay),
  clearTimeout: (id) => window.clearTimeout(id),
};
// Nobody asked for these: if the connection is lost, the dot tells, and they are fetched again once it is back.
const FETCHED_BY_ITSELF = "#sidebar-list, #bell-badge, #chat-header, #member-list";
const RELOAD_WITHIN = 1000; // ms: after a server's restart its clients do not all ask at once

const element = document.getElementById("bootstrap");
/** What the server says of the open chat; null on other pages. */
export const bootstrap = element === null ? null : JSON.parse(element.textContent);
const chatId = bootstrap?.chat_id ?? "";
const userId = document.body.dataset.userId ?? "";
const { htmx } = window;

const database = new Database();
forgetAfterSignOut({
  userId,
  database,
  onForget: () => {
    outbox.forget();
    emit("written.forgotten", {});
  },
});
startMenus(document);
startTheme(document);
startDialogs(htmx);
startDrawers();
startForms();
startDroppedFiles();
startCopying();
startJump();
startKeyboard();
localizeTimes(document);
keepFresh();
document.body.addEventListener("htmx:load", (event) => localizeTimes(event.detail.elt));
const sayFailed = (key) => ({ detail: { target } }) => {
  if (!target?.matches(FETCHED_BY_ITSELF)) toast(text(key), { level: "error" });
};
document.body.addEventListener("htmx:sendError", sayFailed("network"));
document.body.addEventListener("htmx:responseError", sayFailed("refused"));

export const socket = makeConnection(clock);
followNames();
export const sidebar = new Sidebar(htmx, { chatId, userId, clock });
const content = document.getElementById("content");
if (content !== null) new LivePage({ content, htmx, clock });
on("workspace.member_removed", ({ workspace_name: name, data }) => {
  if (data.user_id === userId) toast(text("workspace_left", { name }), { level: "warning" });
});
on("workspace.deleted", ({ data: { name } }) => toast(text("workspace_deleted", { name }), { level: "warning" }));
export const unread = new Unread(sidebar);
const seen = { check: () => false };
const notifications = new Notifications(document.getElementById("bell"), (data) => seen.check(data), clock);

/** Say which notifications need no toast: those about what the reader is looking at. */
export function setSeen(check) {
  seen.check = check;
}

// --- What was written goes out, from whatever page and tab ---
const sender = new Sender({ socket, callApi, userId });
const tabs = new Tabs({
  name: `flowra.outbox.${userId}`,
  locks: navigator.locks,
  Channel: window.BroadcastChannel,
  clock,
  onMessage: (message) => outbox.heard(message),
});
export const outbox = new Outbox({
  store: new OutboxStore(new DatabaseStore(database, userId), new SessionStore(sessionStorage, userId)),
  tabs,
  ready: () => sender.ready(),
  deliver: (entry) => sender.deliver(entry),
  onChange: (entry, answer, isNews) => {
    emit("outbox.changed", { entry, answer });
    lost.changed(entry, isNews);
  },
  onUnsafe: () => toast(text("cannot_keep"), { level: "warning", sticky: true }),
  clock,
});
const lost = startLost({ outbox, chatId });
outbox.loaded = outbox.load();
askBeforeSignOut(() => outbox.entries.length);
on("welcome", ({ user_id }) => {
  sender.greeted(user_id);
  if (user_id !== userId) location.reload(); // somebody else has signed in: this page is not theirs
});
on("chat.message.posted", ({ data }) => {
  if (data.author.id === userId) outbox.seen(data.client_id, data);
});
on("socket.state", () => outbox.flush());
const drafts = []; // of the box on this page, if there is one
/** Have a box follow what other tabs do to its draft. */
export function watchDrafts(own, show) {
  drafts.push(own);
  window.addEventListener("storage", ({ storageArea, key, oldValue }) => {
    const draft = storageArea === localStorage ? own.heard(key, oldValue) : null;
    if (draft !== null) show(draft);
  });
}
new Leaving({
  isSafe: () => outbox.isSafe && drafts.every(({ isSafe }) => isSafe),
  isWaiting: () => outbox.isWaiting,
}).start();
window.addEventListener("pagehide", ({ persisted }) => {
  if (persisted) tabs.leave();
});
document.addEventListener("freeze", () => tabs.leave());
const resume = () => {
  tabs.resume();
  outbox.load(); // other tabs have gone on meanwhile
};
document.addEventListener("resume", resume);
window.addEventListener("pageshow", ({ persisted }) => {
  if (persisted) resume();
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") outbox.load();
});

// --- What the socket may have missed besides messages: chats, members, unread counts ---
let reloadTimer = null;
function reloadWithin(wait, resubscribe) {
  clock.clearTimeout(reloadTimer);
  reloadTimer = clock.setTimeout(() => {
    if (resubscribe) socket.resubscribe();
    sidebar.refresh();
    notifications.recount();
    emit("chat.stale", {});
  }, Math.random() * wait);
}
on("resync", ({ within }) => reloadWithin(within * 1000, true));
let hasConnected = false;
on("socket.state", ({ state, attempt }) => {
  if (state !== "online") return;
  untoast(text("network")); // it can
  if (hasConnected || attempt > 0) reloadWithin(RELOAD_WITHIN, false); // the page is older than the connection
  hasConnected = true;
});
on("notice", ({ level, text: words }) => toast(words, { level, sticky: level === "error" }));

socket.start();
