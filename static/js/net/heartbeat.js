// Finds a connection that is open in name only. Every frame that comes shows that it works; the browser hides pings.
// Pure: time is given.

const SILENT_FOR = 10000; // ms beyond the server's ping_interval: then a ping is sent
const ANSWER_WITHIN = 10000; // ms
const WAKE_ANSWER_WITHIN = 4000; // ms: somebody has just come back to the page

export class Heartbeat {
  /** Begins with a connection's `welcome`; its times are in seconds, as in the frame. */
  constructor({ ping_interval, pong_timeout }, now) {
    this.askAfter = ping_interval * 1000 + SILENT_FOR;
    // By then the server has closed this connection. Where it does so earlier, the ping still gets its time.
    this.deadAfter = Math.max((ping_interval + pong_timeout) * 1000, this.askAfter + ANSWER_WITHIN);
    this.received(now);
  }

  /** A frame came, whatever it says. */
  received(now) {
    this.receivedAt = now;
    this.answerBy = null;
  }

  /** When to call `check` next. */
  get deadline() {
    return this.answerBy ?? this.receivedAt + this.askAfter;
  }

  /** Returns "dead", "ping" (to be sent now) or null. */
  check(now) {
    // Only where no timer ran in time, so after sleep: no need to ask first.
    if (now - this.receivedAt >= this.deadAfter) return "dead";
    if (this.answerBy !== null) return now >= this.answerBy ? "dead" : null;
    return now >= this.deadline ? this.ask(now, ANSWER_WITHIN) : null;
  }

  /**
   * The device woke, the page is looked at again, or the network changed; returns as `check`. A frame of a
   * moment ago shows nothing: it is from before.
   */
  wake(now) {
    if (now - this.receivedAt >= this.deadAfter) return "dead";
    const by = Math.min(this.answerBy ?? Infinity, now + WAKE_ANSWER_WITHIN);
    const isAsked = this.answerBy !== null;
    this.answerBy = by;
    return isAsked ? null : "ping";
  }

  ask(now, within) {
    this.answerBy = now + within;
    return "ping";
  }
}
