// When the snapshot of presence is fetched.
import assert from "node:assert/strict";
import test from "node:test";
import { PresenceSource } from "../../../static/js/presence/snapshot.js";
import { FakeClock } from "../support/fake-clock.mjs";

class Stage {
  clock = new FakeClock();
  loads = []; // {resolve, reject} of each question
  snapshots = [];
  unknown = 0;
  visible = true;

  source = new PresenceSource({
    load: () => new Promise((resolve, reject) => this.loads.push({ resolve, reject })),
    onSnapshot: (entries) => this.snapshots.push(entries),
    onUnknown: () => {
      this.unknown += 1;
    },
    isVisible: () => this.visible,
    clock: this.clock,
    random: () => 0.5,
  });

  async answer(entries) {
    this.loads.at(-1).resolve(entries);
    await new Promise(setImmediate);
  }

  async refuse(status, code = "unavailable") {
    this.loads.at(-1).reject(Object.assign(new Error("refused"), { status, code }));
    await new Promise(setImmediate);
  }
}

test("it is fetched at once after the first subscription, and spread out after the next", async () => {
  const stage = new Stage();
  stage.source.refresh();
  assert.equal(stage.loads.length, 0);
  stage.source.subscribed();
  assert.equal(stage.loads.length, 1);
  await stage.answer(["one"]);
  stage.source.subscribed();
  stage.clock.advance(499);
  assert.equal(stage.loads.length, 1);
  stage.clock.advance(1);
  assert.equal(stage.loads.length, 2);
  await stage.answer(["two"]);
  assert.deepEqual(stage.snapshots, [["one"], ["two"]]);
  assert.equal(stage.clock.timers.size, 0);
});

test("an answer to an earlier question is passed over", async () => {
  const stage = new Stage();
  stage.source.subscribed();
  const [early] = stage.loads;
  stage.source.subscribed();
  stage.clock.advance(500);
  early.resolve(["old"]);
  await stage.answer(["new"]);
  assert.deepEqual(stage.snapshots, [["new"]]);
});

test("while nobody can say it tries again after 2, 4, 8, 16, 30, 30 … seconds, with one timer", async () => {
  const stage = new Stage();
  stage.source.subscribed();
  for (const seconds of [2, 4, 8, 16, 30, 30]) {
    await stage.refuse(503);
    assert.equal(stage.clock.timers.size, 1);
    const asked = stage.loads.length;
    stage.clock.advance(seconds * 1000 - 1);
    assert.equal(stage.loads.length, asked);
    stage.clock.advance(1);
    assert.equal(stage.loads.length, asked + 1);
  }
  assert.equal(stage.unknown, 6);
  await stage.answer(["healed"]);
  assert.deepEqual(stage.snapshots, [["healed"]]);
  assert.equal(stage.clock.timers.size, 0);
});

test("nobody looks: it waits until somebody does", async () => {
  const stage = new Stage();
  stage.source.subscribed();
  await stage.refuse(0, "network");
  stage.visible = false;
  stage.source.becameVisible();
  stage.clock.advance(60_000);
  assert.equal(stage.loads.length, 1);
  assert.equal(stage.clock.timers.size, 0);
  stage.visible = true;
  stage.source.becameVisible();
  assert.equal(stage.loads.length, 2);
  stage.source.becameVisible();
  assert.equal(stage.loads.length, 2);
});

test("without a socket it asks nothing: the next subscription does", async () => {
  const stage = new Stage();
  stage.source.subscribed();
  await stage.refuse(503);
  stage.source.pause();
  stage.clock.advance(60_000);
  assert.equal(stage.loads.length, 1);
  stage.source.subscribed();
  stage.clock.advance(500);
  assert.equal(stage.loads.length, 2);
});

test("switched off it asks no more", async () => {
  const stage = new Stage();
  stage.source.subscribed();
  await stage.refuse(404, "disabled");
  stage.source.subscribed();
  stage.source.refresh();
  stage.clock.advance(60_000);
  assert.equal(stage.loads.length, 1);
  assert.equal(stage.clock.timers.size, 0);
  assert.equal(stage.unknown, 1);
});
