// How far the reader has read: told to the server when the latest message is on the screen of a visible page.

const SETTLE = 250; // ms: a burst of messages is one report
const RETRY = 5000; // ms, where the server puts it off
const LATER = new Set(["rate_limited", "internal", "unavailable"]);

export class ReadMarker {
  /**
   * `isAtEnd()`, `isVisible()`: whether the latest message is seen; `latestSeq()`: its place;
   * `report(seq)`: tells the server, returns a promise.
   */
  constructor({ lastReadSeq, isAtEnd, isVisible, latestSeq, report, clock }) {
    Object.assign(this, { isAtEnd, isVisible, latestSeq, report, clock });
    this.readSeq = lastReadSeq;
    this.timer = null;
  }

  get isReading() {
    return this.isVisible() && this.isAtEnd();
  }

  get unread() {
    return Math.max(this.latestSeq() - this.readSeq, 0);
  }

  /** Own messages count as read. */
  wrote(seq) {
    this.readSeq = Math.max(this.readSeq, seq);
  }

  /** Report soon what was read since; to be called when the list, the page or the connection has changed. */
  check(wait = SETTLE) {
    if (!this.isReading || this.unread === 0 || this.timer !== null) return;
    this.timer = this.clock.setTimeout(() => this.tell(), wait);
  }

  /** Report once more what was read before. */
  async reportAgain(seq) {
    if (seq > this.readSeq) return; // it is told soon
    try {
      await this.report(seq);
    } catch (error) {
      if (error.code === undefined) throw error; // a refusal, or no connection: the bell says that it is unread, as it is
    }
  }

  async tell() {
    const seq = this.latestSeq();
    const before = this.readSeq;
    let wait = SETTLE; // what came while this was told
    if (this.isReading && seq > before) {
      this.readSeq = seq;
      try {
        await this.report(seq);
      } catch ({ code }) {
        this.readSeq = Math.min(this.readSeq, before);
        wait = LATER.has(code) ? RETRY : null; // null: when the connection is back, or never
      }
    }
    this.timer = null;
    if (wait !== null) this.check(wait);
  }
}
