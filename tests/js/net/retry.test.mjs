// A question is asked again until it is answered, and only the latest answer counts.
import assert from "node:assert/strict";
import test from "node:test";
import { Retry } from "../../../static/js/net/retry.js";
import { FakeClock } from "../support/fake-clock.mjs";
import { settle } from "../support/settle.mjs";

class Away extends Error {}

function begin(options = {}) {
  const stage = { clock: new FakeClock(), asked: [], answers: [] };
  stage.retry = new Retry({
    ask: () => new Promise((resolve, reject) => stage.asked.push({ resolve, reject })),
    onAnswer: (answer) => stage.answers.push(answer),
    onError: (error) => {
      if (!(error instanceof Away)) throw error;
      return true;
    },
    clock: stage.clock,
    ...options,
  });
  stage.fail = async () => {
    stage.asked.at(-1).reject(new Away());
    await settle();
  };
  return stage;
}

test("it is asked again after 2, 4, 8, 16, 30, 30 s with one timer, and from the beginning the next time", async () => {
  const { clock, asked, answers, retry, fail } = begin();
  retry.start();
  for (const seconds of [2, 4, 8, 16, 30, 30]) {
    const before = asked.length;
    await fail();
    assert.equal(clock.timers.size, 1);
    clock.advance(seconds * 1000 - 1);
    assert.equal(asked.length, before);
    clock.advance(1);
    assert.equal(asked.length, before + 1);
  }
  asked.at(-1).resolve("answer");
  await settle();
  assert.deepEqual([answers, clock.timers.size], [["answer"], 0]);
  retry.start();
  await fail();
  clock.advance(2000);
  assert.equal(asked.length, 9);
});

test("asked anew it drops the wait and whatever an earlier question brings", async () => {
  const { clock, asked, answers, retry, fail } = begin();
  retry.start();
  await fail();
  retry.start();
  assert.equal(clock.timers.size, 0);
  retry.start();
  asked[2].resolve("new");
  asked[1].resolve("old");
  asked[0].resolve("older");
  await settle();
  assert.deepEqual(answers, ["new"]);
  retry.start();
  retry.start();
  asked[3].reject(new Away("late"));
  await settle();
  assert.equal(clock.timers.size, 0);
});

test("a fault of ours is not tried again", async () => {
  const { asked, clock, retry } = begin();
  const asking = retry.start();
  asked[0].reject(new TypeError("ours"));
  await assert.rejects(asking, TypeError);
  assert.equal(clock.timers.size, 0);
});

test("it waits before the first question where it is to, and a new start takes the place of that wait", () => {
  const { asked, clock, retry } = begin();
  retry.start(500);
  clock.advance(400);
  retry.start(500);
  clock.advance(499);
  assert.equal(asked.length, 0);
  clock.advance(1);
  assert.equal(asked.length, 1);
});

test("where it is not wanted when its time comes, it is asked when it is wanted again, once", async () => {
  let isWanted = false;
  const { asked, clock, retry, fail } = begin({ isWanted: () => isWanted });
  retry.start();
  await fail();
  clock.advance(60_000);
  retry.resume();
  assert.deepEqual([asked.length, clock.timers.size], [1, 0]);
  isWanted = true;
  retry.resume();
  retry.resume();
  assert.equal(asked.length, 2);
});

test("cancelled, it passes over the answer, the wait and what was owed", async () => {
  const { asked, answers, clock, retry, fail } = begin();
  retry.start();
  retry.cancel();
  asked[0].resolve("late");
  await settle();
  assert.deepEqual(answers, []);
  retry.start();
  await fail();
  retry.cancel();
  retry.resume();
  clock.advance(60_000);
  assert.deepEqual([asked.length, clock.timers.size], [2, 0]);
});

test("it waits at least as long as it was told to", async () => {
  const { clock, asked, retry, fail } = begin({ onError: () => 60_000 });
  retry.start();
  await fail();
  clock.advance(59_999);
  assert.equal(asked.length, 1);
  clock.advance(1);
  assert.equal(asked.length, 2);
});
