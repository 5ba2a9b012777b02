// Fetches the snapshot of presence after each subscription, and tries again while nobody can say.

const SPREAD = 1000; // ms: after a server's restart its clients do not all ask at once
const RETRY_FIRST = 2000; // ms, doubled from try to try
const RETRY_MOST = 30000;
const SIGNED_OUT = new Set([401, 403]); // the socket finds out too, and says so

export class PresenceSource {
  /** `load()` fetches the snapshot; it goes to `onSnapshot(entries)`. `onUnknown()` is called where there is none. */
  constructor({ load, onSnapshot, onUnknown, isVisible, clock, random }) {
    Object.assign(this, { load, onSnapshot, onUnknown, isVisible, clock, random });
    this.isFirst = true;
    this.isStopped = false;
    this.isOwed = false; // a try that waits until somebody looks
    this.failures = 0;
    this.timer = null;
    this.generation = 0; // makes the answer to an earlier question harmless
  }

  /** The socket hears of changes from now on: what was fetched before may be older than that. */
  subscribed() {
    const wait = this.isFirst ? 0 : this.random() * SPREAD;
    this.isFirst = false;
    this.failures = 0;
    this.plan(wait);
  }

  /** The list has members about whom nothing is known. Before the first subscription nothing is asked. */
  refresh() {
    if (!this.isFirst) this.plan(0);
  }

  /** The page is looked at again, or no more. */
  becameVisible() {
    if (this.isOwed && this.isVisible()) this.ask();
  }

  /** The socket is gone: its next subscription asks anew. */
  pause() {
    this.clock.clearTimeout(this.timer);
    this.isOwed = false;
    this.generation += 1;
  }

  /** Presence was switched off, or the chat is none of ours any more. */
  stop() {
    this.pause();
    this.isStopped = true;
  }

  plan(wait) {
    this.pause();
    if (this.isStopped) return;
    if (wait === 0) this.ask();
    else this.timer = this.clock.setTimeout(() => this.ask(), wait);
  }

  async ask() {
    this.isOwed = false;
    const generation = ++this.generation;
    let entries;
    try {
      entries = await this.load();
    } catch (error) {
      if (generation === this.generation) this.failed(error);
      return;
    }
    if (generation !== this.generation) return;
    this.failures = 0;
    this.onSnapshot(entries);
  }

  failed({ status }) {
    this.onUnknown();
    if (status === 404) this.stop();
    if (this.isStopped || SIGNED_OUT.has(status)) return;
    const wait = Math.min(RETRY_FIRST * 2 ** this.failures, RETRY_MOST);
    this.failures += 1;
    this.timer = this.clock.setTimeout(() => {
      if (this.isVisible()) this.ask();
      else this.isOwed = true;
    }, wait);
  }
}
