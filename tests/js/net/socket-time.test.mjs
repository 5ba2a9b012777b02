// The socket and time: what is dead, what slept, and clocks that are set.
import assert from "node:assert/strict";
import test from "node:test";
import { begin, posted } from "../support/fake-socket.mjs";

test("a handshake into a black hole, and a server that accepts and says nothing, are given up after 10 s", () => {
  for (const isAccepted of [false, true]) {
    const { clock, states, last } = begin();
    if (isAccepted) last().open();
    clock.advance(9999);
    assert.equal(states.at(-1).state, isAccepted ? "syncing" : "connecting");
    clock.advance(1);
    assert.equal(states.at(-1).state, "waiting");
    assert.equal(last().closedWith, 1000);
  }
});

test("a catch-up may take long as long as something is heard, and is given up after 10 s without", () => {
  const { socket, clock, states, last, greet } = begin();
  socket.follow("chat", 0);
  greet();
  for (const seconds of [2, 4]) {
    clock.advance(7000);
    last().receive({ type: "error", ref: last().sent.at(-1).ref, code: "internal", message: "" });
    clock.advance(seconds * 1000 - 1);
    const asked = last().sent.length;
    clock.advance(1);
    assert.equal(last().sent.length, asked + 1);
  }
  clock.advance(5999);
  assert.equal(states.at(-1).state, "syncing");
  clock.advance(1);
  assert.equal(states.at(-1).state, "waiting");
});

test("a catch-up over a slow network is waited for while it comes, for two minutes at most", () => {
  const { socket, clock, states, last, greet, frames } = begin();
  socket.follow("chat", 0);
  greet();
  for (let revision = 1; revision <= 12; revision += 1) {
    clock.advance(9000);
    last().receive(posted(revision));
    assert.equal(states.at(-1).state, "syncing");
  }
  last().caughtUp(12);
  assert.equal(states.at(-1).state, "online");
  assert.equal(frames.filter(({ type }) => type === "chat.message.posted").length, 12);
  socket.resubscribe();
  for (let revision = 13; revision <= 25; revision += 1) {
    clock.advance(9000);
    last().receive(posted(revision));
  }
  assert.equal(states.at(-1).state, "online");
  clock.advance(2999);
  assert.equal(states.at(-1).state, "online");
  clock.advance(1);
  assert.equal(states.at(-1).state, "waiting");
});

test("a half-open connection is found within ping_interval + 20 s, and not waited for", () => {
  const { clock, states, last, count, greet } = begin();
  greet();
  clock.advance(39_999);
  assert.deepEqual(last().sent, []);
  clock.advance(1);
  assert.deepEqual(last().sent, [{ type: "ping" }]);
  clock.advance(9999);
  assert.equal(states.at(-1).state, "online");
  clock.advance(1);
  assert.equal(states.at(-1).state, "waiting");
  clock.advance(1000);
  assert.equal(count(), 2);
});

test("any frame is a sign of life", () => {
  const { clock, states, last, greet } = begin();
  greet();
  for (let time = 0; time < 20; time += 1) {
    clock.advance(39_000);
    last().receive({ type: "chat.typing", chat_id: "elsewhere" });
  }
  assert.deepEqual(last().sent, []);
  clock.advance(45_000);
  last().receive({ type: "pong" });
  clock.advance(39_000);
  assert.equal(states.at(-1).state, "online");
});

test("on wake the server is asked, and has exactly 4 s", () => {
  const { socket, clock, states, last, count, greet } = begin();
  greet();
  clock.advance(6000);
  for (const ask of [() => socket.wake(), () => socket.offline()]) {
    ask();
    assert.deepEqual(last().sent.at(-1), { type: "ping" });
    last().receive({ type: "pong" });
    clock.advance(6000);
    assert.equal(states.at(-1).state, "online");
  }
  socket.wake();
  clock.advance(3999);
  assert.equal(states.at(-1).state, "online");
  clock.advance(1);
  assert.equal(states.at(-1).state, "waiting");
  clock.advance(1000);
  assert.equal(count(), 2);
});

test("after a long sleep the connection is dead, and the next is opened at once", () => {
  const { clock, states, count, greet } = begin();
  greet();
  clock.advance(60);
  clock.jump(3_600_000); // timers stood still meanwhile
  clock.advance(5000);
  assert.deepEqual([count(), states.at(-1).state], [2, "connecting"]);
});

test("after a short sleep, and in a hidden tab, it is asked rather than given up", () => {
  const sleep = (clock) => {
    clock.jump(20_000);
    clock.advance(5000);
  };
  for (const pass of [sleep, (clock) => clock.hold(20_000)]) {
    const { clock, states, last, count, greet } = begin();
    greet();
    clock.advance(1);
    pass(clock);
    assert.equal(last().sent.filter(({ type }) => type === "ping").length, 1);
    last().receive({ type: "pong" });
    clock.advance(5000);
    assert.deepEqual([count(), states.at(-1).state], [1, "online"]);
  }
});

test("a clock that is set back leaves no deadline an hour away, whatever is heard meanwhile", () => {
  for (const isHeard of [false, true]) {
    const { socket, clock, last, count, greet } = begin();
    socket.follow("chat", 4);
    greet();
    last().caughtUp(4);
    last().receive(posted(6)); // the gap's deadline is by the clock
    clock.jump(-3_600_000);
    for (let second = 0; second < 9; second += 1) {
      if (isHeard && count() === 1) last().receive({ type: "notice" }); // sets the timer anew each time
      clock.advance(1000);
    }
    assert.equal(count(), 2, `heard: ${isHeard}`);
    greet();
    assert.equal(last().sent[0].since, 4);
    last().caughtUp(6);
    clock.advance(5000);
    assert.deepEqual([socket.state.name, socket.state.attempt], ["online", 0]);
  }
  const { clock, last, count } = begin();
  last().end(1006);
  clock.jump(-3_600_000);
  clock.advance(5000);
  assert.equal(count(), 2);
  clock.jump(-3_600_000);
  clock.advance(20_000);
  assert.ok(count() > 2);
});

test("a clock that was set back while nothing was waited for disturbs nothing", () => {
  const { socket, clock, count, greet } = begin();
  socket.stop();
  clock.advance(60_000);
  clock.jump(-3_600_000);
  socket.start();
  greet();
  clock.advance(60);
  assert.deepEqual([count(), socket.state.name], [2, "online"]);
});
