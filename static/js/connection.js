// The page's one connection: what the browser says about it goes in, the dot, a toast and a sentence come out.
import { emit, on } from "./bus.js";
import { Socket } from "./socket.js";
import { describe, StatusView } from "./status-view.js";
import { text } from "./text.js";
import { toast } from "./toasts.js";

const GIVEN_UP = new Set(["exhausted", "fatal"]);

function signInAddress() {
  return `/accounts/login/?next=${encodeURIComponent(location.pathname)}`;
}

/** What is said of the connection beyond the dot; spoken are changes of the dot alone, once each. */
class Notices {
  constructor(announcer) {
    this.announcer = announcer;
    this.hasConnected = false;
    this.toast = null; // of the loss that stands
  }

  shown(state, before) {
    const isChange = state.name !== before?.name;
    // The first connection of a page is no news, and a restart of the server no alarm.
    if (isChange && (this.hasConnected || state.name === "disconnected") && !state.isRestart) {
      this.announcer.textContent = describe(state);
    }
    if (state.name === "connected") this.restored(state, before);
    else if (GIVEN_UP.has(state.state)) this.say("connection_lost");
    else if (state.state === "auth_lost") this.say("signed_out", { href: signInAddress(), label: text("sign_in") });
  }

  say(key, link = null) {
    this.toast?.remove();
    this.toast = toast(text(key), { level: "error", link, isSpoken: false });
  }

  restored({ isRestart }, before) {
    this.toast?.remove();
    this.toast = null;
    const isNews = this.hasConnected && before?.name !== "connected" && !isRestart;
    this.hasConnected = true;
    if (isNews) toast(text("connection_restored"), { isSpoken: false });
  }
}

function watchBrowser(socket) {
  window.addEventListener("online", () => socket.wake());
  window.addEventListener("offline", () => socket.offline());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") socket.wake();
  });
  window.addEventListener("pagehide", () => socket.leave());
  window.addEventListener("pageshow", ({ persisted }) => {
    if (!persisted) return;
    // Somebody may have signed in again since; the page then needs that session's token too.
    if (socket.state.name === "auth_lost") location.reload();
    else socket.shown();
  });
}

/** Returns the socket, not started yet. Its frames and "socket.state" are events of the bus. */
export function makeConnection(clock) {
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
  const notices = new Notices(document.getElementById("announcer"));
  const view = new StatusView({
    button: document.getElementById("ws-status"),
    clock,
    onClick: () => (socket.state.name === "auth_lost" ? location.assign(signInAddress()) : socket.retry()),
    onShown: (state, before) => notices.shown(state, before),
  });
  on("socket.state", (state) => view.show(state));
  watchBrowser(socket);
  return socket;
}
