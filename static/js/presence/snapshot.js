// Fetches the snapshot of presence after each subscription, and tries again while the server cannot say who is online.
import { Retry } from "../net/retry.js";

const SPREAD = 1000; // ms: after a server's restart its clients do not all ask at once
const SIGNED_OUT = new Set([401, 403]); // the socket finds out too, and says so

export class PresenceSource {
  /**
   * `load()` fetches the snapshot; it goes to `onSnapshot(entries)`. `onUnknown()` is called where there is none. While
   * `isVisible()` is false nothing is tried again.
   */
  constructor({ load, onSnapshot, onUnknown, isVisible, clock, random }) {
    Object.assign(this, { onUnknown, random });
    this.isFirst = true;
    this.isStopped = false;
    const onError = (error) => this.failed(error);
    this.retry = new Retry({ ask: load, onAnswer: onSnapshot, onError, isWanted: isVisible, clock });
  }

  /** The socket brings changes from now on: what was fetched before may be older than that. */
  subscribed() {
    const wait = this.isFirst ? 0 : this.random() * SPREAD;
    this.isFirst = false;
    this.retry.failures = 0;
    this.fetch(wait);
  }

  /** The list has members about whom nothing is known. Before the first subscription nothing is asked. */
  refresh() {
    if (!this.isFirst) this.fetch(0);
  }

  /** The page is looked at again, or no more. */
  becameVisible() {
    this.retry.resume();
  }

  /** The socket is gone: its next subscription asks anew. */
  pause() {
    this.retry.cancel();
  }

  /** Presence was switched off, or the reader is no member of the chat any more. */
  stop() {
    this.pause();
    this.isStopped = true;
  }

  fetch(wait) {
    if (!this.isStopped) this.retry.start(wait);
  }

  /** Returns whether to ask again. */
  failed({ status }) {
    this.onUnknown();
    if (status === 404) this.stop();
    return !this.isStopped && !SIGNED_OUT.has(status);
  }
}
