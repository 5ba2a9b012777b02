// What every page for people who are signed in has: the frame around it, the socket, the outbox.
import { Notifications } from "../attention/notifications.js";
import { Toasts } from "../attention/toasts.js";
import { Unread } from "../attention/unread.js";
import { startRoving } from "../input/roving.js";
import { emit, on } from "../lib/bus.js";
import { browserClock, lifetime } from "../lib/clock.js";
import { watchKeyboard } from "../lib/keys.js";
import { text } from "../lib/text.js";
import { keepFresh, localizeTimes } from "../lib/times.js";
import { Database } from "../outbox/database.js";
import { startOutbox } from "../outbox/start.js";
import { forgetAfterSignOut } from "../outbox/sign-out.js";
import { People } from "../presence/people.js";
import { startWatch } from "../presence/watch.js";
import { startSidebar } from "../sidebar/start.js";
import { makeConnection } from "./connection.js";
import { openDialog, startDialogs } from "./dialogs.js";
import { closeDrawer, startDrawers } from "./drawers.js";
import { startDroppedFiles } from "./dropped-files.js";
import { startForms } from "./forms.js";
import { startKeyboard } from "./keyboard.js";
import { LivePage } from "./live-page.js";
import { closeMenus, startMenus, startTheme } from "./menus.js";
import { startQuickSwitcher } from "./quick-switcher.js";

const RELOAD_WITHIN = 1000; // ms: after a server's restart its clients do not all ask at once
const NO_CHAT = { chatId: "", isSeen: () => false, isSafe: () => true };

/** Start all of it; returns what a chat builds on, and `stop()`. */
export function startApp(pageClock = browserClock) {
  const { signal, clock, stop } = lifetime(pageClock);
  const part = { clock, signal };
  const userId = document.body.dataset.userId ?? "";
  const { htmx } = window;
  // What the open chat tells the parts around it: `isSeen(notification)`, whether the reader is looking at what it is about;
  // `isSafe()`, whether what is being written outlives the page.
  const open = { ...NO_CHAT };
  const toasts = new Toasts({ ...part, box: document.getElementById("toasts") });
  const database = new Database({ clock });
  const onForget = () => {
    outbox.forget();
    emit("written.forgotten", {});
  };
  forgetAfterSignOut({ userId, database, onForget, signal }); // before anything stored is read
  watchKeyboard(part);
  startMenus(part);
  startTheme(part);
  const closeDialogs = startDialogs({ htmx, signal });
  startDrawers(part);
  startForms(part);
  startDroppedFiles({ toasts, signal });
  startQuickSwitcher({ ...part, userId, open, toasts });
  startKeyboard(part);
  startRoving(part);
  localizeTimes(document);
  keepFresh(part);
  document.body.addEventListener("htmx:load", ({ detail }) => localizeTimes(detail.elt), { signal });
  sayFailures({ toasts, signal });

  const socket = makeConnection({ ...part, toasts });
  const people = new People(part);
  const watch = startWatch({ ...part, socket });
  const outbox = startOutbox({ ...part, userId, socket, database, open, toasts, openDialog });
  const sidebar = startSidebar({ ...part, open, userId, outbox, toasts });
  const content = document.getElementById("content");
  const page = lifetime(clock, signal); // of a page without a chat, until a chat takes its place
  if (content !== null) new LivePage({ ...page, content, htmx });
  const unread = new Unread({ sidebar, signal });
  const isSeen = (notification) => open.isSeen(notification);
  const notifications = new Notifications({ ...part, bell: document.getElementById("bell"), isSeen, toasts });
  sayNews({ userId, toasts, signal });
  const refresh = () => {
    sidebar.refresh();
    notifications.recount();
    emit("chat.stale", {});
  };
  refreshAfterLoss({ ...part, socket, refresh });
  socket.start();
  /** Make a chat the open one until `ended` is aborted. */
  const setOpen = (chat, ended) => {
    Object.assign(open, chat);
    ended.addEventListener("abort", () => Object.assign(open, NO_CHAT));
  };
  /** Close what lies over the page. */
  const closeOverlays = () => {
    closeDialogs();
    closeMenus();
    closeDrawer();
  };
  const app = { ...part, socket, outbox, unread, people, watch, toasts, sidebar, setOpen, closeOverlays, leavePage: page.stop, stop };
  return app; // to which navigation/start.js adds navigate(href)
}

/** Say that what htmx asked for cannot be had; nobody asked for the bell's number, which is fetched again. */
function sayFailures({ toasts, signal }) {
  const say = (key) => ({ detail: { target } }) => {
    if (target?.id !== "bell-badge") toasts.show(text(key), { level: "error" });
  };
  document.body.addEventListener("htmx:sendError", say("network"), { signal });
  document.body.addEventListener("htmx:responseError", say("refused"), { signal });
  const stateChanged = ({ state }) => {
    if (state === "online") toasts.remove(text("network")); // it can be reached again
  };
  on("socket.state", stateChanged, signal);
}

function sayNews({ userId, toasts, signal }) {
  const memberRemoved = ({ workspace_name: name, data }) => {
    if (data.user_id === userId) toasts.show(text("workspace_left", { name }), { level: "warning" });
  };
  on("workspace.member_removed", memberRemoved, signal);
  const deleted = ({ data: { name } }) => toasts.show(text("workspace_deleted", { name }), { level: "warning" });
  on("workspace.deleted", deleted, signal);
  const notice = ({ level, text: words }) => toasts.show(words, { level, sticky: level === "error" });
  on("notice", notice, signal);
}

/** Fetch again what the socket may have missed beside messages: chats, members, unread counts. */
function refreshAfterLoss({ socket, refresh, clock, signal }) {
  let timer = null;
  const refreshWithin = (wait, resubscribe) => {
    clock.clearTimeout(timer);
    timer = clock.setTimeout(() => {
      if (resubscribe) socket.resubscribe();
      refresh();
    }, Math.random() * wait);
  };
  on("resync", ({ within }) => refreshWithin(within * 1000, true), signal);
  let hasConnected = false;
  const stateChanged = ({ state, attempt }) => {
    if (state !== "online") return;
    if (hasConnected || attempt > 0) refreshWithin(RELOAD_WITHIN, false); // the page is older than the connection
    hasConnected = true;
  };
  on("socket.state", stateChanged, signal);
}
