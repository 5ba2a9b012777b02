// What a close code asks of us: docs/protocol.md, "Close codes".

const FATAL = new Set([1003, 1009, 4400]);
const SLOW = new Set([1013, 4429]);

/** Returns "retry", "retry_slow", "restart", "auth" or "fatal". */
export function classify(code) {
  if (code === 4401) return "auth";
  if (code === 1012) return "restart";
  if (FATAL.has(code)) return "fatal";
  if (SLOW.has(code)) return "retry_slow";
  return "retry";
}
