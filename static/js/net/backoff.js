// How long to wait before trying again.

// To connect again: docs/protocol.md, "Reconnecting".
export const RECONNECT = { base: 1000, cap: 30000, jitter: 1000, attempts: 10 };
// The server restarts on purpose: everybody comes back at once, spread over two seconds.
export const RESTART_WITHIN = 2000;
// Turned away for too much (1013, 4429): the wait begins at that of this attempt.
export const SLOW_FROM = 3;

const RETRY = { base: 2000, cap: 30000 }; // of requests and commands

const doubled = (before, { base, cap }) => Math.min(base * 2 ** before, cap);

/** Milliseconds to wait before attempt 1, 2, 3 … to connect; `random()` is in [0, 1). */
export function delay(attempt, random) {
  return doubled(attempt - 1, RECONNECT) + random() * RECONNECT.jitter;
}

/** Milliseconds to wait before a request that has failed `failures` times before, and now again. */
export function retryDelay(failures) {
  return doubled(failures, RETRY);
}
