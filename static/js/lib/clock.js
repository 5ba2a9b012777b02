// Clocks, and how long a part of the page lasts.

/** The browser's clock; times are in ms. */
export const browserClock = {
  now: () => Date.now(),
  setTimeout: (callback, delay) => globalThis.setTimeout(callback, delay),
  clearTimeout: (id) => globalThis.clearTimeout(id),
};

/** `clock`, whose timers end with `signal`; after that it sets none. */
function clockUntil(signal, clock) {
  const timers = new Set();
  signal.addEventListener("abort", () => {
    for (const id of timers) clock.clearTimeout(id);
    timers.clear();
  });
  return {
    now: () => clock.now(),
    setTimeout: (callback, delay) => {
      if (signal.aborted) return null;
      const id = clock.setTimeout(() => {
        timers.delete(id);
        callback();
      }, delay);
      timers.add(id);
      return id;
    },
    clearTimeout: (id) => {
      timers.delete(id);
      clock.clearTimeout(id);
    },
  };
}

/**
 * Begin a part of the page; returns {signal, clock, stop}. `stop()` aborts `signal` and ends all timers of `clock`, and so
 * does the end of `within`, the signal of the part that this one belongs to.
 */
export function lifetime(clock, within = null) {
  const controller = new AbortController();
  const signal = within === null ? controller.signal : AbortSignal.any([within, controller.signal]);
  return { signal, clock: clockUntil(signal, clock), stop: () => controller.abort() };
}

/** Call `callback()` every `delay` ms until the clock's lifetime ends. */
export function every(clock, delay, callback) {
  clock.setTimeout(() => {
    every(clock, delay, callback);
    callback();
  }, delay);
}
