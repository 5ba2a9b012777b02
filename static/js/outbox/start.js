// The outbox of a page: what was written goes out from whatever page and tab is open.
import { emit, on } from "../lib/bus.js";
import { text } from "../lib/text.js";
import { callApi } from "../net/rest.js";
import { DatabaseStore } from "./database.js";
import { askBeforeLeaving } from "./leaving.js";
import { startLost } from "./lost.js";
import { Outbox } from "./outbox.js";
import { Sender } from "./sender.js";
import { askBeforeSignOut } from "./sign-out.js";
import { OutboxStore, SessionStore } from "./store.js";
import { Tabs } from "./tabs.js";

/**
 * Returns the outbox; its `loaded` is a promise of when it has what was kept. Its changes are "outbox.changed" on the bus.
 * `open` see shell/start.js, `toasts` see toasts.js, `openDialog` see dialogs.js.
 */
export function startOutbox({ userId, socket, database, open, toasts, openDialog, clock, signal }) {
  const sender = new Sender({ socket, callApi, userId });
  const tabs = new Tabs({
    name: `flowra.outbox.${userId}`,
    locks: navigator.locks,
    Channel: window.BroadcastChannel,
    clock,
    onMessage: (message) => outbox.receive(message),
  });
  const outbox = new Outbox({
    store: new OutboxStore(new DatabaseStore(database, userId), new SessionStore(sessionStorage, userId)),
    tabs,
    ready: () => sender.ready(),
    deliver: (entry) => sender.deliver(entry),
    onChange: (entry, answer, isNews) => emit("outbox.changed", { entry, answer, isNews }),
    onUnsafe: () => toasts.show(text("cannot_keep"), { level: "warning", sticky: true }),
    clock,
  });
  startLost({ outbox, open, toasts, openDialog, signal });
  askBeforeSignOut({ count: () => outbox.entries.length, signal });
  askBeforeLeaving({ isSafe: () => outbox.isSafe && open.isSafe(), isWaiting: () => outbox.isWaiting, signal });
  const greeted = ({ user_id }) => {
    sender.greeted(user_id);
    if (user_id !== userId) location.reload(); // somebody else has signed in: this page is not theirs
  };
  on("welcome", greeted, signal);
  const posted = ({ data }) => {
    if (data.author.id === userId) outbox.seen(data.client_id, data);
  };
  on("chat.message.posted", posted, signal);
  on("socket.state", () => outbox.flush(), signal);
  followPage({ outbox, tabs, signal });
  outbox.loaded = outbox.load();
  return outbox;
}

/** A page that is left or frozen holds nothing that other tabs wait for; one that comes back reads what they have done. */
function followPage({ outbox, tabs, signal }) {
  const listen = (target, type, handler) => target.addEventListener(type, handler, { signal });
  const resume = () => {
    tabs.resume();
    outbox.load();
  };
  listen(window, "pagehide", ({ persisted }) => {
    if (persisted) tabs.leave();
  });
  listen(window, "pageshow", ({ persisted }) => {
    if (persisted) resume();
  });
  listen(document, "freeze", () => tabs.leave());
  listen(document, "resume", resume);
  listen(document, "visibilitychange", () => {
    if (document.visibilityState === "visible") outbox.load();
  });
  signal.addEventListener("abort", () => tabs.leave());
}
