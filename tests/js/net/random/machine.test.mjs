// Random sequences of events against the machine: what must be true of all of them.
import assert from "node:assert/strict";
import test from "node:test";
import { hasSocket, reduce, STOPPED } from "../../../../static/js/net/machine.js";
import { randomly } from "../../support/chance.mjs";

const CODES = [1000, 1001, 1003, 1005, 1006, 1009, 1011, 1012, 1013, 4400, 4401, 4408, 4429];
const EVENTS = [
  "start", "open", "frame", "welcome", "synced", "closed", "silent", "timer", "click", "wake", "offline", "leave",
  "shown", "stop",
];
const STATES = ["connecting", "syncing", "online", "waiting", "exhausted", "auth_lost", "fatal", "stopped"];
const LONGEST = 31_000; // ms: the longest wait, and up to a second more
// What happens in a sequence: anything; a server that is away; a connection that comes and goes.
const ANYTHING = Object.fromEntries(EVENTS.map((type) => [type, 0.4]));
const WEATHERS = [
  ANYTHING,
  { ...ANYTHING, start: 5, closed: 30, silent: 10, timer: 60, open: 3 },
  { ...ANYTHING, start: 5, open: 20, welcome: 20, frame: 10, synced: 20, timer: 20, closed: 15, wake: 5, offline: 3 },
];

/** What leads on from a state, as documented; null where only a person can, by signing in. */
function wayOn({ name, deadline }) {
  const ways = {
    stopped: { type: "start" }, connecting: { type: "open" }, syncing: { type: "synced" }, fatal: { type: "click" },
    exhausted: { type: "wake" }, waiting: { type: "timer", at: deadline }, auth_lost: null,
  };
  return ways[name];
}

/** A machine with a socket that knows what it may be told. */
class Walk {
  constructor(log) {
    this.log = log;
    this.state = STOPPED;
    this.sockets = 0;
  }

  take(event, now) {
    this.log.push(`${this.state.name}/${this.state.attempt} at ${now}: ${event.type} ${event.code ?? ""}`);
    // Frozen: changing what it is given would throw.
    const { state, effects } = reduce(Object.freeze(this.state), Object.freeze(event), now);
    for (const effect of effects) this.apply(effect);
    assert.equal(this.sockets, hasSocket(state) ? 1 : 0, "there is a socket exactly where the state says so");
    this.check(state, now);
    this.state = state;
  }

  apply(effect) {
    if (effect === "open") {
      assert.equal(this.sockets, 0, "never two sockets");
      this.sockets = 1;
      return;
    }
    assert.ok(["drop", "catch_up", "probe"].includes(effect), effect);
    assert.equal(this.sockets, 1, `${effect} needs a socket`);
    if (effect === "drop") this.sockets = 0;
  }

  check(state, now) {
    assert.ok(STATES.includes(state.name));
    assert.deepEqual(Object.keys(state), ["name", "attempt", "deadline", "isRestart"]);
    assert.ok(Number.isInteger(state.attempt) && state.attempt >= 0 && state.attempt <= 10);
    if (["connecting", "syncing", "waiting"].includes(state.name)) assert.notEqual(state.deadline, null);
    if (!["connecting", "syncing", "waiting", "online"].includes(state.name)) assert.equal(state.deadline, null);
    if (state.deadline === this.state.deadline || state.deadline === null) return;
    assert.ok(state.deadline >= now && state.deadline <= now + LONGEST, "a deadline is set soon");
  }
}

/** One sequence; returns the walk and the time it ended at. */
function wander(chance, log, steps, seen) {
  const walk = new Walk(log);
  const weather = chance.of(WEATHERS);
  let now = chance.below(1e6);
  for (let step = 0; step < steps; step += 1) {
    const type = chance.by(weather);
    const isDue = type === "timer" && walk.state.deadline !== null && chance.is(0.8);
    if (isDue) now = Math.max(now, walk.state.deadline);
    else now += chance.of([0, 1, 900, 5000, 40_000, -2000, -3_600_000, 3_600_000]); // the clock may be set
    seen?.add(`${walk.state.name} ${type}`);
    walk.take({ type, code: type === "closed" ? chance.of(CODES) : undefined, chance: chance.next() }, now);
  }
  return { walk, now };
}

test("never two sockets, never an effect without one, never a wait without an end, whatever happens", async () => {
  const seen = new Set();
  await randomly(6000, (chance, log) => wander(chance, log, 60, seen));
  for (const state of STATES) for (const type of EVENTS) assert.ok(seen.has(`${state} ${type}`), `${state} ${type}`);
});

test("from wherever it got, what is documented leads to online; signed out it waits for a person", async () => {
  const seen = new Set();
  await randomly(4000, (chance, log) => {
    const { walk, now } = wander(chance, log, chance.below(60));
    log.push("--- on");
    seen.add(walk.state.name);
    if (walk.state.name === "auth_lost") {
      for (const type of EVENTS.filter((one) => one !== "stop")) walk.take({ type, code: 1006, chance: 0 }, now);
      assert.equal(walk.state.name, "auth_lost");
      return;
    }
    for (let step = 0; step < 4 && walk.state.name !== "online"; step += 1) {
      const { type, at = now } = wayOn(walk.state);
      walk.take({ type, chance: 0.5 }, Math.max(at, now));
    }
    assert.equal(walk.state.name, "online");
  });
  assert.deepEqual([...seen].sort(), [...STATES].sort());
});

test("with nobody there and a server that never answers, it ends after eleven tries and within 7 minutes", async () => {
  await randomly(500, (chance, log) => {
    const walk = new Walk(log);
    let now = 0;
    let tries = 0;
    walk.take({ type: "start", chance: 0 }, now);
    while (walk.state.deadline !== null) {
      if (walk.state.name === "connecting") tries += 1;
      if (walk.state.name === "connecting" && chance.is(0.3)) walk.take({ type: "open", chance: 0 }, now);
      now = walk.state.deadline;
      walk.take({ type: "timer", chance: chance.next() }, now);
    }
    assert.deepEqual([walk.state.name, tries], ["exhausted", 11]);
    assert.ok(now <= (1 + 2 + 4 + 8 + 16 + 5 * 30 + 10 + 11 * 20) * 1000, String(now));
  });
});
