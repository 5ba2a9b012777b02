// The tabs of one browser: a lock, so that one of them does a thing at a time, and messages to the others.

const STEAL_AFTER = 30000; // ms: a tab that holds a lock for so long is stuck

export class Tabs {
  /**
   * `name` is what the tabs share. `locks` is navigator.locks, `Channel` is BroadcastChannel; without the one every tab
   * works without a lock, without the other no messages come. `onMessage(message)` gets the messages of other tabs.
   */
  constructor({ name, locks, Channel, clock, onMessage }) {
    Object.assign(this, { name, locks, Channel, clock, onMessage });
    this.resume();
  }

  /**
   * Run `work()` while no other tab runs work for the same `key`; settles as it does. The lock may be taken from a tab that
   * holds it for too long, so `work` has to be harmless where another tab does it, too.
   */
  async exclusive(key, work) {
    if (this.locks === undefined) return work();
    const name = `${this.name}.${key}`;
    let working = null;
    const run = () => {
      working = work();
      return Promise.race([working, this.left]); // a page that is left or frozen keeps nobody waiting
    };
    const isGranted = await this.hold(name, run);
    if (!isGranted && working === null) await this.hold(name, run, { steal: true });
    return working;
  }

  /** Hold a lock while `run()` runs; returns false where it was not granted in time, or taken away. */
  async hold(name, run, options = {}) {
    const waiting = new AbortController();
    const timer = this.clock.setTimeout(() => waiting.abort(), STEAL_AFTER);
    const granted = () => {
      this.clock.clearTimeout(timer);
      return run();
    };
    try {
      await this.locks.request(name, options.steal ? options : { signal: waiting.signal }, granted);
      return true;
    } catch (error) {
      if (error.name !== "AbortError") throw error;
      return false;
    } finally {
      this.clock.clearTimeout(timer);
    }
  }

  /** Tell all other tabs. */
  tell(message) {
    this.channel?.postMessage(message);
  }

  /** The page is left or frozen, and may come back: nothing is held meanwhile. */
  leave() {
    this.release();
    this.channel?.close();
    this.channel = null;
  }

  /** It came back. */
  resume() {
    this.left = new Promise((resolve) => {
      this.release = resolve;
    });
    if (this.Channel === undefined || this.channel) return;
    this.channel = new this.Channel(this.name);
    this.channel.onmessage = ({ data }) => this.onMessage(data);
  }
}
