// A part of the page that is fetched again when something changes.
import { paced } from "../lib/paced.js";
import { PageError } from "./fetch-page.js";

const EVERY = 1000; // ms between two requests

export class Refetch {
  /**
   * `load()` returns a promise of HTML that rejects with PageError; `show(html)` takes it. `onError(error)` is told of a
   * PageError; the old part stays, and is fetched again when the connection is back. `settle`: ms to wait for more changes.
   */
  constructor({ load, show, onError = () => {}, settle, clock }) {
    Object.assign(this, { load, show, onError });
    this.isFetching = false;
    this.isStale = false; // something changed meanwhile: the answer may be too old to know it
    this.soon = paced(() => this.fetch(), { settle, every: EVERY, clock });
  }

  /** Fetch it soon; changes until then are one. */
  refresh() {
    this.soon();
  }

  /** Something was shown that an answer on its way may not have. */
  changedHere() {
    this.isStale = this.isFetching;
  }

  async fetch() {
    this.isStale = this.isFetching;
    if (this.isFetching) return;
    this.isFetching = true;
    try {
      this.show(await this.load());
    } catch (error) {
      if (!(error instanceof PageError)) throw error;
      this.onError(error);
    } finally {
      this.isFetching = false;
    }
    if (this.isStale) this.refresh();
  }
}
