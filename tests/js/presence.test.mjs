// Presence: a snapshot plus changes in any order, and when the snapshot is fetched.
import assert from "node:assert/strict";
import test from "node:test";
import { compareMembers, Presence } from "../../static/js/presence.js";
import { PresenceSource } from "../../static/js/presence-source.js";
import { agoLabel } from "../../static/js/times.js";
import { FakeClock } from "./fake-clock.mjs";

const SEEN = "2026-03-01T12:00:00.000Z";
const on = (user_id, version) => ({ user_id, is_online: true, last_seen: null, version });
const off = (user_id, version) => ({ user_id, is_online: false, last_seen: SEEN, version });

function seeded(...entries) {
  const presence = new Presence();
  presence.seed(entries, true);
  return presence;
}

const isOnline = (presence, id) => presence.stateOf(id)?.is_online ?? null;

test("the list the server wrote is where it starts", () => {
  const presence = seeded(on("a", 5), off("b", 3));
  assert.equal(presence.count, 1);
  assert.deepEqual(presence.stateOf("b"), off("b", 3));
  assert.equal(presence.stateOf("c"), null);
});

test("of two changes the higher version counts, in any order, and each once", () => {
  const changes = [on("b", 4), off("b", 6), on("b", 7), off("a", 8), on("a", 9), off("b", 10)];
  const orders = [changes, [...changes].reverse(), [...changes, ...changes], changes.toSorted((x, y) => (x.version * 7) % 5 - (y.version * 7) % 5)];
  for (const order of orders) {
    const presence = seeded(on("a", 1), off("b", 2));
    for (const entry of order) presence.apply([entry]);
    assert.deepEqual([isOnline(presence, "a"), isOnline(presence, "b"), presence.count], [true, false, 1]);
  }
});

test("an equal or older change changes nothing", () => {
  const presence = seeded(on("a", 5));
  assert.deepEqual(presence.apply([off("a", 5), off("a", 4)]), []);
  assert.equal(isOnline(presence, "a"), true);
  assert.deepEqual(presence.apply([off("a", 6)]), ["a"]);
  assert.deepEqual(presence.apply([off("a", 6)]), []);
});

test("a change that comes before the snapshot waits for it", () => {
  const presence = new Presence();
  presence.seed([off("a", -1), off("b", -1)], false);
  assert.equal(presence.count, null);
  presence.apply([on("a", 9), on("b", 2)]);
  presence.apply([off("a", 8)]); // overtaken
  assert.equal(presence.stateOf("a"), null);
  assert.equal(presence.count, null);
  presence.snapshot([off("a", 7), off("b", 3)]);
  assert.deepEqual([isOnline(presence, "a"), isOnline(presence, "b"), presence.count], [true, false, 1]);
});

test("a snapshot replaces what is as old or older, and is passed over where a change was faster", () => {
  const presence = seeded(off("a", 5), on("b", 5), on("c", 5));
  presence.apply([on("c", 9)]);
  presence.snapshot([on("a", 5), off("b", 6), off("c", 8)]);
  assert.deepEqual(["a", "b", "c"].map((id) => isOnline(presence, id)), [true, false, true]);
  assert.equal(presence.count, 2);
});

test("only those listed are counted; who is listed later brings no older state", () => {
  const presence = seeded(on("a", 5));
  presence.apply([on("new", 7)]);
  assert.equal(presence.count, 1);
  presence.seed([on("a", 5), off("new", 6)], true);
  assert.equal(presence.count, 2);
  presence.seed([on("new", 7)], true);
  assert.equal(presence.count, 1);
});

test("a list written while nobody could say takes nothing away", () => {
  const presence = seeded(on("a", 5));
  presence.seed([off("a", -1), off("b", -1)], false);
  assert.deepEqual([isOnline(presence, "a"), isOnline(presence, "b"), presence.count], [true, null, 1]);
});

test("what was lost is known again from the next snapshot, whatever its versions", () => {
  const presence = seeded(on("a", 50), on("b", 50));
  presence.lose();
  assert.equal(presence.count, null);
  presence.apply([on("b", 8)]);
  assert.equal(isOnline(presence, "b"), null);
  presence.snapshot([off("a", 6), off("b", 7)]);
  assert.deepEqual([isOnline(presence, "a"), isOnline(presence, "b")], [false, true]);
});

test("online first, then by name", () => {
  const people = [
    { id: "1", isOnline: false, name: "anna" }, { id: "3", isOnline: true, name: "zoe" },
    { id: "2", isOnline: true, name: "zoe" }, { id: "4", isOnline: true, name: "bob" },
  ];
  assert.deepEqual(people.sort(compareMembers).map(({ id }) => id), ["4", "2", "3", "1"]);
});

// --- When the snapshot is fetched ---

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

test("how long ago, in one unit", () => {
  const now = new Date(SEEN);
  const ago = (seconds) => agoLabel(new Date(now - seconds * 1000), now, { just_now: "just now" });
  const hour = 3600;
  assert.equal(ago(-5), "just now");
  assert.equal(ago(59), "just now");
  assert.equal(ago(60), "1 minute ago");
  assert.equal(ago(5 * 60 + 59), "5 minutes ago");
  assert.equal(ago(hour), "1 hour ago");
  assert.equal(ago(47 * hour), "1 day ago");
  assert.equal(ago(8 * 24 * hour), "1 week ago");
  assert.equal(ago(100 * 24 * hour), "3 months ago");
  assert.equal(ago(800 * 24 * hour), "2 years ago");
});
