// When the server is told how far somebody has read.
import assert from "node:assert/strict";
import test from "node:test";
import { ReadMarker } from "../../../static/js/chat/read-marker.js";

test("reading is reported once for a burst, and again after a report has failed", async () => {
  const timers = [];
  const clock = { setTimeout: (callback) => timers.push(callback), clearTimeout: () => {} };
  const told = [];
  let seq = 3;
  let fails = true;
  const marker = new ReadMarker({
    lastReadSeq: 1, isAtEnd: () => true, isVisible: () => true, latestSeq: () => seq, clock,
    report: async (upTo) => {
      told.push(upTo);
      if (fails) throw new Error("lost");
    },
  });
  marker.check();
  seq = 5;
  marker.check();
  assert.equal(timers.length, 1);
  await timers[0]();
  assert.deepEqual(told, [5]);
  assert.equal(marker.unread, 4);
  fails = false;
  marker.check();
  await timers[1]();
  assert.equal(marker.unread, 0);
});

test("what comes during a report is reported next; what the server refuses for now, later", async () => {
  const timers = [];
  const clock = { setTimeout: (callback, wait) => timers.push({ callback, wait }), clearTimeout: () => {} };
  const told = [];
  let seq = 1;
  let fault = null;
  const marker = new ReadMarker({
    lastReadSeq: 0, isAtEnd: () => true, isVisible: () => true, latestSeq: () => seq, clock,
    report: async (upTo) => {
      told.push(upTo);
      seq += told.length === 1 ? 1 : 0;
      marker.check(); // as the message does that comes meanwhile
      if (fault !== null) throw Object.assign(new Error(fault), { code: fault });
    },
  });
  marker.check();
  await timers[0].callback();
  assert.equal(marker.unread, 1);
  assert.equal(timers.length, 2);
  fault = "internal";
  await timers[1].callback();
  assert.equal(marker.unread, 1);
  assert.equal(timers[2].wait, 5000);
  fault = "network";
  await timers[2].callback();
  assert.equal(timers.length, 3); // the next connection asks
  fault = null;
  marker.check();
  await timers[3].callback();
  assert.deepEqual(told, [1, 2, 2, 2]);
  assert.equal(marker.unread, 0);
  assert.equal(timers.length, 4);
});
