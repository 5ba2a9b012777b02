// What counts as read, and when the server is told.
import assert from "node:assert/strict";
import test from "node:test";
import { isSeen, Ranges, ReadMarker } from "../../../static/js/chat/read-marker.js";
import { Chance } from "../support/chance.mjs";
import { FakeClock } from "../support/fake-clock.mjs";

/** A marker of a chat with messages up to `seq`, of which `screen` ([from, to]) is on the screen. */
function stage({ seq, read = 0 }) {
  const clock = new FakeClock();
  const page = { seq, screen: null, isVisible: true, fault: null, told: [] };
  const marker = new ReadMarker({
    lastReadSeq: read,
    isAtEnd: () => page.screen !== null && page.screen[1] >= page.seq,
    isVisible: () => page.isVisible,
    latestSeq: () => page.seq,
    look: (it) => page.screen && it.seen.add(...page.screen),
    report: async (upTo) => {
      page.told.push(upTo);
      await page.answer;
      if (page.fault !== null) throw Object.assign(new Error(page.fault), { code: page.fault });
    },
    clock,
  });
  const see = (from, to) => {
    page.screen = [from, to];
    marker.check();
  };
  return { clock, page, marker, see };
}

/** Let time pass, and what waits for it happen. */
async function pass(clock, ms) {
  clock.advance(ms);
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
}

test("ranges merge, and tell where the first gap is", () => {
  const ranges = new Ranges();
  for (const [from, to] of [[1, 3], [7, 9], [5, 5]]) ranges.add(from, to);
  assert.deepEqual(ranges.ranges, [[1, 3], [5, 5], [7, 9]]);
  assert.deepEqual([0, 2, 3, 4, 6, 9].map((number) => ranges.endAfter(number)), [3, 3, 3, 5, 9, 9]);
  ranges.add(4, 6);
  assert.deepEqual(ranges.ranges, [[1, 9]]);
});

test("a message is seen when its end is, and one that is higher than the screen when it fills most of it", () => {
  const view = { top: 100, bottom: 500, height: 400 };
  const at = (top, height) => isSeen({ top, bottom: top + height, height }, view);
  assert.deepEqual([at(460, 40), at(60, 41), at(464, 40)], [true, true, true]);
  assert.deepEqual([at(480, 40), at(60, 40), at(600, 40)], [false, false, false]);
  assert.deepEqual([at(100, 900), at(299, 900), at(301, 900), at(-300, 1000)], [true, true, false, true]);
  assert.equal(isSeen({ top: 0, bottom: 0, height: 0 }, { top: 0, bottom: 0, height: 0 }), false);
});

test("a random walk reads what was seen without a gap, and nothing else", () => {
  const chance = new Chance(16);
  for (let round = 0; round < 40; round += 1) {
    const read = chance.below(60);
    const { page, marker, see } = stage({ seq: 100, read });
    const seen = new Set();
    for (let step = 0; step < 60; step += 1) {
      const from = 1 + chance.below(100);
      const to = Math.min(from + chance.below(6), 100);
      page.isVisible = !chance.is(0.2);
      see(from, to);
      if (page.isVisible) for (let seq = from; seq <= to; seq += 1) seen.add(seq);
      let mark = read;
      while (seen.has(mark + 1)) mark += 1;
      assert.equal(marker.mark, mark);
    }
  }
});

test("a jump to the end reads nothing between; scrolling through it reads all", async () => {
  const { clock, page, marker, see } = stage({ seq: 120, read: 20 });
  see(21, 30);
  await pass(clock, 1000);
  assert.deepEqual(page.told, [30]);
  see(111, 120);
  assert.equal(marker.isAtLatest, true);
  assert.equal(marker.isReading, false);
  await pass(clock, 5000);
  assert.deepEqual(page.told, [30]);
  see(70, 110);
  see(29, 69);
  await pass(clock, 250);
  assert.deepEqual(page.told, [30, 120]);
  assert.equal(marker.isCaughtUp, true);
});

test("a page that nobody sees reads nothing, until it is seen", async () => {
  const { clock, page, marker, see } = stage({ seq: 3 });
  page.isVisible = false;
  see(1, 3);
  await pass(clock, 5000);
  assert.deepEqual(page.told, []);
  page.isVisible = true;
  marker.check();
  await pass(clock, 250);
  assert.deepEqual(page.told, [3]);
});

test("a burst is one report, and what is seen meanwhile the next", async () => {
  const { clock, page, marker, see } = stage({ seq: 3 });
  see(1, 3);
  page.seq = 5;
  see(1, 5);
  await pass(clock, 250);
  assert.deepEqual(page.told, [5]);
  page.seq = 6;
  see(2, 6);
  await pass(clock, 250);
  assert.deepEqual(page.told, [5, 6]);
  marker.wrote(8);
  page.seq = 8;
  marker.check();
  await pass(clock, 5000);
  assert.deepEqual(page.told, [5, 6]);
  assert.equal(marker.isCaughtUp, true);
});

test("one report at a time", async () => {
  const { clock, page, see } = stage({ seq: 9 });
  let answer;
  page.answer = new Promise((resolve) => (answer = resolve));
  see(1, 3);
  await pass(clock, 1000);
  see(4, 9);
  await pass(clock, 5000);
  assert.deepEqual(page.told, [3]);
  answer();
  await pass(clock, 0);
  await pass(clock, 250);
  assert.deepEqual(page.told, [3, 9]);
});

test("what the server refuses for now is told later, and without a connection when there is one again", async () => {
  const { clock, page, marker, see } = stage({ seq: 2 });
  page.fault = "internal";
  see(1, 2);
  await pass(clock, 250);
  assert.equal(marker.readSeq, 0);
  page.fault = "lost";
  await pass(clock, 5000);
  assert.deepEqual(page.told, [2, 2]);
  await pass(clock, 60_000);
  assert.deepEqual(page.told, [2, 2]);
  page.fault = null;
  marker.check();
  await pass(clock, 250);
  assert.deepEqual(page.told, [2, 2, 2]);
  assert.equal(marker.readSeq, 2);
});

test("all is read at once where the reader says so, and the rest when the chat is left", async () => {
  const { clock, page, marker, see } = stage({ seq: 100 });
  see(1, 10);
  marker.leave();
  assert.deepEqual(page.told, [10]);
  marker.readAll();
  await pass(clock, 0);
  assert.deepEqual(page.told, [10, 100]);
  assert.equal(marker.isCaughtUp, true);
});
