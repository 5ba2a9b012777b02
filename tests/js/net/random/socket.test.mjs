// The whole Socket against a server and a network that misbehave by chance: what must be true at every step, and that
// it gets online again as soon as it can.
import assert from "node:assert/strict";
import test from "node:test";
import { hasSocket } from "../../../../static/js/net/machine.js";
import { Socket } from "../../../../static/js/net/socket.js";
import { randomly } from "../../support/chance.mjs";
import { FakeClock } from "../../support/fake-clock.mjs";
import { FakeServer } from "../../support/fake-server.mjs";

const TICK = 5000; // ms: the timer comes at least so often
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const TRYING = ["connecting", "syncing", "waiting", "online"];

class World {
  constructor(chance, log) {
    Object.assign(this, { chance, log, clock: new FakeClock(), names: [], pending: 0 });
    this.server = new FakeServer(this.clock, chance, log);
    this.socket = new Socket({
      url: "ws://here/ws/",
      WebSocket: this.server.WebSocket,
      clock: this.clock,
      random: chance.next,
      onFrame: (frame) => assert.ok(!frame.isGhost, "a socket that was let go is not heard"),
      onState: ({ state }) => {
        this.log.push(`  ${this.clock.ticks}: ${state}`);
        this.names.push(state);
      },
    });
    this.clock.afterEach = () => this.check();
  }

  check() {
    const { socket, server, clock } = this;
    assert.ok(server.live.length <= 1, "never two sockets");
    assert.ok(clock.timers.size <= 1, "never two timers");
    assert.equal(socket.socket !== null, hasSocket(socket.state), "a socket exactly where the state says so");
    for (const one of server.live) assert.equal(one, socket.socket, "no socket is forgotten");
    if (TRYING.includes(socket.state.name)) assert.equal(clock.timers.size, 1, `stuck in ${socket.state.name}`);
    for (const { at } of clock.timers.values()) assert.ok(at <= clock.ticks + TICK, "the timer comes soon");
    assert.equal(socket.events.length, 0, "every event was taken");
  }

  /** What a page, its reader, the device and the network may do. */
  act() {
    const { socket, clock, chance, server } = this;
    const acts = {
      advance: () => clock.advance(chance.below(chance.of([10, 1000, 10_000, 60_000]))),
      setOn: () => clock.jump(chance.of([500, 20_000, HOUR])),
      setBack: () => clock.jump(-chance.of([500, 20_000, HOUR])),
      hold: () => clock.hold(chance.of([3000, 30_000, HOUR])),
      disturb: () => this.log.push(`  ${server.disturb()}`),
      wake: () => socket.wake(),
      offline: () => socket.offline(),
      leave: () => socket.leave(),
      shown: () => socket.shown(),
      click: () => socket.retry(),
      start: () => socket.start(),
      follow: () => socket.follow(chance.of(["a", "b"]), 1),
      unfollow: () => socket.unfollow(chance.of(["a", "b"])),
      resubscribe: () => socket.resubscribe(),
      request: () => this.request(),
    };
    const name = chance.by({
      advance: 12, setOn: 1, setBack: 1, hold: 1, disturb: 4, wake: 2, offline: 1, leave: 0.5, shown: 1, click: 1,
      start: 0.5, follow: 2, unfollow: 1, resubscribe: 1, request: 3,
    });
    this.log.push(`${clock.ticks}: ${name}`);
    acts[name]();
    this.check();
  }

  request() {
    this.pending += 1;
    const done = () => {
      this.pending -= 1;
    };
    this.socket.command({ type: "chat.read" }, done, done);
  }

  /** Do what the page's reader can where nothing happens by itself; returns false where only signing in helps. */
  help() {
    const { socket, chance } = this;
    const { name } = socket.state;
    if (name === "auth_lost") return false;
    if (name === "fatal") socket.retry();
    if (name === "stopped") chance.of([() => socket.shown(), () => socket.start()])();
    if (name === "exhausted") chance.of([() => socket.wake(), () => socket.retry(), () => socket.shown()])();
    return true;
  }
}

test("never two sockets, never two timers, never stuck; once the server behaves it is online again", async () => {
  const ends = new Set();
  await randomly(2000, (chance, log) => {
    const world = new World(chance, log);
    const { socket, clock, server } = world;
    socket.start();
    for (let step = 0; step < 60; step += 1) world.act();
    ends.add(socket.state.name);

    server.behave();
    log.push(`${clock.ticks}: --- the server behaves`);
    // 50 s until a half-open one is found, 10 s of a handshake that hangs, 31 s of the longest wait, and a little.
    for (let second = 0; second < 100 && world.help(); second += 1) clock.advance(1000);
    if (socket.state.name === "auth_lost") {
      socket.wake();
      clock.advance(HOUR);
      assert.deepEqual([socket.state.name, server.live.length, clock.timers.size], ["auth_lost", 0, 0]);
    } else {
      assert.equal(socket.state.name, "online");
      assert.ok(socket.isOpen && socket.sync.isDone, "all that is followed has caught up");
      const count = server.sockets.length;
      clock.advance(10 * MINUTE);
      assert.deepEqual([socket.state.name, socket.state.attempt, server.sockets.length], ["online", 0, count]);
    }
    assert.equal(world.pending, 0, "every request has its end");
  });
  assert.deepEqual([...ends].sort(), [
    "auth_lost", "connecting", "exhausted", "fatal", "online", "stopped", "syncing", "waiting",
  ]);
});

test("a server that is away for good is asked eleven times, and with a person who looks, once each look", async () => {
  await randomly(100, (chance, log) => {
    const world = new World(chance, log);
    const { socket, clock, server } = world;
    server.mood = () => chance.of(["refuses", "hangs", "silent"]);
    socket.start();
    clock.advance(20 * MINUTE);
    assert.deepEqual([socket.state.name, server.sockets.length, clock.timers.size], ["exhausted", 11, 0]);
    socket.wake();
    assert.deepEqual([socket.state.name, server.sockets.length], ["connecting", 12]);
  });
});
