// The states of the connection, row by row: every state with every event.
import assert from "node:assert/strict";
import test from "node:test";
import { RECONNECT, RESTART_WITHIN } from "../../../static/js/net/backoff.js";
import {
  CONNECT_WITHIN, dotOf, hasSocket, reduce, STABLE_AFTER, STOPPED, SYNC_WITHIN,
} from "../../../static/js/net/machine.js";

const EVENTS = [
  "start", "open", "frame", "welcome", "synced", "closed", "silent", "timer", "click", "wake", "offline", "leave",
  "shown", "stop",
];
const NOW = 50_000;

/** A state of this name whose deadline has just come. */
const at = (name, more = {}) => ({
  name, attempt: 3, deadline: ["connecting", "syncing", "online", "waiting"].includes(name) ? NOW : null,
  isRestart: false, ...more,
});
const event = (type, more = {}) => ({ type, chance: 0, ...more });
const after = (state, type, more, now = NOW) => reduce(state, event(type, { code: 1006, ...more }), now);

// state → event → [next, effects, attempt, ms until its deadline]; what is not here changes nothing.
const NEW = ["open"];
const AGAIN = ["drop", "open"];
const failed = ["waiting", ["drop"], 4, 8000];
const left = ["stopped", ["drop"], 3, null];
const leftQuietly = ["stopped", [], 3, null];
const TABLE = {
  connecting: {
    open: ["syncing", [], 3, SYNC_WITHIN],
    closed: failed, silent: failed, timer: failed, leave: left, stop: left,
    shown: ["connecting", AGAIN, 0, CONNECT_WITHIN],
  },
  syncing: {
    frame: ["syncing", [], 3, SYNC_WITHIN],
    welcome: ["syncing", ["catch_up"], 3, SYNC_WITHIN],
    synced: ["online", [], 3, STABLE_AFTER],
    closed: failed, silent: failed, timer: failed, leave: left, stop: left,
    shown: ["connecting", AGAIN, 0, CONNECT_WITHIN],
  },
  online: {
    timer: ["online", [], 0, null],
    wake: ["online", ["probe"], 3, 0],
    offline: ["online", ["probe"], 3, 0],
    closed: failed, silent: failed, leave: left, stop: left,
    shown: ["connecting", AGAIN, 0, CONNECT_WITHIN],
  },
  waiting: {
    timer: ["connecting", NEW, 3, CONNECT_WITHIN],
    wake: ["connecting", NEW, 3, CONNECT_WITHIN],
    click: ["connecting", NEW, 0, CONNECT_WITHIN],
    shown: ["connecting", NEW, 0, CONNECT_WITHIN],
    leave: leftQuietly, stop: leftQuietly,
  },
  exhausted: {
    wake: ["connecting", NEW, 0, CONNECT_WITHIN],
    click: ["connecting", NEW, 0, CONNECT_WITHIN],
    shown: ["connecting", NEW, 0, CONNECT_WITHIN],
    leave: leftQuietly, stop: leftQuietly,
  },
  auth_lost: { stop: leftQuietly },
  fatal: { click: ["connecting", NEW, 0, CONNECT_WITHIN], stop: leftQuietly },
  stopped: {
    start: ["connecting", NEW, 0, CONNECT_WITHIN],
    click: ["connecting", NEW, 0, CONNECT_WITHIN],
    shown: ["connecting", NEW, 0, CONNECT_WITHIN],
  },
};

for (const [name, row] of Object.entries(TABLE)) {
  test(`${name}: ${Object.keys(row).join(", ")} do what the table says, nothing else does anything`, () => {
    for (const type of EVENTS) {
      const before = Object.freeze(at(name));
      const { state, effects } = after(before, type);
      if (type in row) {
        const [next, todo, attempt, within] = row[type];
        assert.deepEqual([state.name, effects, state.attempt], [next, todo, attempt], type);
        assert.equal(state.deadline, within === null ? null : NOW + within, type);
      } else {
        assert.deepEqual({ state, effects }, { state: before, effects: [] }, type);
      }
    }
  });
}

test("a timer that comes before its deadline, or without one, changes nothing", () => {
  for (const name of ["connecting", "syncing", "online", "waiting"]) {
    const early = at(name, { deadline: NOW + 1 });
    assert.deepEqual(after(early, "timer"), { state: early, effects: [] });
  }
  const stable = at("online", { deadline: null });
  assert.deepEqual(after(stable, "timer"), { state: stable, effects: [] });
});

test("every close code leads where the protocol says, from wherever a socket is", () => {
  const ends = {
    1000: "waiting", 1001: "waiting", 1003: "fatal", 1005: "waiting", 1006: "waiting", 1009: "fatal", 1011: "waiting",
    1012: "waiting", 1013: "waiting", 1015: "waiting", 3000: "waiting", 4400: "fatal", 4401: "auth_lost",
    4408: "waiting", 4429: "waiting", 4999: "waiting",
  };
  for (const name of ["connecting", "syncing", "online"]) {
    for (const [code, end] of Object.entries(ends)) {
      const { state, effects } = after(at(name), "closed", { code: Number(code) });
      assert.deepEqual([state.name, effects], [end, ["drop"]], `${name} ${code}`);
      assert.equal(state.deadline === null, end !== "waiting");
    }
  }
});

/** Fail again and again, as soon as the wait is over; returns the states that wait, and the last one. */
function failing(code, chance, times = 20) {
  let now = 0;
  let { state } = after(STOPPED, "start", {}, now);
  const waits = [];
  for (let time = 0; time < times && state.name === "connecting"; time += 1) {
    ({ state } = after(state, "closed", { code, chance }, now));
    if (state.name !== "waiting") break;
    waits.push({ wait: state.deadline - now, attempt: state.attempt, isRestart: state.isRestart });
    now = state.deadline;
    ({ state } = after(state, "timer", { chance }, now));
  }
  return { waits, state };
}

test("attempts come after 1, 2, 4, 8, 16, 30 … seconds and up to one more; after the tenth it has given up", () => {
  const least = failing(1006, 0);
  assert.deepEqual(least.waits.map(({ wait }) => wait), [1, 2, 4, 8, 16, 30, 30, 30, 30, 30].map((one) => one * 1000));
  assert.deepEqual(least.waits.map(({ attempt }) => attempt), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  assert.deepEqual([least.state.name, least.state.attempt, least.state.deadline], ["exhausted", 10, null]);
  const most = failing(1006, 0.999);
  assert.deepEqual(most.waits.map(({ wait }) => Math.round(wait)).slice(0, 2), [1999, 2999]);
  assert.equal(most.waits.length, RECONNECT.attempts);
});

test("turned away for too much it waits at least as long as before the third attempt", () => {
  for (const code of [1013, 4429]) {
    const { waits, state } = failing(code, 0);
    assert.deepEqual(waits.slice(0, 5).map(({ wait }) => wait), [4000, 4000, 4000, 8000, 16000]);
    assert.equal(state.name, "exhausted");
  }
});

test("a restart of the server is waited for up to 2 s, whatever the attempt", () => {
  assert.deepEqual([...new Set(failing(1012, 0).waits.map(({ wait }) => wait))], [0]);
  const { waits, state } = failing(1012, 0.999);
  assert.ok(waits.every(({ wait, isRestart }) => wait > 1900 && wait < RESTART_WITHIN && isRestart));
  assert.equal(state.name, "exhausted"); // a server that does nothing else is no restart any more
  assert.equal(state.isRestart, false);
});

test("a restart stays calm for three attempts, then it is an outage; nothing else begins one", () => {
  let { state } = after(at("online", { attempt: 0 }), "closed", { code: 1012 });
  const calm = [state.isRestart];
  for (let time = 0; time < 4; time += 1) {
    ({ state } = after({ ...state, deadline: NOW }, "timer"));
    assert.equal(state.isRestart, calm.at(-1)); // also while it connects
    ({ state } = after(state, "closed"));
    calm.push(state.isRestart);
  }
  assert.deepEqual(calm, [true, true, true, false, false]);
  assert.equal(after(at("online"), "closed", { code: 1006 }).state.isRestart, false);
});

test("the restart is over once a connection has stood for 5 s, and not before", () => {
  const online = at("online", { attempt: 1, isRestart: true, deadline: NOW });
  assert.equal(after(online, "closed").state.isRestart, true);
  const { state } = after(online, "timer");
  assert.deepEqual([state.attempt, state.isRestart, state.deadline], [0, false, null]);
  assert.equal(after(state, "closed").state.isRestart, false);
});

test("a connection that breaks within 5 s counts on, one that stood begins anew", () => {
  let { state } = after(at("syncing"), "synced");
  assert.equal(after(state, "closed", {}, NOW + STABLE_AFTER - 1).state.attempt, 4);
  ({ state } = after(state, "timer", {}, NOW + STABLE_AFTER));
  assert.equal(after(state, "closed", {}, NOW + STABLE_AFTER).state.attempt, 1);
});

test("what is waited for has the time that was set for it", () => {
  assert.deepEqual([CONNECT_WITHIN, SYNC_WITHIN, STABLE_AFTER, RESTART_WITHIN], [10_000, 10_000, 5_000, 2_000]);
});

test("the dot has three looks, and only three states have a socket", () => {
  const names = Object.keys(TABLE);
  assert.deepEqual(names.map((name) => dotOf({ name })), [
    "connecting", "connecting", "connected", "connecting", "disconnected", "disconnected", "disconnected",
    "disconnected",
  ]);
  assert.deepEqual(names.filter((name) => hasSocket({ name })), ["connecting", "syncing", "online"]);
});
