// Who is online among those whom the page shows: the server is told whom to watch, and says how they are and when that changes.
import { emit, on } from "../lib/bus.js";
import { text } from "../lib/text.js";
import { Retry } from "../net/retry.js";
import { Presence } from "./presence.js";

const MOST = 500; // people whom the server watches for one connection
const SETTLE = 50; // ms: what one chat leaves and the next one wants is one frame
const EVERY = 1100; // ms between two frames: the server takes one a second
const FIRST = ["header", "sidebar"]; // keys that come before all others where there are too many people

/** How a state looks, see components.css; `state` as Presence.stateOf gives it, but not undefined. */
export const lookOf = (state) => (state === null ? "unknown" : state.is_online ? "online" : "offline");

const WORDS = { online: "dot_online", offline: "dot_offline" };

/** Have a dot show `look`, and say it to those who do not see it where it has words. */
export function paintDot(dot, look) {
  for (const one of ["online", "offline", "unknown"]) dot.classList.toggle(one, one === look);
  const words = dot.querySelector(".visually-hidden");
  if (words !== null) words.textContent = look in WORDS ? text(WORDS[look]) : "";
}

/** The ids of whom `wanted` names, a Map from key to ids: each once, MOST at most. */
export function union(wanted) {
  const rest = [...wanted.keys()].filter((key) => !FIRST.includes(key));
  const ids = [...FIRST, ...rest].flatMap((key) => wanted.get(key) ?? []);
  return [...new Set(ids)].slice(0, MOST);
}

export class Watch {
  /**
   * `socket` has `isOpen` and `request(frame)`. Each time something is known anew `onChange(userIds)` is called, null for all
   * users.
   */
  constructor({ socket, onChange, clock }) {
    Object.assign(this, { socket, onChange, clock });
    this.presence = new Presence();
    this.wanted = new Map(); // key → ids
    this.isEnabled = true;
    this.isGreeted = false; // whether there has been a connection: until then the page is as fresh as it can be
    this.asked = []; // ids in the latest question
    this.told = null; // what the server was told on this connection, to compare with; null is nothing
    this.isAnswered = false; // whether the server has said on this connection how those are whom it watches
    this.toldAt = -Infinity;
    this.timer = null;
    this.retry = new Retry({
      ask: () => this.ask(),
      onAnswer: ({ users }) => this.answered(users),
      onError: ({ code }) => this.failed(code),
      clock,
    });
  }

  /** From now on `key` shows these people, and no others. */
  want(key, userIds) {
    if (userIds.length > 0) this.wanted.set(key, [...userIds]);
    else this.wanted.delete(key);
    this.tellSoon();
  }

  /** What the server wrote into the page of people: entries as they come over the wire. */
  seed(entries) {
    this.presence.seed(entries);
  }

  get isKnown() {
    return this.presence.isKnown;
  }

  /** See Presence.stateOf. */
  stateOf(userId) {
    return this.presence.stateOf(userId);
  }

  // --- The connection ---

  /** The server has greeted a new connection, which knows of nobody. */
  greeted({ presence_enabled: isEnabled }) {
    Object.assign(this, { isEnabled, isGreeted: true, isAnswered: false, told: null, toldAt: -Infinity });
    this.clock.clearTimeout(this.timer);
    this.timer = null;
    if (isEnabled) this.tell();
    else this.lose();
  }

  /** Changes may have been missed: ask again within `wait` ms; until then what is known stays. */
  again(wait) {
    this.told = null;
    this.tellSoon(wait);
  }

  /** The connection is gone; what was known a moment ago stays shown. */
  pause() {
    this.isAnswered = false;
    this.told = null;
    this.retry.cancel();
    if (this.isGreeted) this.presence.hold();
  }

  /** Nobody knows any more. */
  lose() {
    this.presence.lose();
    this.onChange(null);
  }

  /** The page says that it is not connected: what was known may not be so, unless a connection that catches up has said it. */
  lossShown() {
    if (!this.isAnswered) this.lose();
  }

  changed(users) {
    const changed = this.presence.apply(users);
    if (changed.length > 0) this.onChange(changed);
  }

  tellSoon(wait = SETTLE) {
    if (this.timer !== null) return;
    const pause = Math.min(Math.max(this.toldAt + EVERY - this.clock.now(), 0), EVERY); // the clock may have been set back
    this.timer = this.clock.setTimeout(() => {
      this.timer = null;
      this.tell();
    }, Math.max(wait, pause));
  }

  /** Tell the server whom to watch, unless it knows. */
  tell() {
    if (!this.isEnabled || !this.socket.isOpen) return; // the next greeting does
    this.asked = union(this.wanted);
    const told = this.asked.toSorted().join();
    if (told === this.told) return;
    this.told = told;
    this.retry.failures = 0;
    this.retry.start();
  }

  ask() {
    this.toldAt = this.clock.now();
    return this.socket.request({ type: "presence.watch", user_ids: this.asked });
  }

  answered(users) {
    this.isAnswered = true;
    this.presence.keep(new Set(this.asked));
    this.presence.snapshot(users, this.asked);
    this.onChange(null);
  }

  /** Returns whether to ask again: without a connection the next greeting does. */
  failed(code) {
    if (code === "lost" || !this.socket.isOpen) return false;
    if (code !== "rate_limited") this.lose(); // nobody can say now
    return true;
  }
}

const dotsWithin = (root) => [...root.querySelectorAll("[data-presence-of]")];

/**
 * Start watching; returns the Watch. It paints each `[data-presence-of]` of the page with the state of the user whom it names, and
 * emits "presence.known" {userIds}, null for all, for others who show it.
 */
export function startWatch({ socket, clock, signal }) {
  const paint = (root, userIds = null) => {
    for (const dot of dotsWithin(root)) {
      const { presenceOf: userId } = dot.dataset;
      const state = userIds === null || userIds.includes(userId) ? watch.stateOf(userId) : undefined;
      if (state !== undefined) paintDot(dot, lookOf(state));
    }
  };
  const onChange = (userIds) => {
    paint(document, userIds);
    emit("presence.known", { userIds });
  };
  const watch = new Watch({ socket, onChange, clock });
  const wantSidebar = () => {
    const sidebar = document.getElementById("sidebar");
    if (sidebar !== null) watch.want("sidebar", dotsWithin(sidebar).map(({ dataset }) => dataset.presenceOf));
  };
  const loaded = (root) => {
    paint(root);
    wantSidebar();
  };
  document.body.addEventListener("htmx:load", ({ target }) => loaded(target), { signal });
  on("welcome", (frame) => watch.greeted(frame), signal);
  on("presence.users", ({ users }) => watch.changed(users), signal);
  on("resync", ({ within }) => {
    watch.presence.hold();
    watch.again(Math.random() * within * 1000);
  }, signal);
  // What the server says of somebody depends on the chats that one shares with them.
  for (const type of ["chat.member_removed", "workspace.member_removed"]) on(type, () => watch.again(), signal);
  const stateChanged = ({ name, state }) => {
    if (name !== "connected" && state !== "syncing") watch.pause();
  };
  on("socket.state", stateChanged, signal);
  // Before the first connection the page has just been made; and one that is being left shows what it has.
  let wasConnected = false;
  const dotShown = ({ name, state, attempt }) => {
    if (name !== "connected" && state !== "stopped" && (wasConnected || attempt > 0)) watch.lossShown();
    wasConnected ||= name === "connected";
  };
  on("connection.shown", dotShown, signal);
  signal.addEventListener("abort", () => watch.retry.cancel());
  wantSidebar();
  return watch;
}
