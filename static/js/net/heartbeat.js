// Finds a connection that is open in name only. Any frame is a sign of life; the browser hides the server's pings.
// Pure: time is given.

const SILENT_FOR = 10000; // ms beyond the server's ping_interval: then it is asked
const ANSWER_WITHIN = 10000; // ms
const WAKE_ANSWER_WITHIN = 4000; // ms: somebody has just come back and looks

export class Heartbeat {
  /** Begins with a connection's `welcome`; its times are in seconds, as in the frame. */
  constructor({ ping_interval, pong_timeout }, now) {
    this.askAfter = ping_interval * 1000 + SILENT_FOR;
    // The server has given this connection up by then; where it is quicker at that, asking is still worth its time.
    this.deadAfter = Math.max((ping_interval + pong_timeout) * 1000, this.askAfter + ANSWER_WITHIN);
    this.heard(now);
  }

  /** A frame came, whatever it says. */
  heard(now) {
    this.heardAt = now;
    this.answerBy = null;
  }

  /** When to call `check` next. */
  get deadline() {
    return this.answerBy ?? this.heardAt + this.askAfter;
  }

  /** Returns "dead", "ping" (to be sent now) or null. */
  check(now) {
    // Only where no timer ran in time, so after sleep: no need to ask first.
    if (now - this.heardAt >= this.deadAfter) return "dead";
    if (this.answerBy !== null) return now >= this.answerBy ? "dead" : null;
    return now >= this.deadline ? this.ask(now, ANSWER_WITHIN) : null;
  }

  /**
   * The device woke, the page is looked at again, or the network changed; returns as `check`. What was heard a moment
   * ago counts for nothing: it is from before.
   */
  wake(now) {
    if (now - this.heardAt >= this.deadAfter) return "dead";
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
