// Does something soon after it was asked for, and not too often.

/**
 * Returns a function that has `run()` called `settle` ms later, at least `every` ms after the last time. Calls until then
 * are one: a storm of changes neither puts it off nor repeats it.
 */
export function paced(run, { settle, every, clock }) {
  let timer = null;
  let ranAt = -Infinity;
  return () => {
    if (timer !== null) return;
    const pause = Math.min(Math.max(ranAt + every - clock.now(), 0), every); // the clock may have been set back
    timer = clock.setTimeout(() => {
      timer = null;
      ranAt = clock.now();
      run();
    }, Math.max(settle, pause));
  };
}

/** Returns a function that has `run()` called before the next picture is drawn; calls until then are one. */
export function perFrame(run, signal) {
  let isAsked = false;
  return () => {
    if (isAsked) return;
    isAsked = true;
    requestAnimationFrame(() => {
      isAsked = false;
      if (!signal.aborted) run();
    });
  };
}
