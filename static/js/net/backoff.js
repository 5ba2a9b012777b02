// How long to wait before trying to connect again: docs/protocol.md, "Reconnecting".

export const RECONNECT = { base: 1000, cap: 30000, jitter: 1000, attempts: 10 };
// The server restarts on purpose: everybody comes back at once, spread over two seconds.
export const RESTART_WITHIN = 2000;
// Turned away for too much (1013, 4429): the wait begins at that of this attempt.
export const SLOW_FROM = 3;

/** Milliseconds to wait before attempt 1, 2, 3 …; `random()` is in [0, 1). */
export function delay(attempt, random, config = RECONNECT) {
  return Math.min(config.base * 2 ** (attempt - 1), config.cap) + random() * config.jitter;
}
