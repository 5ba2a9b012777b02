// The states of the connection and what leads from one to the next. Pure: time and chance are given, and what is to
// be done is returned, not done. docs/architecture.md, "The page's connection", has it as a table.
//
// A state is {name, attempt, deadline, isRestart}:
//   attempt    how many tries in a row this is, 0 for the first connection and for one that has stood
//   deadline   when a "timer" event is due, in ms of the clock; null where there is nothing to wait for
//   isRestart  the server said that it restarts (1012): no outage, no alarm
//
// An event is {type, code, chance}; `chance` is a random number in [0, 1), `code` the close code of "closed":
//   start, open, frame, welcome, synced, closed, silent, timer, click, wake, offline, leave, shown, stop
//
// Effects: "drop" the socket, "open" a new one, "catch_up" with every chat, "probe" whether the socket still lives.
import { delay, RECONNECT, RESTART_WITHIN, SLOW_FROM } from "./backoff.js";
import { classify } from "./close-codes.js";

export const CONNECT_WITHIN = 10000; // ms: a handshake that nothing answers would fail after 240 s only
export const SYNC_WITHIN = 10000; // ms of silence before welcome and catch-up are complete
export const STABLE_AFTER = 5000; // ms: only a connection that stood this long resets the attempts
const CALM_ATTEMPTS = 3; // a restart may take these tries before it counts as an outage

export const STOPPED = Object.freeze({ name: "stopped", attempt: 0, deadline: null, isRestart: false });

const HAS_SOCKET = new Set(["connecting", "syncing", "online"]);
const DOTS = { connecting: "connecting", syncing: "connecting", waiting: "connecting", online: "connected" };

/** Whether there is a socket in this state. */
export function hasSocket({ name }) {
  return HAS_SOCKET.has(name);
}

/** What the dot shows: "connected", "connecting" or "disconnected". */
export function dotOf({ name }) {
  return DOTS[name] ?? "disconnected";
}

const stay = (state) => ({ state, effects: [] });

function connect(state, now, attempt = state.attempt) {
  const next = { ...state, name: "connecting", attempt, deadline: now + CONNECT_WITHIN };
  return { state: next, effects: hasSocket(state) ? ["drop", "open"] : ["open"] };
}

/** No socket any more, and none to come by itself. */
function end(state, name) {
  return { state: { ...STOPPED, name, attempt: state.attempt }, effects: hasSocket(state) ? ["drop"] : [] };
}

function fail(state, now, chance, verdict = "retry") {
  const attempt = state.attempt + 1;
  if (attempt > RECONNECT.attempts) return { ...end(state, "exhausted"), effects: ["drop"] };
  const random = () => chance;
  const isRestart = verdict === "restart" || (state.isRestart && attempt <= CALM_ATTEMPTS);
  let wait = delay(attempt, random);
  if (verdict === "restart") wait = random() * RESTART_WITHIN;
  if (verdict === "retry_slow") wait = delay(Math.max(attempt, SLOW_FROM), random);
  return { state: { name: "waiting", attempt, deadline: now + wait, isRestart }, effects: ["drop"] };
}

function closed(state, now, { code, chance }) {
  const verdict = classify(code);
  if (verdict === "auth") return end(state, "auth_lost");
  if (verdict === "fatal") return end(state, "fatal");
  return fail(state, now, chance, verdict);
}

// What a state does with the events that it knows; all others leave it as it is.
const anywhere = {
  leave: (state) => end(state, "stopped"),
  stop: (state) => end(state, "stopped"),
  shown: (state, now) => connect(state, now, 0), // back from the back/forward cache: no open socket is trusted
};
const failing = {
  ...anywhere,
  closed,
  silent: (state, now, { chance }) => fail(state, now, chance),
};

const STATES = {
  connecting: {
    ...failing,
    open: (state, now) => stay({ ...state, name: "syncing", deadline: now + SYNC_WITHIN }),
    timer: (state, now, { chance }) => fail(state, now, chance),
  },
  syncing: {
    ...failing,
    frame: (state, now) => stay({ ...state, deadline: now + SYNC_WITHIN }),
    welcome: (state, now) => ({ state: { ...state, deadline: now + SYNC_WITHIN }, effects: ["catch_up"] }),
    synced: (state, now) => stay({ ...state, name: "online", deadline: now + STABLE_AFTER }),
    timer: (state, now, { chance }) => fail(state, now, chance),
  },
  online: {
    ...failing,
    timer: (state) => stay({ ...state, attempt: 0, deadline: null, isRestart: false }),
    wake: (state) => ({ state, effects: ["probe"] }),
    offline: (state) => ({ state, effects: ["probe"] }), // the browser may be wrong: the server is asked
  },
  waiting: {
    ...anywhere,
    timer: (state, now) => connect(state, now),
    wake: (state, now) => connect(state, now),
    click: (state, now) => connect(state, now, 0),
  },
  exhausted: {
    ...anywhere,
    wake: (state, now) => connect(state, now, 0),
    click: (state, now) => connect(state, now, 0),
  },
  // These do not try by themselves, and coming back to the page changes nothing about why.
  auth_lost: { stop: anywhere.stop },
  fatal: { stop: anywhere.stop, click: (state, now) => connect(state, now, 0) },
  stopped: {
    start: (state, now) => connect(state, now, 0),
    shown: (state, now) => connect(state, now, 0),
    click: (state, now) => connect(state, now, 0),
  },
};

/** Returns {state, effects} after `event` at `now` (ms). A "timer" before its deadline changes nothing. */
export function reduce(state, event, now) {
  if (event.type === "timer" && (state.deadline === null || now < state.deadline)) return stay(state);
  const handle = STATES[state.name][event.type];
  return handle === undefined ? stay(state) : handle(state, now, event);
}
