// Commands that wait for their answer, by `ref`. Pure: time is given.

const ANSWER_WITHIN = 10000; // ms
const ANSWER_AT_MOST = 120000; // ms, however much comes before it

/** A command that failed: `code` is the protocol's, or "lost" when no answer came; `frame` is the server's `error`. */
export class Refused extends Error {
  constructor(code, message, frame = {}) {
    super(message);
    this.code = code;
    this.frame = frame;
  }
}

export class Requests {
  constructor() {
    this.open = new Map(); // ref → {done, failed, by, last}; in the order of their deadlines
    this.next = 1;
  }

  /** Returns the `ref` to send; then calls `done(ack)` or `failed(Refused)`, once. */
  add(now, done, failed) {
    const ref = String(this.next++);
    this.open.set(ref, { done, failed, by: now + ANSWER_WITHIN, last: now + ANSWER_AT_MOST });
    return ref;
  }

  /** Other frames come first, because the server carries out one command after the other: give the answers more time. */
  postpone(now) {
    for (const request of this.open.values()) {
      request.by = Math.min(Math.max(request.by, now + ANSWER_WITHIN), request.last);
    }
  }

  /** An `ack` or `error` frame came. */
  answered(frame) {
    const request = this.take(frame.ref);
    if (request === undefined) return; // timed out before, or an error that answers nothing
    if (frame.type === "ack") request.done(frame);
    else request.failed(new Refused(frame.code, frame.message, frame));
  }

  /** When `expire` has something to do; null without requests. */
  get deadline() {
    return this.open.values().next().value?.by ?? null;
  }

  /** Fail those that have waited too long. */
  expire(now) {
    for (const [ref, { by }] of [...this.open]) if (by <= now) this.fail(ref, "no answer");
  }

  /** The connection is closed: fail all. */
  failAll() {
    for (const ref of [...this.open.keys()]) this.fail(ref, "connection closed");
  }

  fail(ref, message) {
    this.take(ref)?.failed(new Refused("lost", message));
  }

  take(ref) {
    const request = this.open.get(ref);
    this.open.delete(ref);
    return request;
  }
}
