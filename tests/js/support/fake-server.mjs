// A server, and the network before it, that can misbehave in every way a browser has to live with. It acts by chance
// on timers of the world (fake-clock.mjs), until `behave()`.
import { WELCOME } from "./fake-socket.mjs";

export const CODES = [1000, 1001, 1003, 1005, 1006, 1009, 1011, 1012, 1013, 4400, 4401, 4408, 4429];
const HARMLESS = [1000, 1001, 1005, 1006, 1011, 1012, 1013, 4408, 4429]; // those that are tried again
const QUICK = 100; // ms
const CLIMATES = [
  { accepts: 10, refuses: 3, hangs: 1, silent: 1, slow: 2, ends: 2, mute: 1 },
  { accepts: 0.2, refuses: 8, hangs: 1, silent: 1 },
];

/** One end of a connection each; `isLive` is what the browser would count. */
function makeSocketClass(server) {
  return class {
    constructor() {
      Object.assign(this, { readyState: 0, isLetGo: false, isHalfOpen: false, mood: server.mood() });
      server.sockets.push(this);
      server.meet(this);
    }

    get isLive() {
      return this.readyState < 2 && !this.isLetGo;
    }

    send(text) {
      if (this.readyState !== 1) throw new Error("sent to a socket that is not open");
      if (this.isLetGo) throw new Error("sent to a socket that was let go");
      server.take(this, JSON.parse(text));
    }

    close() {
      this.isLetGo = true;
      if (this.readyState < 2) this.readyState = 2;
      // A half-open one says so after a minute; any of them may still say something meanwhile.
      server.clock.later(() => {
        this.onopen?.({});
        this.onmessage?.({ data: JSON.stringify({ ...WELCOME, isGhost: true }) });
        this.readyState = 3;
        this.onclose?.({ code: server.chance.of(CODES) });
      }, server.chance.of([0, 50, 60_000]));
    }
  };
}

export class FakeServer {
  constructor(clock, chance, log) {
    Object.assign(this, { clock, chance, log, sockets: [], revision: 1, isGood: false, moods: chance.of(CLIMATES) });
    this.WebSocket = makeSocketClass(this);
  }

  /** From now on it does what it should, for new connections; those that are silently dead stay so. */
  behave() {
    this.isGood = true;
    for (const socket of this.sockets) if (socket.readyState === 1) socket.mood = "accepts";
  }

  mood() {
    return this.isGood ? "accepts" : this.chance.by(this.moods);
  }

  get live() {
    return this.sockets.filter(({ isLive }) => isLive);
  }

  /** How long something takes. */
  delay(socket) {
    if (this.isGood) return this.chance.below(QUICK);
    return socket.mood === "slow" ? this.chance.below(15_000) : this.chance.below(QUICK);
  }

  meet(socket) {
    this.log.push(`  ${this.clock.ticks}: a socket (${socket.mood})`);
    const wait = this.delay(socket);
    if (socket.mood === "hangs") return;
    if (socket.mood === "refuses") this.clock.later(() => this.end(socket, 1006), wait);
    else this.clock.later(() => this.accept(socket), wait);
  }

  accept(socket) {
    if (!socket.isLive) return;
    socket.readyState = 1;
    socket.onopen({});
    if (socket.mood === "silent") return;
    this.say(socket, { ...WELCOME }, this.delay(socket));
    if (socket.mood !== "ends") return;
    this.clock.later(() => this.end(socket, this.chance.of(CODES)), this.chance.below(20_000));
  }

  /** A frame on its way: it comes if the connection lives by then. */
  say(socket, frame, wait) {
    this.clock.later(() => {
      if (socket.readyState !== 1 || socket.isHalfOpen || socket.isLetGo) return;
      socket.onmessage({ data: JSON.stringify(frame) });
    }, wait);
  }

  end(socket, code) {
    if (!socket.isLive || socket.isHalfOpen) return;
    this.log.push(`  ${this.clock.ticks}: closed with ${code}`);
    socket.readyState = 2; // the browser knows a moment before the page is told
    this.clock.later(() => {
      socket.readyState = 3;
      socket.onclose({ code });
    }, this.chance.of([0, 0, 20]));
  }

  take(socket, frame) {
    if (socket.isHalfOpen || socket.mood === "mute") return;
    const wait = this.delay(socket);
    if (frame.type === "ping") this.say(socket, { type: "pong" }, wait);
    if (frame.ref === undefined) return;
    const isRefused = !this.isGood && this.chance.is(0.2);
    const { ref, chat_id } = frame;
    if (isRefused) {
      const code = this.chance.of(["rate_limited", "internal", "internal", "forbidden"]);
      const retry_after = code === "rate_limited" ? this.chance.below(70) : undefined;
      this.say(socket, { type: "error", ref, code, message: "", retry_after }, wait);
    } else if (this.isGood || this.chance.is(0.9)) {
      this.say(socket, { type: "ack", ref, chat_id, action: "done", revision: this.revision }, wait);
    }
  }

  /** Something goes wrong with the connection that stands. */
  disturb() {
    const [socket] = this.live;
    if (socket === undefined) return "nobody to disturb";
    const how = this.chance.by({ closes: 4, ends: 1, halfOpen: 3, mute: 1, chatters: 4 });
    if (how === "closes") this.end(socket, this.chance.of(HARMLESS));
    if (how === "ends") this.end(socket, this.chance.of(CODES));
    if (how === "halfOpen") socket.isHalfOpen = true;
    if (how === "mute") socket.mood = "mute";
    if (how === "chatters") this.chatter(socket);
    return how;
  }

  chatter(socket) {
    for (let time = 0; time < 5; time += 1) {
      const revision = this.revision + this.chance.below(3); // some again, some behind a gap
      this.revision = revision;
      const data = { id: `m${revision}`, revision };
      this.say(socket, { type: "chat.message.posted", chat_id: "a", data }, 10 * time);
    }
  }
}
