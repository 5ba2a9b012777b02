// A clock that goes on only when it is told to.
export class FakeClock {
  time = 0;
  timers = new Map();
  next = 1;

  now = () => this.time;

  setTimeout = (callback, delay) => {
    this.timers.set(this.next, { callback, at: this.time + delay });
    return this.next++;
  };

  clearTimeout = (id) => {
    this.timers.delete(id);
  };

  advance(by) {
    const until = this.time + by;
    for (;;) {
      const due = [...this.timers].filter(([, { at }]) => at <= until).sort((a, b) => a[1].at - b[1].at)[0];
      if (due === undefined) break;
      this.timers.delete(due[0]);
      this.time = due[1].at;
      due[1].callback();
    }
    this.time = until;
  }
}
