// The only owner of a WebSocket and of its timers. It connects, answers requests by `ref`, subscribes again
// after a reconnect with what was heard last, and tries again by the rules of docs/protocol.md.
import { delay, RECONNECT, RESTART_WITHIN } from "./backoff.js";
import { classify } from "./closecodes.js";
import { Position } from "./positions.js";

const SUBPROTOCOL = "flowra.v1";
const OPEN = 1;
const STABLE_AFTER = 5000; // ms: only a connection that stood so long sets the attempts back
const ANSWER_WITHIN = 10000; // ms
const CHANGES = new Set(["chat.message.posted", "chat.message.edited", "chat.message.deleted"]);

/** What the server, or the lack of one, refused: `code` is the protocol's, or "lost" when no answer came. */
export class Refused extends Error {
  constructor(code, message, frame = {}) {
    super(message);
    this.code = code;
    this.frame = frame;
  }
}

export class Socket {
  /**
   * `onFrame(frame)` hears every frame, `onState({name, attempt, reason})` every change of state, whose name is
   * "connecting", "connected" or "disconnected".
   */
  constructor({ url, WebSocket, clock, random, onFrame, onState }) {
    Object.assign(this, { url, WebSocket, clock, random, onFrame, onState });
    this.socket = null;
    this.generation = 0; // makes callbacks of sockets that were given up harmless
    this.attempt = 0;
    this.timer = null;
    this.stableTimer = null;
    this.positions = new Map();
    this.requests = new Map();
    this.nextRef = 1;
    this.welcomed = false;
  }

  start() {
    if (this.socket === null) this.connect();
  }

  stop() {
    this.drop();
    this.setState("disconnected", "stopped");
  }

  /** Try at once, from attempt 1 again: somebody clicked. */
  retry() {
    if (this.welcomed) return;
    this.drop();
    this.attempt = 0;
    this.connect();
  }

  get isOpen() {
    return this.welcomed && this.socket !== null && this.socket.readyState === OPEN;
  }

  /** Send a frame; returns false where there is nobody to send it to. */
  send(frame) {
    if (!this.isOpen) return false;
    this.socket.send(JSON.stringify(frame));
    return true;
  }

  /** Send a frame and return its `ack`; rejects with Refused. */
  request(frame) {
    const ref = String(this.nextRef++);
    if (!this.send({ ...frame, ref })) return Promise.reject(new Refused("lost", "not connected"));
    return new Promise((resolve, reject) => {
      const timer = this.clock.setTimeout(() => this.settle(ref, new Refused("lost", "no answer")), ANSWER_WITHIN);
      this.requests.set(ref, { resolve, reject, timer });
    });
  }

  /** Follow a chat from `revision` on, now and after every reconnect. */
  follow(chatId, revision) {
    this.positions.set(chatId, new Position(revision));
    if (this.isOpen) this.subscribe(chatId);
  }

  unfollow(chatId) {
    if (this.positions.delete(chatId)) this.send({ type: "unsubscribe", chat_id: chatId });
  }

  /** Ask again for what changed in every chat that is followed. */
  resubscribe() {
    for (const chatId of this.positions.keys()) this.subscribe(chatId);
  }

  subscribe(chatId) {
    const position = this.positions.get(chatId);
    this.request({ type: "subscribe", chat_id: chatId, since: position.contiguous }).then(
      (ack) => position.caughtUp(ack.revision),
      (error) => {
        if (error.code !== "lost") this.onFrame({ type: "subscribe.refused", chat_id: chatId, code: error.code });
      },
    );
  }

  connect() {
    const generation = ++this.generation;
    const current = (callback) => (event) => {
      if (generation === this.generation) callback(event);
    };
    this.setState("connecting");
    const socket = new this.WebSocket(this.url, [SUBPROTOCOL]);
    this.socket = socket;
    socket.onmessage = current((event) => this.receive(event.data));
    socket.onclose = current((event) => this.closed(event.code));
  }

  receive(text) {
    const frame = JSON.parse(text);
    if (frame.type === "welcome") this.greet();
    if (CHANGES.has(frame.type)) this.positions.get(frame.chat_id)?.heard(frame.data.revision);
    if (frame.type === "ack") this.settle(frame.ref, null, frame);
    if (frame.type === "error") this.settle(frame.ref, new Refused(frame.code, frame.message, frame));
    this.onFrame(frame);
  }

  greet() {
    this.welcomed = true;
    this.stableTimer = this.clock.setTimeout(() => {
      this.attempt = 0;
    }, STABLE_AFTER);
    this.setState("connected");
    this.resubscribe();
  }

  closed(code) {
    this.forget();
    const verdict = classify(code, false);
    if (verdict === "auth" || verdict === "fatal") {
      this.setState("disconnected", verdict);
      return;
    }
    if (this.attempt >= RECONNECT.attempts) {
      this.setState("disconnected", "exhausted");
      return;
    }
    this.attempt += 1;
    const wait = verdict === "restart" ? this.random() * RESTART_WITHIN : delay(this.attempt, this.random);
    this.setState("connecting");
    this.timer = this.clock.setTimeout(() => {
      this.timer = null;
      this.connect();
    }, wait);
  }

  settle(ref, error, ack) {
    const request = this.requests.get(ref);
    if (request === undefined) return;
    this.requests.delete(ref);
    this.clock.clearTimeout(request.timer);
    if (error === null) request.resolve(ack);
    else request.reject(error);
  }

  drop() {
    this.generation += 1;
    this.socket?.close(1000);
    this.forget();
  }

  forget() {
    this.socket = null;
    this.welcomed = false;
    this.clock.clearTimeout(this.timer);
    this.clock.clearTimeout(this.stableTimer);
    this.timer = null;
    for (const ref of [...this.requests.keys()]) this.settle(ref, new Refused("lost", "connection closed"));
  }

  setState(name, reason = "") {
    this.onState({ name, reason, attempt: this.attempt, most: RECONNECT.attempts });
  }
}
