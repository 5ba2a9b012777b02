// Chats that are fetched before the click: while the pointer rests on a link, or as soon as it is pressed.
import { on } from "../lib/bus.js";
import { PageError } from "../net/fetch-page.js";

export const REST = 65; // ms that a pointer rests on a link before it is likely to be clicked
export const MOST = 3; // answers that are kept, or on their way
export const KEEP = 10_000; // ms: what is older is fetched again
// After these an answer may show another state than the chat's. Messages are no matter: the socket brings what comes later.
const OUTDATING = ["renamed", "closed", "reopened", "changed", "deleted", "member_added", "member_removed", "unread"];

export class Prefetch {
  /**
   * `load(path, signal)` returns a promise of HTML that rejects with PageError. `isAllowed()`: whether anything may be fetched
   * that nobody has asked for yet.
   */
  constructor({ load, isAllowed, clock, signal }) {
    Object.assign(this, { load, isAllowed, clock, signal });
    this.answers = new Map(); // path → {chatId, promise, at, stop(), isDone}; the oldest first
    this.timer = null;
    for (const name of OUTDATING) on(`chat.${name}`, ({ chat_id: chatId }) => this.drop(chatId), signal);
    for (const type of ["chat.stale", "written.forgotten"]) on(type, () => this.clear(), signal);
    const stateChanged = ({ state }) => {
      if (state !== "online") this.clear();
    };
    on("socket.state", stateChanged, signal);
    signal.addEventListener("abort", () => this.clear());
  }

  /** A pointer has come to a link to a chat, {chatId, path}; null: to something else. */
  hover(target) {
    this.clock.clearTimeout(this.timer);
    if (target === null) return;
    this.timer = this.clock.setTimeout(() => {
      // Whoever moves along a list of chats has one request on its way.
      if ([...this.answers.values()].every(({ isDone }) => isDone)) this.fetch(target);
    }, REST);
  }

  /** A link to a chat is pressed. */
  press(target) {
    this.clock.clearTimeout(this.timer);
    this.fetch(target);
  }

  fetch({ chatId, path }) {
    const known = this.answers.get(path);
    if (!this.isAllowed(chatId) || (known !== undefined && this.isFresh(known))) return;
    this.remove(path);
    const controller = new AbortController();
    const answer = { chatId, at: this.clock.now(), isDone: false, stop: () => controller.abort() };
    answer.promise = this.load(path, AbortSignal.any([controller.signal, this.signal]));
    this.answers.set(path, answer);
    const done = () => {
      answer.isDone = true;
    };
    answer.promise.then(done, () => { // nobody has asked for it: the click asks itself
      done();
      if (this.answers.get(path) === answer) this.answers.delete(path);
    });
    for (const oldest of [...this.answers.keys()].slice(0, -MOST)) this.remove(oldest);
  }

  /** Keep what has come by another way, until it is taken at once. */
  put({ chatId, path }, html) {
    this.remove(path);
    this.answers.set(path, { chatId, promise: Promise.resolve(html), at: this.clock.now(), isDone: true, stop: () => {} });
  }

  /** Take what was fetched, or load it now; as `load`. */
  async take(path, signal) {
    this.clock.clearTimeout(this.timer);
    const answer = this.answers.get(path);
    this.answers.delete(path);
    if (answer !== undefined && this.isFresh(answer)) {
      try {
        return await answer.promise;
      } catch (error) {
        if (!(error instanceof PageError)) throw error;
      }
    }
    return this.load(path, signal);
  }

  isFresh({ at }) {
    return Math.abs(this.clock.now() - at) < KEEP;
  }

  /** Forget what was fetched of a chat. */
  drop(chatId) {
    for (const [path, answer] of this.answers) if (answer.chatId === chatId) this.remove(path);
  }

  clear() {
    this.clock.clearTimeout(this.timer);
    for (const path of [...this.answers.keys()]) this.remove(path);
  }

  remove(path) {
    this.answers.get(path)?.stop();
    this.answers.delete(path);
  }
}
