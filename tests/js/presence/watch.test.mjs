// Whom the server is told to watch, how often, and what is known of them.
import assert from "node:assert/strict";
import test from "node:test";
import { Refused } from "../../../static/js/net/requests.js";
import { lookOf, union, Watch } from "../../../static/js/presence/watch.js";
import { FakeClock } from "../support/fake-clock.mjs";

const SEEN = "2026-03-01T12:00:00.000Z";
const on = (user_id, version) => ({ user_id, is_online: true, last_seen: null, version });
const off = (user_id, version) => ({ user_id, is_online: false, last_seen: SEEN, version });
const settle = () => new Promise(setImmediate);

class Stage {
  clock = new FakeClock();
  asked = []; // {user_ids, at, resolve, reject} of each question
  changes = [];
  socket = {
    isOpen: false,
    request: ({ type, user_ids }) => new Promise((resolve, reject) => {
      assert.equal(type, "presence.watch");
      this.asked.push({ user_ids, at: this.clock.now(), resolve, reject });
    }),
  };

  watch = new Watch({ socket: this.socket, onChange: (userIds) => this.changes.push(userIds), clock: this.clock });

  greet(more = {}) {
    this.socket.isOpen = true;
    this.watch.greeted({ presence_enabled: true, ...more });
  }

  lose() {
    this.socket.isOpen = false;
    this.watch.pause();
  }

  async answer(...users) {
    this.asked.at(-1).resolve({ action: "watching", users });
    await settle();
  }

  async refuse(code) {
    this.asked.at(-1).reject(new Refused(code, ""));
    await settle();
  }

  get told() {
    return this.asked.map(({ user_ids }) => user_ids);
  }

  looks(...ids) {
    return ids.map((id) => {
      const state = this.watch.stateOf(id);
      return state === undefined ? "as it was" : lookOf(state);
    });
  }
}

test("what is wanted at once is one frame, and the server is told at once when it greets", () => {
  const stage = new Stage();
  stage.watch.want("sidebar", ["a", "b"]);
  stage.clock.advance(5000);
  assert.deepEqual(stage.told, []); // nobody to tell
  stage.greet();
  assert.deepEqual(stage.told, [["a", "b"]]);
  stage.clock.advance(2000);
  stage.watch.want("members", []); // one chat is left for another
  stage.watch.want("header", []);
  stage.watch.want("header", ["c"]);
  stage.watch.want("members", ["c", "d"]);
  stage.clock.advance(49);
  assert.equal(stage.told.length, 1);
  stage.clock.advance(1);
  assert.deepEqual(stage.told.slice(1), [["c", "a", "b", "d"]]);
});

test("nobody to watch is told too: counts come in place of names from then on", () => {
  const stage = new Stage();
  stage.greet();
  assert.deepEqual(stage.told, [[]]);
});

test("it is told at most once a second, and what is the same is not told again", () => {
  const stage = new Stage();
  stage.greet();
  for (let number = 0; number < 50; number += 1) {
    stage.watch.want("members", [`m${number}`]);
    stage.clock.advance(100);
  }
  stage.clock.advance(2000);
  const times = stage.asked.map(({ at }) => at);
  assert.ok(times.length >= 5 && times.length <= 7, String(times));
  for (const [index, at] of times.slice(1).entries()) assert.ok(at - times[index] > 1000, String(times));
  assert.deepEqual(stage.told.at(-1), ["m49"]);
  stage.watch.want("members", ["m49"]);
  stage.watch.want("sidebar", ["m49"]);
  stage.clock.advance(5000);
  assert.equal(stage.asked.length, times.length);
  assert.equal(stage.clock.timers.size, 0);
});

test("at most 500 are watched: the peer of the chat and those of the list of chats come first", () => {
  const many = (letter, count) => Array.from({ length: count }, (_, number) => letter + number);
  const ids = union(new Map([["members", many("m", 450)], ["sidebar", many("s", 200)], ["header", ["m7"]]]));
  assert.equal(ids.length, 500);
  assert.deepEqual([ids[0], ids[1], ids[200], ids[201], ids[499]], ["m7", "s0", "s199", "m0", "m299"]);
});

test("the answer and the changes after it are known; of others the page stays as it is", async () => {
  const stage = new Stage();
  stage.watch.seed([off("a", 5), on("b", 5), on("elsewhere", 5)]);
  assert.deepEqual(stage.looks("a", "b", "c"), ["offline", "online", "as it was"]);
  stage.watch.want("members", ["a", "b", "c", "gone"]);
  stage.greet();
  stage.watch.changed([on("c", 9)]); // overtakes the answer
  await stage.answer(on("a", 6), off("b", 4), off("c", 8));
  assert.deepEqual(stage.looks("a", "b", "c", "gone"), ["online", "online", "online", "unknown"]);
  assert.deepEqual(stage.looks("elsewhere"), ["as it was"]); // nobody tells of them any more
  stage.watch.changed([off("a", 7), on("a", 6)]);
  assert.deepEqual(stage.looks("a"), ["offline"]);
  stage.watch.changed([on("a", 3)]);
  assert.deepEqual(stage.changes, [["c"], null, ["a"]]); // known, all, one; and what is older is no change
});

test("an answer to an earlier question is passed over", async () => {
  const stage = new Stage();
  stage.watch.want("members", ["a"]);
  stage.greet();
  stage.watch.want("members", ["b"]);
  stage.clock.advance(1100);
  assert.deepEqual(stage.told, [["a"], ["b"]]);
  stage.asked[0].resolve({ users: [on("a", 1)] });
  await stage.answer(on("b", 1));
  assert.deepEqual(stage.looks("a", "b"), ["as it was", "online"]);
});

test("a loss: as it was, then unknown, then what the next connection says, whatever its versions", async () => {
  const stage = new Stage();
  stage.watch.want("members", ["a", "b"]);
  stage.greet();
  await stage.answer(on("a", 500), on("b", 500));
  stage.lose();
  assert.deepEqual(stage.looks("a", "b"), ["online", "online"]); // a blink shows nothing
  stage.watch.lose();
  assert.deepEqual(stage.looks("a", "b"), ["unknown", "unknown"]);
  stage.watch.seed([on("a", 501)]); // a part of the page that was fetched meanwhile
  assert.deepEqual(stage.looks("a"), ["unknown"]);
  stage.greet();
  assert.deepEqual(stage.told, [["a", "b"], ["a", "b"]]); // the new connection knows of nobody
  assert.deepEqual(stage.looks("a", "b"), ["unknown", "unknown"]);
  await stage.answer(off("a", 2), on("b", 2));
  assert.deepEqual(stage.looks("a", "b"), ["offline", "online"]);
});

test("before the first connection the page counts as the server wrote it", () => {
  const stage = new Stage();
  stage.watch.pause(); // connecting
  stage.watch.seed([on("a", 5)]);
  assert.deepEqual(stage.looks("a"), ["online"]);
});

test("asked to look again it asks for the same people, and what is known stays meanwhile", async () => {
  const stage = new Stage();
  stage.watch.want("members", ["a"]);
  stage.greet();
  await stage.answer(on("a", 9));
  stage.watch.presence.hold();
  stage.watch.again(3000);
  stage.clock.advance(2999);
  assert.equal(stage.asked.length, 1);
  stage.clock.advance(1);
  assert.deepEqual(stage.told, [["a"], ["a"]]);
  assert.deepEqual(stage.looks("a"), ["online"]);
  await stage.answer(off("a", 1));
  assert.deepEqual(stage.looks("a"), ["offline"]);
});

test("while nobody can say it is unknown, and asked again after 2, 4, 8 … seconds", async () => {
  const stage = new Stage();
  stage.watch.want("members", ["a"]);
  stage.watch.seed([on("a", 1)]);
  stage.greet();
  for (const seconds of [2, 4, 8, 16, 30, 30]) {
    await stage.refuse("internal");
    assert.deepEqual(stage.looks("a"), ["unknown"]);
    const before = stage.asked.length;
    stage.clock.advance(seconds * 1000 - 1);
    assert.equal(stage.asked.length, before);
    stage.clock.advance(1);
    assert.equal(stage.asked.length, before + 1);
  }
  await stage.answer(on("a", 1));
  assert.deepEqual(stage.looks("a"), ["online"]);
  assert.equal(stage.clock.timers.size, 0);
});

test("a refusal for haste takes nothing away; a lost connection waits for the next", async () => {
  const stage = new Stage();
  stage.watch.want("members", ["a"]);
  stage.greet();
  await stage.answer(on("a", 1));
  stage.watch.want("members", ["a", "b"]);
  stage.clock.advance(1100);
  await stage.refuse("rate_limited");
  assert.deepEqual(stage.looks("a"), ["online"]);
  stage.clock.advance(2000);
  assert.equal(stage.asked.length, 3);
  stage.lose();
  await stage.refuse("lost");
  stage.clock.advance(100_000);
  assert.equal(stage.asked.length, 3);
});

test("switched off by the operator: nobody is watched, and nothing is known", async () => {
  const stage = new Stage();
  stage.watch.want("members", ["a"]);
  stage.watch.seed([on("a", 1)]);
  stage.greet({ presence_enabled: false });
  stage.watch.want("members", ["a", "b"]);
  stage.clock.advance(10_000);
  assert.deepEqual([stage.told, stage.looks("a")], [[], ["unknown"]]);
});

test("a loss that is shown while a new connection catches up takes nothing away that it has said", async () => {
  const stage = new Stage();
  stage.watch.want("members", ["jane"]);
  stage.greet();
  await stage.answer(on("jane", 1));
  stage.lose();
  assert.deepEqual(stage.looks("jane"), ["online"], "a moment ago she was");
  stage.greet();
  await stage.answer(on("jane", 1));
  stage.watch.lossShown();
  assert.deepEqual(stage.looks("jane"), ["online"]);
  stage.lose();
  stage.watch.lossShown();
  assert.deepEqual(stage.looks("jane"), ["unknown"]);
  stage.greet();
  stage.watch.lossShown();
  assert.deepEqual(stage.looks("jane"), ["unknown"], "not said yet");
  await stage.answer(on("jane", 1));
  assert.deepEqual(stage.looks("jane"), ["online"]);
});
