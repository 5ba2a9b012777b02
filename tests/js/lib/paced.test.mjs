// A storm of changes is few looks at the server, and the last change is always seen.
import assert from "node:assert/strict";
import test from "node:test";
import { paced } from "../../../static/js/lib/paced.js";
import { FakeClock } from "../support/fake-clock.mjs";

function begin() {
  const clock = new FakeClock();
  const ran = [];
  return { clock, ran, ask: paced(() => ran.push(clock.now()), { settle: 200, every: 1000, clock }) };
}

test("it is done once, soon after it was asked for", () => {
  const { clock, ran, ask } = begin();
  ask();
  ask();
  clock.advance(5000);
  assert.deepEqual(ran, [200]);
});

test("a storm neither puts it off nor has it done more than once a second, and its end is seen", () => {
  const { clock, ran, ask } = begin();
  let last = 0;
  for (; clock.now() < 10_000; clock.advance(50)) {
    ask();
    last = clock.now();
  }
  clock.advance(5000);
  assert.ok(ran.length >= 10 && ran.length <= 12, String(ran.length));
  assert.ok(ran.slice(1).every((at, index) => at - ran[index] >= 1000));
  assert.ok(ran.at(-1) > last);
});

test("a clock that is set back puts it off for no longer", () => {
  const { clock, ran, ask } = begin();
  ask();
  clock.advance(300);
  clock.jump(-3_600_000);
  ask();
  clock.advance(1000);
  assert.equal(ran.length, 2);
});
