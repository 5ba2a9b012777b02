// The only owner of a WebSocket, and of one timer. Pure modules decide what to do and when: machine.js (states),
// heartbeat.js (does it still work?), requests.js (answers) and sync.js (catch-up).
import { RECONNECT } from "./backoff.js";
import { Heartbeat } from "./heartbeat.js";
import { dotOf, reduce, STOPPED } from "./machine.js";
import { Refused, Requests } from "./requests.js";
import { Sync } from "./sync.js";

const SUBPROTOCOL = "flowra.v1";
const OPEN = 1;
const TICK = 5000; // ms: the timer comes at least so often, so that a sleep is noticed at once
const LATE = 5000; // ms: a timer so late means that the device slept, or the browser held it back
const CLOCK_STEP = 1000; // ms: a clock set back by more leaves no deadline in its place

export class Socket {
  /**
   * `clock` is {now, setTimeout, clearTimeout}, `random()` is in [0, 1). `onFrame(frame)` gets every frame, and as
   * frames of its own "catchup.begin" and "catchup.end" around what was missed, "chat.reset" and "subscribe.refused".
   * `onState({name, state, attempt, most, retryAt, isRestart})` gets every change of state: `name` is the dot's
   * ("connected", "connecting", "disconnected"), `state` the machine's, `retryAt` when the next try is, or null.
   */
  constructor({ url, WebSocket, clock, random, onFrame, onState, log = () => {} }) {
    Object.assign(this, { url, WebSocket, clock, random, onFrame, onState, log });
    this.state = STOPPED;
    this.events = []; // not yet reduced: an effect or a listener may bring the next one
    this.isReducing = false;
    this.socket = null;
    this.generation = 0; // makes callbacks of dropped sockets harmless
    this.heartbeat = null; // from welcome to the end of a connection
    this.features = []; // what the server offers
    this.timer = null;
    this.armedAt = -Infinity; // when the timer was last set, by the clock
    this.isSetBack = false; // the clock was: what is due by it is too far away
    this.requests = new Requests();
    this.sync = new Sync({
      ask: (chatId, how, done, failed) => this.ask(chatId, how, done, failed),
      deliver: onFrame,
      begin: (chat_id) => onFrame({ type: "catchup.begin", chat_id }),
      end: (chat_id) => onFrame({ type: "catchup.end", chat_id }),
      reset: (chat_id) => onFrame({ type: "chat.reset", chat_id }),
      refused: (chat_id, code) => onFrame({ type: "subscribe.refused", chat_id, code }),
      broken: () => this.dispatch("silent"),
    });
  }

  // --- For the page ---

  start() {
    this.dispatch("start");
  }

  /** Close it, and connect no more until `start`, `retry` or `shown`. */
  stop() {
    this.dispatch("stop");
  }

  /** Connect at once: somebody clicked. */
  retry() {
    this.dispatch("click");
  }

  /** Somebody looks at the page again, or the network is back. */
  wake() {
    this.dispatch("wake");
  }

  /** The browser says that there is no network. */
  offline() {
    this.dispatch("offline");
  }

  /** The page is left; it may come back from the back/forward cache. */
  leave() {
    this.dispatch("leave");
  }

  /** The page came back from there. */
  shown() {
    this.dispatch("shown");
  }

  // --- Frames ---

  /** Whether the server has greeted this connection. */
  get isOpen() {
    return this.heartbeat !== null && this.socket.readyState === OPEN;
  }

  /** Send a frame; returns false without a connection. */
  send(frame) {
    if (!this.isOpen) return false;
    this.socket.send(JSON.stringify(frame));
    return true;
  }

  /** Send a frame and return its `ack`; rejects with Refused. */
  request(frame) {
    return new Promise((resolve, reject) => this.command(frame, resolve, reject));
  }

  /**
   * Follow a chat from `revision` on, now and after every reconnect; in the background without typing and presence. Called with
   * the other `background`, it goes on from what has come.
   */
  follow(chatId, revision, { background = false } = {}) {
    this.sync.follow(chatId, revision, this.clock.now(), background);
    this.arm();
  }

  unfollow(chatId) {
    if (this.sync.unfollow(chatId)) this.send({ type: "unsubscribe", chat_id: chatId });
  }

  /** Ask again for what changed in every chat that is followed. */
  resubscribe() {
    if (this.isOpen) this.sync.again(this.clock.now());
    this.arm();
  }

  command(frame, done, failed) {
    if (!this.isOpen) {
      failed(new Refused("lost", "not connected"));
      return;
    }
    this.send({ ...frame, ref: this.requests.add(this.clock.now(), done, failed) });
    this.arm();
  }

  ask(chat_id, { since, isBackground }, done, failed) {
    const at = (callback) => (answer) => callback(answer, this.clock.now());
    if (isBackground && !this.features.includes("background")) {
      this.send({ type: "unsubscribe", chat_id }); // what changes comes when the chat is opened again
      at(done)({ revision: since });
      return;
    }
    this.command({ type: "subscribe", chat_id, since, ...(isBackground && { background: true }) }, at(done), at(failed));
  }

  receive(text) {
    const now = this.clock.now();
    const frame = JSON.parse(text);
    this.heartbeat?.received(now);
    if (frame.type === "welcome") {
      this.heartbeat = new Heartbeat(frame, now);
      this.features = frame.features ?? [];
    }
    if (frame.type === "ack" || frame.type === "error") this.requests.answered(frame);
    if (!this.sync.take(frame, now)) this.onFrame(frame);
    else if (this.sync.isAsking(frame.chat_id)) this.requests.postpone(now);
    if (frame.type === "welcome") this.dispatch("welcome");
    else if (this.state.name === "syncing") this.dispatch("frame");
    this.checkSynced();
    this.arm();
  }

  /** A connection can be relied on after its welcome and the catch-up of every chat. */
  checkSynced() {
    if (this.heartbeat !== null && this.state.name === "syncing" && this.sync.isDone) this.dispatch("synced");
  }

  // --- The machine ---

  dispatch(type, code) {
    this.events.push({ type, code, chance: this.random() });
    if (this.isReducing) return;
    this.isReducing = true;
    try {
      while (this.events.length > 0) this.step(this.events.shift());
    } finally {
      this.isReducing = false;
    }
  }

  step(event) {
    const before = this.state;
    const now = this.clock.now();
    const { state, effects } = reduce(before, event, now);
    this.state = state;
    this.arm(); // first: the timer is set, whatever fails below
    for (const effect of effects) this.effects[effect]();
    if (state.name === before.name) return;
    const { name, attempt, deadline, isRestart } = state;
    const retryAt = name === "waiting" ? deadline : null;
    if (retryAt !== null) this.log(`WS reconnect attempt ${attempt} in ${Math.round(retryAt - now)} ms`);
    this.onState({ name: dotOf(state), state: name, attempt, most: RECONNECT.attempts, retryAt, isRestart });
  }

  effects = {
    open: () => this.open(),
    drop: () => this.drop(),
    catch_up: () => {
      this.sync.open(this.clock.now());
      this.checkSynced();
    },
    // It died during a sleep, which is not the server's fault: the next try need not wait.
    probe: () => {
      if (this.beat(this.heartbeat.wake(this.clock.now()))) this.dispatch("wake");
      this.arm();
    },
  };

  open() {
    const generation = ++this.generation;
    const current = (callback) => (event) => {
      if (generation === this.generation) callback(event);
    };
    const socket = new this.WebSocket(this.url, [SUBPROTOCOL]);
    this.socket = socket;
    socket.onopen = current(() => this.dispatch("open"));
    socket.onmessage = current((event) => this.receive(event.data));
    socket.onclose = current((event) => this.dispatch("closed", event.code));
  }

  /** Drop the socket without waiting for its close event, which a half-open one sends after a minute. */
  drop() {
    this.generation += 1;
    this.socket?.close(1000);
    this.socket = null;
    this.heartbeat = null;
    this.sync.pause();
    this.requests.failAll();
  }

  // --- Time ---

  /** Set the one timer to whatever is due first. */
  arm() {
    this.clock.clearTimeout(this.timer);
    this.timer = null;
    const deadlines = [this.state.deadline, this.heartbeat?.deadline, this.requests.deadline, this.sync.deadline];
    const due = deadlines.filter((at) => at !== null && at !== undefined);
    if (due.length === 0) {
      Object.assign(this, { armedAt: -Infinity, isSetBack: false });
      return;
    }
    const now = this.clock.now();
    this.isSetBack ||= now < this.armedAt - CLOCK_STEP; // remembered: a frame may set the timer anew before it comes
    this.armedAt = now;
    this.wakeAt = this.isSetBack ? now : Math.max(Math.min(...due, now + TICK), now);
    this.timer = this.clock.setTimeout(() => this.tick(), this.wakeAt - now);
  }

  tick() {
    const now = this.clock.now();
    const isSetBack = this.isSetBack || now < this.armedAt - CLOCK_STEP;
    const isLate = now - this.wakeAt > LATE;
    Object.assign(this, { timer: null, armedAt: now, isSetBack: false });
    this.dispatch("timer");
    if (isSetBack) this.dispatch("silent");
    if (isSetBack || isLate) this.dispatch("wake");
    else if (this.heartbeat !== null) this.beat(this.heartbeat.check(now));
    this.requests.expire(now);
    this.sync.tick(now);
    this.arm();
  }

  /** Do what the heartbeat says; returns whether the connection is found dead. */
  beat(verdict) {
    if (verdict === "ping") this.send({ type: "ping" });
    if (verdict === "dead") this.dispatch("silent");
    return verdict === "dead";
  }
}
