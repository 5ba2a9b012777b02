// The page's one connection: browser events, the dot, a toast and a sentence for screen readers.
import { emit, on } from "../lib/bus.js";
import { isComposing } from "../lib/keys.js";
import { Socket } from "../net/socket.js";
import { sentence, StatusDot } from "./status-dot.js";
import { text } from "../lib/text.js";

const GIVEN_UP = new Set(["exhausted", "fatal"]);

/** Where to sign in, to come back to this page. */
export function signInAddress() {
  return `/accounts/login/?next=${encodeURIComponent(location.pathname)}`;
}

/** What is said of the connection beside the dot: toasts, and for screen readers a sentence where the dot changes. */
class ConnectionNotices {
  constructor({ announcer, toasts }) {
    Object.assign(this, { announcer, toasts });
    this.told = null; // the dot's name when it was last told; null until the first connection stands or fails
    this.toast = null; // of the loss that stands
  }

  shown(state) {
    const isFirst = this.told === null && state.name !== "disconnected"; // no news
    const isNews = !isFirst && !state.isRestart && state.name !== this.told; // a restart is no alarm, unless it fails
    if (isNews) this.announcer.textContent = sentence(state);
    if (isNews || state.name === "connected") this.told = state.name;
    if (state.name === "connected") this.restored(isNews);
    else if (GIVEN_UP.has(state.state)) this.say("connection_lost");
    else if (state.state === "auth_lost") this.say("signed_out", { href: signInAddress(), label: text("sign_in") });
  }

  say(key, link = null) {
    this.toast?.remove();
    this.toast = this.toasts.show(text(key), { level: "error", link, isSpoken: false });
  }

  restored(isNews) {
    this.toast?.remove();
    this.toast = null;
    if (isNews) this.toasts.show(text("connection_restored"), { isSpoken: false });
  }
}

function watchBrowser(socket, signal) {
  const listen = (target, type, handler) => target.addEventListener(type, handler, { signal });
  listen(window, "online", () => socket.wake());
  listen(window, "offline", () => socket.offline());
  listen(document, "visibilitychange", () => {
    if (document.visibilityState === "visible") socket.wake();
  });
  listen(window, "pagehide", () => socket.leave());
  listen(window, "pageshow", ({ persisted }) => {
    if (!persisted) return;
    // Somebody may have signed in again since; the page then needs that session's token too.
    if (socket.state.name === "auth_lost") location.reload();
    else socket.shown();
  });
}

/**
 * Returns the socket, not started yet; it stops with `signal`. Its frames are events of the bus, and so are "socket.state",
 * whenever it changes, and "connection.shown", when the dot does: a loss that is over within a second is never shown.
 */
export function makeConnection({ toasts, clock, signal }) {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new Socket({
    url: `${scheme}//${location.host}/ws/`,
    WebSocket,
    clock,
    random: Math.random,
    onFrame: (frame) => emit(frame.type, frame),
    onState: (state) => emit("socket.state", state),
    log: (line) => console.info(line),
  });
  const notices = new ConnectionNotices({ announcer: document.getElementById("announcer"), toasts });
  const dot = new StatusDot({
    button: document.getElementById("ws-status"),
    clock,
    signal,
    onClick: () => (socket.state.name === "auth_lost" ? location.assign(signInAddress()) : socket.retry()),
    onShown: (state) => {
      notices.shown(state);
      emit("connection.shown", state);
    },
  });
  const changed = (state) => {
    if (state.state !== "stopped") dot.show(state); // the page is left; back from the cache it shows what comes next
  };
  on("socket.state", changed, signal);
  // Anywhere: a pointer may rest on the dot while somebody types elsewhere.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !isComposing(event)) dot.dismiss();
  }, { signal });
  watchBrowser(socket, signal);
  signal.addEventListener("abort", () => socket.stop());
  return socket;
}
