// A WebSocket whose other end is the test, and a Socket on it with a clock and chance of its own.
import { Socket } from "../../../static/js/net/socket.js";
import { FakeClock } from "./fake-clock.mjs";

export const WELCOME = { type: "welcome", ping_interval: 30, pong_timeout: 60 };

export class FakeSocket {
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

  open() {
    this.readyState = 1;
    this.onopen({});
  }

  receive(frame) {
    this.onmessage({ data: JSON.stringify(frame) });
  }

  end(code) {
    this.readyState = 3;
    this.onclose({ code });
  }

  /** Answer the latest `subscribe`. */
  caughtUp(revision, more = {}) {
    const { ref } = this.sent.findLast(({ type }) => type === "subscribe");
    this.receive({ type: "ack", ref, action: "subscribed", revision, ...more });
  }
}

/** A Socket that has started; `random` is what chance always says. */
export function begin({ random = 0, ...more } = {}) {
  FakeSocket.all = [];
  const stage = { clock: new FakeClock(), frames: [], states: [], lines: [], ...more };
  stage.socket = new Socket({
    url: "ws://here/ws/",
    WebSocket: FakeSocket,
    clock: stage.clock,
    random: () => random,
    onFrame: (frame) => stage.frames.push(frame),
    onState: (state) => stage.states.push(state),
    log: (line) => stage.lines.push(line),
  });
  stage.last = () => FakeSocket.all.at(-1);
  stage.count = () => FakeSocket.all.length;
  stage.types = () => stage.frames.map(({ type }) => type);
  /** Let the newest socket be opened and greeted. */
  stage.greet = (welcome = {}) => {
    stage.last().open();
    stage.last().receive({ ...WELCOME, ...welcome });
  };
  stage.socket.start();
  return stage;
}

export const posted = (revision, id = `m${revision}`) => ({
  type: "chat.message.posted", chat_id: "chat", data: { id, revision },
});
