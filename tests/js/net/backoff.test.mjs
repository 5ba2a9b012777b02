// How long to wait before connecting again, and what a close code asks for.
import assert from "node:assert/strict";
import test from "node:test";
import { delay, RECONNECT } from "../../../static/js/net/backoff.js";
import { classify } from "../../../static/js/net/close-codes.js";

test("back-off: 1, 2, 4, 8, 16, 30, 30 … seconds and up to one more", () => {
  const attempts = Array.from({ length: RECONNECT.attempts }, (_, index) => index + 1);
  const least = attempts.map((attempt) => delay(attempt, () => 0));
  assert.deepEqual(least, [1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000, 30000, 30000]);
  assert.equal(delay(1, () => 0.999), 1999);
  assert.ok(delay(10, () => 0.999) < 31000);
});

test("close codes ask for what the protocol says", () => {
  const verdicts = {
    1000: "retry", 1001: "retry", 1003: "fatal", 1005: "retry", 1006: "retry", 1009: "fatal", 1011: "retry",
    1012: "restart", 1013: "retry_slow", 4400: "fatal", 4401: "auth", 4408: "retry", 4429: "retry_slow",
  };
  for (const [code, verdict] of Object.entries(verdicts)) assert.equal(classify(Number(code)), verdict, code);
});
