// What was written is sent: in order, once, and whatever answers or does not.
import assert from "node:assert/strict";
import test from "node:test";
import { MOST } from "../../static/js/outbox.js";
import { Stage } from "./outbox-stage.mjs";

test("a chat's messages go out one after the other, each after the answer to the one before", async () => {
  const stage = new Stage();
  for (const id of ["1", "2", "3"]) assert.equal(stage.add(id), true);
  assert.deepEqual(stage.tried, ["1"]);
  assert.deepEqual(stage.deliveries[0].entry, {
    client_id: "1", chat_id: "a", body: "body of 1", reply_to: null, status: "sending", reason: "",
  });
  await stage.accept({ ack: { seq: 1 } });
  assert.deepEqual(stage.tried, ["1", "2"]);
  await stage.accept();
  await stage.accept();
  assert.deepEqual(stage.tried, ["1", "2", "3"]);
  assert.deepEqual(stage.changes, ["1 sending", "2 sending", "3 sending", "1 sent", "2 sent", "3 sent"]);
  assert.deepEqual(stage.answers[3], { ack: { seq: 1 } });
  assert.deepEqual([stage.outbox.entries, stage.clock.timers.size], [[], 0]);
});

test("chats do not wait for each other", async () => {
  const stage = new Stage();
  stage.add("1", "a");
  stage.add("2", "b");
  stage.add("3", "a");
  assert.deepEqual(stage.tried, ["1", "2"]);
  await stage.refuse("rate_limited", 60, stage.deliveries[0]);
  await stage.accept({ ack: {} }, stage.deliveries[1]);
  stage.add("4", "b");
  assert.deepEqual(stage.tried, ["1", "2", "4"]);
  assert.deepEqual(stage.outbox.of("a").map(({ client_id }) => client_id), ["1", "3"]);
});

test("what got no answer is sent again after 2, 4, 8, 16, 30, 30 s, the same, and is never given up", async () => {
  const stage = new Stage();
  stage.add("1");
  for (const seconds of [2, 4, 8, 16, 30, 30, 30, 30, 30, 30, 30, 30]) {
    const tried = stage.tried.length;
    await stage.refuse(tried % 2 === 0 ? "lost" : "network");
    stage.clock.advance(seconds * 1000 - 1);
    assert.equal(stage.tried.length, tried);
    stage.clock.advance(1);
    assert.equal(stage.tried.length, tried + 1);
  }
  await stage.accept();
  assert.deepEqual([...new Set(stage.tried)], ["1"]);
  assert.deepEqual(stage.changes, ["1 sending", "1 sent"]);
});

test("a new connection tries at once what got no answer, and the wait for it is over", async () => {
  const stage = new Stage();
  stage.add("1");
  await stage.refuse("lost");
  stage.outbox.flush();
  assert.deepEqual([stage.tried.length, stage.clock.timers.size], [2, 0]);
  await stage.accept();
  stage.clock.advance(60_000);
  assert.equal(stage.tried.length, 2);
});

test("put off by the server it waits as long as it was told, whatever is written or reconnects meanwhile", async () => {
  const stage = new Stage();
  stage.add("1");
  await stage.refuse("rate_limited", 45);
  for (let id = 2; id < 20; id += 1) stage.add(String(id));
  stage.outbox.flush();
  stage.clock.advance(44_999);
  assert.deepEqual(stage.tried, ["1"]);
  stage.clock.advance(1);
  assert.deepEqual(stage.tried, ["1", "1"]);
  await stage.accept();
  assert.deepEqual(stage.tried, ["1", "1", "2"]);
});

test("put off ten times it is failed at the next, and the following one goes out", async () => {
  for (const code of ["internal", "rate_limited"]) {
    const stage = new Stage();
    stage.add("1");
    stage.add("2");
    for (let time = 0; time < 10; time += 1) {
      await stage.refuse("lost"); // no answer, so none of the ten
      stage.clock.advance(30_000);
      await stage.refuse(code);
      assert.equal(stage.outbox.entries[0].status, "sending");
      stage.clock.advance(30_000);
    }
    await stage.refuse(code);
    assert.deepEqual(stage.changes.slice(2), ["1 failed"]);
    assert.equal(stage.outbox.entries[0].reason, `refused: ${code}`);
    assert.equal(stage.tried.at(-1), "2");
  }
});

test("put off, the waits grow as 2, 4, 8, 16, 30 s where the server names none", async () => {
  const stage = new Stage();
  stage.add("1");
  for (const seconds of [2, 4, 8, 16, 30, 30]) {
    const tried = stage.tried.length;
    await stage.refuse("internal");
    stage.clock.advance(seconds * 1000 - 1);
    assert.equal(stage.tried.length, tried);
    stage.clock.advance(1);
    assert.equal(stage.tried.length, tried + 1);
  }
});

test("a refusal that will not change is failed at once, with its reason, and the next goes out", async () => {
  for (const code of ["closed", "forbidden", "invalid", "too_long"]) {
    const stage = new Stage();
    stage.add("1");
    stage.add("2");
    await stage.refuse(code);
    assert.deepEqual([stage.outbox.entries[0].status, stage.outbox.entries[0].reason], ["failed", `refused: ${code}`]);
    assert.deepEqual(stage.tried, ["1", "2"]);
    stage.outbox.flush();
    stage.clock.advance(1e6);
    assert.deepEqual(stage.tried, ["1", "2"]);
  }
});

test("signed out it waits without a timer for somebody to sign in", async () => {
  const stage = new Stage();
  stage.add("1");
  await stage.refuse("signed_out");
  assert.deepEqual([stage.clock.timers.size, stage.outbox.entries[0].status], [0, "sending"]);
  stage.outbox.flush();
  assert.deepEqual(stage.tried, ["1", "1"]);
});

test("a failed message is sent again when a person asks, with all its tries, and in its old place", async () => {
  const stage = new Stage();
  stage.add("1");
  await stage.refuse("closed");
  stage.add("2");
  stage.add("3");
  stage.outbox.retry("2"); // not failed: nothing to ask
  stage.outbox.retry("unknown");
  stage.outbox.retry("1");
  assert.deepEqual(stage.tried, ["1", "2"]);
  await stage.accept();
  assert.deepEqual(stage.tried, ["1", "2", "1"]);
  await stage.refuse("internal"); // the first of ten again
  assert.equal(stage.outbox.entries[0].status, "sending");
  assert.deepEqual(stage.changes, ["1 sending", "1 failed", "2 sending", "3 sending", "1 sending", "2 sent"]);
});

test("after its ten tries a person's retry has ten more", async () => {
  const stage = new Stage();
  stage.add("1");
  for (let time = 0; time < 11; time += 1) {
    await stage.refuse("internal");
    stage.clock.advance(30_000);
  }
  assert.equal(stage.outbox.entries[0].status, "failed");
  stage.outbox.retry("1");
  await stage.refuse("internal");
  assert.equal(stage.outbox.entries[0].status, "sending");
  stage.clock.advance(2000); // and begins with the shortest wait
  assert.equal(stage.tried.length, 13);
});

test("a discarded message is gone, and never sent", async () => {
  const stage = new Stage();
  stage.add("1");
  await stage.refuse("closed");
  stage.outbox.discard("1");
  stage.outbox.discard("1");
  stage.outbox.flush();
  assert.deepEqual([stage.changes, stage.tried], [["1 sending", "1 failed", "1 gone"], ["1"]]);
  assert.deepEqual(stage.reload().outbox.entries, []);
});

test("seen among the chat's messages while it is on its way, it is sent, whatever the answer will be", async () => {
  const ends = [(stage) => stage.accept(), (stage) => stage.refuse("lost"), (stage) => stage.refuse("closed")];
  for (const end of ends) {
    const stage = new Stage();
    stage.add("1");
    stage.add("2");
    stage.outbox.seen("1");
    assert.deepEqual(stage.changes.slice(2), ["1 sent"]);
    assert.deepEqual(stage.tried, ["1"], "the next still waits for the answer");
    await end(stage);
    assert.deepEqual(stage.tried, ["1", "2"]);
    assert.deepEqual(stage.changes.slice(2), ["1 sent"]);
    stage.outbox.seen("1");
  }
});

test("seen or discarded while it waits for its next try, it holds up nothing behind it", async () => {
  for (const code of ["lost", "internal"]) {
    for (const how of ["seen", "discard"]) {
      const stage = new Stage();
      stage.add("1");
      stage.add("2");
      await stage.refuse(code);
      if (code === "lost") await stage.refuse(code); // "2" was a reason to try again at once
      stage.outbox[how]("1");
      assert.equal(stage.tried.at(-1), "2", `${how} after ${code}`);
      await stage.accept();
      assert.deepEqual([stage.clock.timers.size, stage.outbox.entries.length], [0, 0]);
    }
  }
});

test("a flush while one is on its way is not forgotten: lost then, it is tried again at once", async () => {
  const stage = new Stage();
  stage.add("1");
  stage.outbox.flush(); // the next connection stands already
  assert.equal(stage.tried.length, 1);
  await stage.refuse("lost");
  assert.deepEqual([stage.tried.length, stage.clock.timers.size], [2, 0]);
  await stage.refuse("lost"); // only once for each flush
  assert.deepEqual([stage.tried.length, stage.clock.timers.size], [2, 1]);
});

test("a flush while one is on its way does not hurry what the server then puts off", async () => {
  const stage = new Stage();
  stage.add("1");
  stage.outbox.flush();
  await stage.refuse("rate_limited", 5);
  assert.equal(stage.tried.length, 1);
  stage.clock.advance(5000);
  assert.equal(stage.tried.length, 2);
});

test("a hundred messages have room, the next has none until one is gone", async () => {
  const stage = new Stage();
  for (let id = 0; id < MOST; id += 1) assert.equal(stage.add(String(id)), true);
  assert.equal(MOST, 100);
  assert.deepEqual([stage.outbox.isFull, stage.add("more"), stage.outbox.entries.length], [true, false, 100]);
  await stage.accept();
  assert.equal(stage.add("more"), true);
});

test("a fault of ours is no answer: it is not hidden, and the message stays", async () => {
  const before = new Stage();
  before.add("1");
  const stage = before.reload();
  const sent = stage.outbox.send("a");
  stage.deliveries[0].reject(new TypeError("ours"));
  await assert.rejects(sent, TypeError);
  assert.equal(stage.outbox.entries[0].status, "sending");
  stage.outbox.flush();
  assert.equal(stage.tried.length, 2);
});
