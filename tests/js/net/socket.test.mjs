// The socket with a made-up server, clock and chance.
import assert from "node:assert/strict";
import test from "node:test";
import { Refused } from "../../../static/js/net/requests.js";
import { Socket } from "../../../static/js/net/socket.js";
import { FakeClock } from "../support/fake-clock.mjs";
import { begin, FakeSocket, posted } from "../support/fake-socket.mjs";

test("it offers the subprotocol, is connected after welcome and passes every frame on", () => {
  const { socket, frames, states, last, greet } = begin();
  assert.deepEqual([last().url, last().protocols], ["ws://here/ws/", ["flowra.v1"]]);
  last().open();
  assert.equal(socket.isOpen, false);
  assert.equal(socket.send({ type: "ping" }), false);
  greet();
  assert.equal(socket.isOpen, true);
  assert.deepEqual(states.map(({ name, state }) => `${name} ${state}`), [
    "connecting connecting", "connecting syncing", "connected online",
  ]);
  last().receive({ type: "notice", text: "hi" });
  assert.deepEqual(frames.map(({ type }) => type), ["welcome", "notice"]);
  assert.deepEqual(last().sent, []);
});

test("it is connected only once every chat has caught up", () => {
  const { socket, states, last, greet } = begin();
  socket.follow("chat", 4);
  socket.follow("other", 9);
  greet();
  assert.equal(socket.isOpen, true);
  assert.deepEqual(last().sent.map(({ type, chat_id, since }) => [type, chat_id, since]), [
    ["subscribe", "chat", 4], ["subscribe", "other", 9],
  ]);
  last().receive({ type: "ack", ref: last().sent[0].ref, action: "subscribed", revision: 4 });
  assert.equal(states.at(-1).state, "syncing");
  last().receive({ type: "ack", ref: last().sent[1].ref, action: "subscribed", revision: 9 });
  assert.equal(states.at(-1).state, "online");
});

test("what was missed comes together, between its begin and its end, before the ack", () => {
  const { socket, frames, types, last, greet } = begin();
  socket.follow("chat", 4);
  greet();
  for (const revision of [5, 6]) last().receive(posted(revision));
  assert.deepEqual(types(), ["welcome"]);
  last().caughtUp(6);
  assert.deepEqual(types(), [
    "welcome", "catchup.begin", "chat.message.posted", "chat.message.posted", "catchup.end", "ack",
  ]);
  assert.deepEqual(frames[1], { type: "catchup.begin", chat_id: "chat" });
});

test("after a reconnect it subscribes with what it heard last without a gap", () => {
  const { socket, clock, last, count, greet } = begin();
  socket.follow("chat", 4);
  greet();
  last().caughtUp(4);
  for (const revision of [5, 7]) last().receive(posted(revision));
  last().end(1006);
  clock.advance(999);
  assert.equal(count(), 1);
  clock.advance(1);
  greet();
  assert.deepEqual([last().sent[0].type, last().sent[0].since], ["subscribe", 5]);
});

test("attempts grow apart, end after the tenth, and begin anew on a click", () => {
  const { socket, clock, states, lines, last, count } = begin();
  for (const seconds of [1, 2, 4, 8, 16, 30, 30, 30, 30, 30]) {
    const before = count();
    last().end(1006);
    assert.equal(states.at(-1).retryAt, clock.now() + seconds * 1000);
    clock.advance(seconds * 1000 - 1);
    assert.equal(count(), before);
    clock.advance(1);
    assert.equal(count(), before + 1);
  }
  assert.equal(lines[9], "WS reconnect attempt 10 in 30000 ms");
  last().end(1006);
  const { name, state, attempt, most, retryAt } = states.at(-1);
  assert.deepEqual([name, state, attempt, most, retryAt], ["disconnected", "exhausted", 10, 10, null]);
  clock.advance(1e6);
  assert.deepEqual([count(), clock.timers.size], [11, 0]);
  socket.retry();
  assert.deepEqual([count(), states.at(-1).attempt], [12, 0]);
});

test("the attempts are forgotten only by a connection that stood for five seconds", () => {
  const { clock, states, last, greet } = begin();
  last().end(1006);
  clock.advance(1000);
  greet();
  clock.advance(4999);
  last().end(1006);
  assert.equal(states.at(-1).attempt, 2);
  clock.advance(2000);
  greet();
  clock.advance(5000);
  last().end(1006);
  assert.equal(states.at(-1).attempt, 1);
});

test("signed out and abuse are final; a restart comes back within two seconds, and says that it is one", () => {
  for (const [code, end] of [[4401, "auth_lost"], [4400, "fatal"], [1003, "fatal"], [1009, "fatal"]]) {
    const { socket, clock, states, last, count, greet } = begin();
    greet();
    last().end(code);
    clock.advance(1e6);
    socket.wake();
    assert.equal(count(), 1);
    assert.deepEqual([states.at(-1).name, states.at(-1).state, clock.timers.size], ["disconnected", end, 0]);
  }
  const { clock, states, last, count, greet } = begin({ random: 0.999 });
  greet();
  last().end(1012);
  assert.equal(states.at(-1).isRestart, true);
  clock.advance(2000);
  assert.equal(count(), 2);
});

test("leaving the page closes quietly; back from the cache no open socket is trusted", () => {
  const { socket, clock, states, last, count, greet } = begin();
  greet();
  const old = last();
  socket.leave();
  assert.deepEqual([old.closedWith, states.at(-1).state], [1000, "stopped"]);
  clock.advance(1e6);
  assert.deepEqual([count(), clock.timers.size], [1, 0]);
  socket.shown();
  assert.equal(count(), 2);
  greet();
  const trusted = last();
  socket.shown(); // also where it was not told that the page was left
  assert.deepEqual([trusted.closedWith, count()], [1000, 3]);
});

test("a socket that was given up is not heard any more", () => {
  const { socket, frames, states, last, greet } = begin();
  const old = last();
  socket.stop();
  assert.equal(old.closedWith, 1000);
  const before = states.length;
  old.open();
  old.receive({ type: "welcome", ping_interval: 30, pong_timeout: 60 });
  old.end(1006);
  assert.deepEqual([frames.length, states.length, states.at(-1).state], [0, before, "stopped"]);
  socket.start();
  greet();
  old.end(4401);
  assert.equal(socket.state.name, "online");
});

test("requests are answered by ref, refused, timed out, and lost with the connection", async () => {
  const { socket, clock, last, greet } = begin();
  await assert.rejects(socket.request({ type: "ping" }), (error) => error instanceof Refused && error.code === "lost");
  greet();
  const answered = socket.request({ type: "chat.read" });
  last().receive({ type: "ack", ref: last().sent[0].ref, action: "read" });
  assert.equal((await answered).action, "read");
  const refused = socket.request({ type: "chat.read" });
  last().receive({ type: "error", ref: last().sent[1].ref, code: "closed", message: "Closed." });
  await assert.rejects(refused, (error) => error.code === "closed" && error.message === "Closed.");
  const late = socket.request({ type: "chat.read" });
  clock.advance(10_000);
  await assert.rejects(late, { code: "lost" });
  const lost = socket.request({ type: "chat.read" });
  last().end(1006);
  await assert.rejects(lost, { code: "lost" });
});

test("a question about a chat that is not answered in 10 s ends the connection", () => {
  const { socket, clock, states, last, greet } = begin();
  greet();
  socket.follow("chat", 1);
  for (const seconds of [4, 4]) {
    clock.advance(seconds * 1000);
    last().receive({ type: "notice" }); // it lives, but does not answer
  }
  assert.equal(states.at(-1).state, "online");
  clock.advance(2000);
  assert.equal(states.at(-1).state, "waiting");
});

test("a chat that cannot be followed any more is told, and keeps nothing from being connected", () => {
  const { socket, frames, last, greet } = begin();
  socket.follow("chat", 1);
  greet();
  last().receive({ type: "error", ref: last().sent[0].ref, code: "forbidden", message: "no" });
  assert.deepEqual(frames.find(({ type }) => type === "subscribe.refused"), {
    type: "subscribe.refused", chat_id: "chat", code: "forbidden",
  });
  assert.equal(socket.state.name, "online");
});

test("a chat that is left while it catches up keeps nothing from being connected", () => {
  const { socket, last, greet } = begin();
  socket.follow("chat", 1);
  greet();
  socket.unfollow("chat");
  assert.deepEqual(last().sent.at(-1), { type: "unsubscribe", chat_id: "chat" });
  last().receive({ type: "ack", action: "unsubscribed", chat_id: "chat" });
  assert.equal(socket.state.name, "online");
  const sent = last().sent.length;
  socket.unfollow("chat");
  assert.equal(last().sent.length, sent);
});

test("resync asks every chat again, and a closed connection asks nothing", () => {
  const { socket, last, greet } = begin();
  socket.follow("chat", 1);
  socket.resubscribe();
  assert.deepEqual(last().sent, []);
  greet();
  last().caughtUp(7);
  socket.resubscribe();
  assert.deepEqual([last().sent.length, last().sent[1].since], [2, 7]);
});

test("a chat that is followed while there is no connection waits for the next one", () => {
  const { socket, clock, states, last, count, greet } = begin();
  greet();
  last().end(1006);
  socket.follow("chat", 3);
  clock.advance(1000);
  socket.follow("other", 5);
  assert.deepEqual([count(), states.at(-1).state], [2, "connecting"]);
  greet();
  assert.deepEqual(last().sent.map(({ chat_id, since }) => [chat_id, since]), [["chat", 3], ["other", 5]]);
});

test("a listener may do anything in the middle of what it is told: one event is taken after the other", () => {
  const leaves = begin({ frames: { push: () => leaves.socket.leave() } });
  leaves.greet();
  assert.deepEqual([leaves.socket.state.name, leaves.states.at(-1).state, leaves.socket.isOpen], [
    "stopped", "stopped", false,
  ]);
  assert.equal(leaves.last().closedWith, 1000);

  const { socket, greet, count } = begin();
  greet();
  socket.command({ type: "chat.read" }, assert.fail, () => socket.shown());
  socket.shown(); // loses that request on the way from one socket to the next
  assert.equal(count(), 3);
  assert.equal(FakeSocket.all.filter(({ closedWith }) => closedWith === undefined).length, 1);
});

test("a browser that makes no socket is asked again later", () => {
  const clock = new FakeClock();
  let isBlocked = true;
  class Blocked extends FakeSocket {
    constructor(...given) {
      if (isBlocked) throw new Error("blocked");
      super(...given);
    }
  }
  const socket = new Socket({
    url: "ws://here/ws/", WebSocket: Blocked, clock, random: () => 0, onFrame: () => {}, onState: () => {},
  });
  FakeSocket.all = [];
  assert.throws(() => socket.start(), /blocked/);
  isBlocked = false;
  clock.advance(11_000);
  assert.equal(FakeSocket.all.length, 1);
});
