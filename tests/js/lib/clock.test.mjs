// A part of the page ends with all its timers, and with the part that it belongs to.
import assert from "node:assert/strict";
import test from "node:test";
import { every, lifetime } from "../../../static/js/lib/clock.js";
import { FakeClock } from "../support/fake-clock.mjs";

test("timers run, can be cleared, and end with their part; after that none is set", () => {
  const clock = new FakeClock();
  const part = lifetime(clock);
  const ran = [];
  part.clock.setTimeout(() => ran.push("one"), 10);
  part.clock.clearTimeout(part.clock.setTimeout(() => ran.push("cleared"), 10));
  part.clock.setTimeout(() => ran.push("late"), 1000);
  clock.advance(10);
  assert.deepEqual([ran, part.clock.now(), clock.timers.size], [["one"], 10, 1]);
  part.stop();
  part.clock.setTimeout(() => ran.push("after"), 1);
  clock.advance(5000);
  assert.deepEqual([ran, clock.timers.size, part.signal.aborted], [["one"], 0, true]);
});

test("a part within another ends with it, and not the other way round", () => {
  const clock = new FakeClock();
  const page = lifetime(clock);
  const [first, second] = [1, 2].map(() => lifetime(page.clock, page.signal));
  for (const { clock: own } of [page, first, second]) own.setTimeout(() => {}, 1000);
  first.stop();
  assert.deepEqual([page.signal.aborted, second.signal.aborted, clock.timers.size], [false, false, 2]);
  page.stop();
  assert.deepEqual([second.signal.aborted, clock.timers.size], [true, 0]);
});

test("what is done again and again ends with its part, and goes on after a fault", () => {
  const clock = new FakeClock();
  const part = lifetime(clock);
  let times = 0;
  every(part.clock, 100, () => {
    times += 1;
    if (times === 1) throw new Error("a fault");
  });
  assert.throws(() => clock.advance(100));
  clock.advance(200);
  assert.equal(times, 3);
  part.stop();
  clock.advance(1000);
  assert.deepEqual([times, clock.timers.size], [3, 0]);
});
