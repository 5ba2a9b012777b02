// A question that is asked until it is answered.
import { retryDelay } from "./backoff.js";

export class Retry {
  /**
   * `ask()` returns a promise. Its answer goes to `onAnswer(answer)`. Its error goes to `onError(error)`, which returns
   * whether to ask again, or after how many ms at the earliest, and may throw; the wait is doubled from failure to failure. `isWanted()`: whether to ask again
   * now; where not, `resume()` does.
   */
  constructor({ ask, onAnswer, onError, isWanted = () => true, clock }) {
    Object.assign(this, { ask, onAnswer, onError, isWanted, clock });
    this.timer = null;
    this.failures = 0;
    this.isOwed = false; // a try that waits until it is wanted
    this.generation = 0; // makes the answer to an earlier question harmless
  }

  /** Ask in `wait` ms, instead of all that was asked or waited for before. */
  start(wait = 0) {
    this.cancel();
    if (wait > 0) this.timer = this.clock.setTimeout(() => this.start(), wait);
    else return this.run();
  }

  /** Ask no more, and pass over the answer to what was asked. */
  cancel() {
    this.clock.clearTimeout(this.timer);
    this.isOwed = false;
    this.generation += 1;
  }

  /** Ask now what was not wanted when its time came. */
  resume() {
    if (this.isOwed && this.isWanted()) this.start();
  }

  async run() {
    const { generation } = this;
    let answer;
    try {
      answer = await this.ask();
    } catch (error) {
      const again = generation === this.generation && this.onError(error);
      if (again && generation === this.generation) this.wait(Number(again));
      return;
    }
    if (generation !== this.generation) return;
    this.failures = 0;
    this.onAnswer(answer);
  }

  wait(least) {
    this.timer = this.clock.setTimeout(() => {
      if (this.isWanted()) this.start();
      else this.isOwed = true;
    }, Math.max(retryDelay(this.failures), least));
    this.failures += 1;
  }
}
