// Keeps screen readers from reading changes one by one: history, and what was missed without a connection.

const holders = new WeakMap(); // log → how many keep it silent

/** Silence a log while it changes; returns a function that has later changes read again. */
export function silence(log) {
  holders.set(log, (holders.get(log) ?? 0) + 1);
  log.setAttribute("aria-live", "off");
  log.setAttribute("aria-busy", "true");
  return () =>
    requestAnimationFrame(() => {
      const left = holders.get(log) - 1;
      holders.set(log, left);
      if (left > 0) return;
      log.removeAttribute("aria-busy");
      log.setAttribute("aria-live", "polite");
    });
}
