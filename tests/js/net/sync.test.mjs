// Catch-up: gaps, what is held, and what a chat does when the answer is not the one that was hoped for.
import assert from "node:assert/strict";
import test from "node:test";
import { Refused } from "../../../static/js/net/requests.js";
import { Sync } from "../../../static/js/net/sync.js";

const frame = (revision, { id = `m${revision}`, type = "posted", chat_id = "chat" } = {}) => ({
  type: `chat.message.${type}`, chat_id, data: { id, revision },
});
const refusal = (code, more = {}) => new Refused(code, "", { code, ...more });

/** A Sync that notes what it does; `asks` are its questions, each {chatId, since, done, failed}. */
function begin({ follow = 4, isOpen = true } = {}) {
  const stage = { asks: [], log: [] };
  const note = (name) => (...given) => stage.log.push([name, ...given].join(" "));
  stage.sync = new Sync({
    ask: (chatId, { since, isBackground }, done, failed) => stage.asks.push({ chatId, since, isBackground, done, failed }),
    deliver: ({ type, data }) => stage.log.push(`${type.slice(13)} ${data.id}@${data.revision}`),
    begin: note("begin"), end: note("end"), reset: note("reset"), refused: note("refused"), broken: note("broken"),
  });
  stage.take = (revision, now = 0, more = {}) => stage.sync.take(frame(revision, more), now);
  stage.last = () => stage.asks.at(-1);
  if (follow !== null) stage.sync.follow("chat", follow, 0);
  if (isOpen) stage.sync.open(0);
  return stage;
}

/** One that has caught up and is silent. */
function caughtUp(revision = 4) {
  const stage = begin({ follow: revision });
  stage.last().done({ revision }, 0);
  return stage;
}

test("changes of chats that are followed are its own, everything else is not", () => {
  const { sync, take, log } = caughtUp();
  assert.equal(take(5), true);
  assert.equal(take(5), true); // also where it shows nothing
  assert.equal(sync.take(frame(5, { chat_id: "other" }), 0), false);
  assert.equal(sync.take({ type: "chat.typing", chat_id: "chat" }, 0), false);
  assert.equal(sync.take({ type: "ack", action: "subscribed", chat_id: "chat", revision: 9 }, 0), false);
  assert.deepEqual(log, ["posted m5@5"]);
});

test("posts, edits and deletions are shown at once, each once, in whatever order they come", () => {
  const { take, log } = caughtUp();
  take(5);
  take(7, 0, { id: "m5", type: "edited" });
  take(6, 0, { type: "deleted", id: "m1" });
  for (const revision of [4, 5, 6, 7]) take(revision);
  assert.deepEqual(log, ["posted m5@5", "edited m5@7", "deleted m1@6"]);
});

test("a gap that closes within 2 s is none; one that stands asks from where it begins", () => {
  const { sync, asks, take } = caughtUp();
  take(6, 1000);
  assert.equal(sync.deadline, 3000);
  sync.tick(2999);
  take(5, 2999);
  assert.equal(sync.deadline, null);
  take(8, 5000);
  take(9, 6500); // further news make it no younger
  assert.equal(sync.deadline, 7000);
  sync.tick(6999);
  assert.equal(asks.length, 1);
  sync.tick(7000);
  assert.deepEqual([asks.length, asks[1].chatId, asks[1].since], [2, "chat", 6]);
  assert.equal(sync.deadline, null);
});

test("where a gap closes and another stands behind it, that one is younger", () => {
  const { sync, take, asks } = caughtUp();
  take(6, 0);
  take(8, 500);
  take(5, 1500);
  assert.equal(sync.deadline, 3500);
  sync.tick(3500);
  assert.equal(asks[1].since, 6);
});

test("more news beyond a gap than can be kept are not waited for", () => {
  const { sync, take } = caughtUp();
  for (let revision = 6; revision <= 1006; revision += 1) take(revision, 1000);
  assert.equal(sync.deadline, 1000);
});

test("after a gap was asked for, it comes between begin and end, and what was known does not come again", () => {
  const { sync, take, log, last } = caughtUp();
  take(6, 0);
  take(8, 100);
  sync.tick(2000);
  log.length = 0;
  for (const revision of [5, 6, 7, 8]) take(revision, 2100);
  assert.deepEqual(log, []);
  last().done({ revision: 8 }, 2100);
  assert.deepEqual(log, ["begin chat", "posted m5@5", "posted m7@7", "end chat"]);
  assert.equal(sync.deadline, null);
});

test("what comes during a catch-up is held, and delivered once, by revision, each message in its newest state", () => {
  const { sync, take, log, last } = begin();
  assert.deepEqual([last().since, sync.isDone], [4, false]);
  take(7, 0, { id: "a", type: "edited" });
  take(9, 0, { id: "b" });
  take(5, 0, { id: "a" }); // older than what is held of it
  take(6, 0, { id: "c" });
  take(6, 0, { id: "c" });
  take(8, 0, { id: "c", type: "deleted" });
  assert.deepEqual(log, []);
  last().done({ revision: 9 }, 0);
  assert.deepEqual(log, ["begin chat", "edited a@7", "deleted c@8", "posted b@9", "end chat"]);
  assert.equal(sync.isDone, true);
});

test("a catch-up with nothing missed says nothing", () => {
  const { log } = caughtUp();
  assert.deepEqual(log, []);
});

test("its position becomes the ack's; what is beyond that is a gap of its own", () => {
  const { sync, take, last, asks, log } = begin();
  take(6);
  take(12); // live, and ahead of what the server has read
  last().done({ revision: 9 }, 1000);
  assert.deepEqual(log, ["begin chat", "posted m6@6", "posted m12@12", "end chat"]);
  for (const revision of [7, 8, 9]) take(revision, 1000); // skipped there: they changed again since
  assert.equal(log.length, 4);
  assert.equal(sync.deadline, 3000);
  take(10, 1100);
  take(11, 1200);
  assert.equal(sync.deadline, null);
  sync.again(5000);
  assert.equal(asks.at(-1).since, 12);
});

test("a gap that is left after another was asked for has its own 2 s", () => {
  const { sync, take, last } = caughtUp();
  take(6, 0);
  sync.tick(2000);
  take(12, 2000);
  last().done({ revision: 9 }, 2100);
  assert.equal(sync.deadline, 4100);
});

test("a reset has the chat loaded anew, shows nothing of what was held, and follows from there", () => {
  const { sync, take, last, log, asks } = begin();
  take(5);
  take(600);
  last().done({ revision: 600, reset: true }, 0);
  assert.deepEqual(log, ["reset chat"]);
  take(601);
  assert.deepEqual(log, ["reset chat", "posted m601@601"]);
  sync.follow("chat", 601, 0);
  assert.deepEqual([asks.at(-1).since, sync.isDone], [601, false]);
});

test("a restored backup takes the position back, and nothing that was heard before counts", () => {
  const { sync, take, last, log } = caughtUp(9);
  take(12);
  sync.pause();
  sync.open(0);
  log.length = 0;
  last().done({ revision: 10, reset: true }, 0);
  for (const revision of [11, 12]) take(revision);
  assert.deepEqual(log, ["reset chat", "posted m11@11", "posted m12@12"]);
  assert.equal(sync.deadline, null);
});

test("more than can be held means to load anew, and the next catch-up begins empty", () => {
  const { sync, take, last, log } = begin();
  for (let revision = 5; revision <= 1005; revision += 1) take(revision);
  last().done({ revision: 1005 }, 0);
  assert.deepEqual(log, ["reset chat"]);
  sync.again(0);
  take(1006);
  last().done({ revision: 1006 }, 0);
  assert.deepEqual(log, ["reset chat", "begin chat", "posted m1006@1006", "end chat"]);
});

test("what was too much to hold when the connection broke is not too much for the next", () => {
  const { sync, take, last, log } = begin();
  for (let revision = 5; revision <= 1005; revision += 1) take(revision);
  sync.pause();
  sync.open(0);
  last().done({ revision: 4 }, 0);
  assert.deepEqual(log, []);
});

test("as many as can be held are delivered", () => {
  const { take, last, log } = begin();
  for (let revision = 5; revision <= 1004; revision += 1) take(revision);
  last().done({ revision: 1004 }, 0);
  assert.equal(log.length, 1002);
});

test("asked again during a catch-up it asks once more: what that one has read may be older", () => {
  const { sync, last, asks } = begin();
  sync.again(0);
  sync.again(0);
  assert.equal(asks.length, 1);
  last().done({ revision: 6 }, 0);
  assert.deepEqual([asks.length, last().since, sync.isDone], [2, 6, false]);
  last().done({ revision: 6 }, 0);
  assert.deepEqual([asks.length, sync.isDone], [2, true]);
});

test("put off it asks again after 2, 4, 8, 16, 30, 30 s, or later if told so; what comes meanwhile is held", () => {
  const { sync, take, last, log, asks } = begin();
  let now = 0;
  for (const seconds of [2, 4, 8, 16, 30, 30]) {
    const asked = asks.length;
    last().failed(refusal(seconds % 4 === 0 ? "internal" : "rate_limited"), now);
    assert.deepEqual([sync.deadline, sync.isDone], [now + seconds * 1000, false]);
    sync.tick(now + seconds * 1000 - 1);
    assert.equal(asks.length, asked);
    now += seconds * 1000;
    sync.tick(now);
    assert.equal(asks.length, asked + 1);
  }
  last().failed(refusal("rate_limited", { retry_after: 45 }), now);
  assert.equal(sync.deadline, now + 45_000);
  take(5, now);
  assert.deepEqual(log, []);
  sync.tick(now + 45_000);
  last().done({ revision: 5 }, now);
  assert.deepEqual(log, ["begin chat", "posted m5@5", "end chat"]);
  sync.again(now);
  last().failed(refusal("internal"), now);
  assert.equal(sync.deadline, now + 2000); // the answer in between has set it back
});

test("a chat that is refused is followed no more, and others go on", () => {
  const { sync, take, log, asks } = begin({ isOpen: false });
  sync.follow("other", 1, 0);
  sync.open(0);
  asks[0].failed(refusal("forbidden"), 0);
  assert.deepEqual(log, ["refused chat forbidden"]);
  assert.equal(take(5), false);
  assert.equal(sync.isDone, false);
  asks[1].done({ revision: 1 }, 0);
  assert.equal(sync.isDone, true);
  sync.open(0);
  assert.deepEqual(asks.slice(2).map(({ chatId }) => chatId), ["other"]);
});

test("no answer means that the connection is broken", () => {
  const { sync, last, log, take, asks } = begin();
  take(5);
  last().failed(refusal("lost"), 0);
  assert.deepEqual(log, ["broken"]);
  sync.pause();
  sync.open(0);
  assert.equal(asks.at(-1).since, 4);
});

test("without a connection it asks and waits for nothing; with the next one it asks for all", () => {
  const { sync, asks, take, last, log } = caughtUp();
  take(7, 0);
  sync.pause();
  assert.equal(sync.deadline, null);
  sync.tick(60_000);
  sync.follow("other", 9, 60_000);
  assert.equal(asks.length, 1);
  sync.open(60_000);
  assert.deepEqual(asks.slice(1).map(({ chatId, since }) => [chatId, since]), [["chat", 4], ["other", 9]]);
  assert.equal(sync.deadline, null); // the old gap is part of what is asked
  log.length = 0;
  for (const revision of [5, 6, 7]) take(revision, 60_000);
  asks[1].done({ revision: 7 }, 60_000);
  assert.deepEqual(log, ["begin chat", "posted m5@5", "posted m6@6", "end chat"]);
  last().done({ revision: 9 }, 60_000);
});

test("what was held when the connection broke comes with the next catch-up, once", () => {
  const { sync, take, last, log, asks } = begin();
  take(5);
  sync.pause();
  asks[0].done({ revision: 5 }, 0); // late, and nobody's any more
  assert.deepEqual(log, []);
  sync.open(0);
  assert.equal(last().since, 4);
  take(5);
  last().done({ revision: 5 }, 0);
  assert.deepEqual(log, ["begin chat", "posted m5@5", "end chat"]);
});

test("an answer about a chat that was left, or is followed anew, is nobody's", () => {
  const { sync, asks, log } = begin();
  sync.follow("chat", 9, 0);
  asks[0].failed(refusal("forbidden"), 0);
  asks[0].done({ revision: 4, reset: true }, 0);
  assert.deepEqual([log, sync.isDone, asks[1].since], [[], false, 9]);
  assert.equal(sync.unfollow("chat"), true);
  assert.equal(sync.unfollow("chat"), false);
  asks[1].failed(refusal("lost"), 0);
  assert.deepEqual([log, sync.isDone], [[], true]);
});
