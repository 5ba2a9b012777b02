// The socket with a made-up server, clock and chance.
import assert from "node:assert/strict";
import test from "node:test";
import { Refused, Socket } from "../../static/js/socket.js";
import { FakeClock } from "./fake-clock.mjs";

class FakeSocket {
  static all = [];

  constructor(url, protocols) {
    Object.assign(this, { url, protocols, readyState: 0, sent: [] });
    FakeSocket.all.push(this);
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close(code) {
    this.closedWith = code;
  }

  hear(frame) {
    this.readyState = 1;
    this.onmessage({ data: JSON.stringify(frame) });
  }

  end(code) {
    this.readyState = 3;
    this.onclose({ code });
  }
}

function begin() {
  FakeSocket.all = [];
  const clock = new FakeClock();
  const frames = [];
  const states = [];
  const socket = new Socket({
    url: "ws://here/ws/", WebSocket: FakeSocket, clock, random: () => 0,
    onFrame: (frame) => frames.push(frame), onState: (state) => states.push(state),
  });
  socket.start();
  return { socket, clock, frames, states, last: () => FakeSocket.all.at(-1) };
}

test("it offers the subprotocol, is connected after welcome and passes every frame on", () => {
  const { socket, frames, states, last } = begin();
  assert.deepEqual(last().protocols, ["flowra.v1"]);
  assert.equal(socket.isOpen, false);
  last().hear({ type: "welcome" });
  assert.equal(socket.isOpen, true);
  assert.deepEqual(states.map(({ name }) => name), ["connecting", "connected"]);
  last().hear({ type: "notice", text: "hi" });
  assert.deepEqual(frames.map(({ type }) => type), ["welcome", "notice"]);
});

test("after a reconnect it subscribes with what it heard last without a gap", () => {
  const { socket, clock, last } = begin();
  socket.follow("chat", 4);
  last().hear({ type: "welcome" });
  assert.equal(last().sent[0].since, 4);
  last().hear({ type: "ack", ref: last().sent[0].ref, action: "subscribed", revision: 4 });
  last().hear({ type: "chat.message.posted", chat_id: "chat", data: { revision: 5 } });
  last().hear({ type: "chat.message.posted", chat_id: "chat", data: { revision: 7 } });
  last().end(1006);
  clock.advance(999);
  assert.equal(FakeSocket.all.length, 1);
  clock.advance(1);
  last().hear({ type: "welcome" });
  assert.deepEqual([last().sent[0].type, last().sent[0].since], ["subscribe", 5]);
});

test("attempts grow apart, end after the tenth, and begin anew on a click", () => {
  const { socket, clock, states, last } = begin();
  const starts = [];
  for (let attempt = 1; attempt <= 11; attempt += 1) {
    last().end(1006);
    const before = clock.time;
    clock.advance(40000);
    if (FakeSocket.all.length > attempt) starts.push(states.length && before);
  }
  assert.equal(FakeSocket.all.length, 11);
  assert.equal(states.at(-1).reason, "exhausted");
  clock.advance(1e6);
  assert.equal(FakeSocket.all.length, 11);
  socket.retry();
  assert.equal(FakeSocket.all.length, 12);
  assert.equal(states.at(-1).attempt, 0);
});

test("the attempts are forgotten only by a connection that stood for five seconds", () => {
  const { clock, states, last } = begin();
  last().end(1006);
  clock.advance(1000);
  last().hear({ type: "welcome" });
  clock.advance(4999);
  last().end(1006);
  assert.equal(states.at(-1).attempt, 2);
  clock.advance(2000);
  last().hear({ type: "welcome" });
  clock.advance(5000);
  last().end(1006);
  assert.equal(states.at(-1).attempt, 1);
});

test("signed out and abuse are final; a restart comes back within two seconds", () => {
  for (const [code, reason] of [[4401, "auth"], [4400, "fatal"], [1003, "fatal"], [1009, "fatal"]]) {
    const { clock, states, last } = begin();
    last().end(code);
    clock.advance(1e6);
    assert.equal(FakeSocket.all.length, 1);
    assert.deepEqual([states.at(-1).name, states.at(-1).reason], ["disconnected", reason]);
  }
  const { clock, last } = begin();
  last().end(1012);
  clock.advance(0);
  assert.equal(FakeSocket.all.length, 2);
});

test("requests are answered by ref, refused, timed out, and lost with the connection", async () => {
  const { socket, clock, last } = begin();
  await assert.rejects(socket.request({ type: "ping" }), (error) => error instanceof Refused && error.code === "lost");
  last().hear({ type: "welcome" });
  const answered = socket.request({ type: "chat.read" });
  last().hear({ type: "ack", ref: last().sent[0].ref, action: "read" });
  assert.equal((await answered).action, "read");
  const refused = socket.request({ type: "chat.read" });
  last().hear({ type: "error", ref: last().sent[1].ref, code: "closed", message: "Closed." });
  await assert.rejects(refused, (error) => error.code === "closed" && error.message === "Closed.");
  const late = socket.request({ type: "chat.read" });
  clock.advance(10000);
  await assert.rejects(late, { code: "lost" });
  const lost = socket.request({ type: "chat.read" });
  last().end(1006);
  await assert.rejects(lost, { code: "lost" });
});

test("a socket that was given up is not heard any more", () => {
  const { socket, frames, states, last } = begin();
  const old = last();
  socket.stop();
  assert.equal(old.closedWith, 1000);
  old.hear({ type: "welcome" });
  old.end(1006);
  assert.equal(frames.length, 0);
  assert.equal(states.at(-1).reason, "stopped");
});

test("a chat that cannot be followed any more is told", async () => {
  const { socket, frames, last } = begin();
  socket.follow("chat", 1);
  last().hear({ type: "welcome" });
  last().hear({ type: "error", ref: last().sent[0].ref, code: "forbidden", message: "no" });
  await Promise.resolve();
  await Promise.resolve();
  assert.ok(frames.some(({ type, chat_id }) => type === "subscribe.refused" && chat_id === "chat"));
});
