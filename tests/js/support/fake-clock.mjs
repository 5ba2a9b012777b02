// A clock that goes on only when it is told to. As in a browser, timers count time that passes, and `now()` is what
// the device believes: it can be set, and after a sleep it is far on while the timers have hardly moved.
const MOST_TURNS = 100_000;

export class FakeClock {
  ticks = 0; // ms that timers have counted
  offset = 0; // what the device's time is ahead of them
  timers = new Map(); // of what is tested
  world = new Map(); // of what stands around it: servers, networks
  next = 1;
  afterEach = () => {}; // called after every timer

  now = () => this.ticks + this.offset;

  get time() {
    return this.now();
  }

  // Whole milliseconds, as in a browser; up, so that what was due by then is due.
  setTimeout = (callback, delay = 0) => {
    this.timers.set(this.next, { callback, at: this.ticks + Math.ceil(Math.max(delay, 0)) });
    return this.next++;
  };

  clearTimeout = (id) => {
    this.timers.delete(id);
  };

  /** A timer of the world around: it is none of those that `timers` counts. */
  later(callback, delay) {
    this.world.set(this.next++, { callback, at: this.ticks + delay });
  }

  advance(by) {
    this.runUntil(this.ticks + by);
  }

  /** The device sleeps, or its time is set on or (negative) back: timers stand still meanwhile. */
  jump(by) {
    this.offset += by;
  }

  /** The browser holds all timers back, as in a hidden tab: what was due meanwhile comes late, and all at once. */
  hold(by) {
    this.ticks += by;
    this.runUntil(this.ticks);
  }

  runUntil(until) {
    for (let turns = 0; ; turns += 1) {
      if (turns > MOST_TURNS) throw new Error("timers that set each other for ever");
      const due = [...this.timers, ...this.world].filter(([, { at }]) => at <= until);
      if (due.length === 0) break;
      const [id, { callback, at }] = due.reduce((one, other) => (other[1].at < one[1].at ? other : one));
      this.timers.delete(id);
      this.world.delete(id);
      this.ticks = Math.max(this.ticks, at);
      callback();
      this.afterEach();
    }
    this.ticks = until;
  }
}
