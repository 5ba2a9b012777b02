// How long to wait before trying again.

// To connect again: docs/protocol.md, "Close codes".
export const RECONNECT = { base: 1000, cap: 30000, jitter: 1000, attempts: 10 };
// The server restarts on purpose: everybody comes back at once, spread over two seconds.
export const RESTART_WITHIN = 2000;
// After 1013 and 4429 (too many connections, rate limit) the wait is at least that before this attempt.
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
