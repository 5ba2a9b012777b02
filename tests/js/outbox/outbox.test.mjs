// What was written is sent: in order, once, and whatever answers or does not.
import assert from "node:assert/strict";
import test from "node:test";
import { MOST, MOST_ENDED } from "../../../static/js/outbox/outbox.js";
import { Stage } from "../support/outbox-stage.mjs";
import { settle } from "../support/settle.mjs";

test("a chat's messages go out one after the other, each after the answer to the one before", async () => {
  const stage = new Stage();
  for (const id of ["1", "2", "3"]) assert.equal(await stage.add(id), true);
  assert.deepEqual(stage.tried, ["1"]);
  const { written_at, ...entry } = stage.deliveries[0].entry;
  assert.deepEqual(entry, {
    client_id: "1", chat_id: "a", body: "body of 1", reply_to: null, status: "sending", reason: "", code: "", tried: 1,
  });
  await stage.accept({ ack: { seq: 1 } });
  assert.deepEqual(stage.tried, ["1", "2"]);
  await stage.accept();
  await stage.accept();
  assert.deepEqual(stage.tried, ["1", "2", "3"]);
  assert.deepEqual(stage.changes, ["1 sending", "2 sending", "3 sending", "1 sent", "2 sent", "3 sent"]);
  assert.deepEqual(stage.answers[3], { ack: { seq: 1 } });
  assert.deepEqual([stage.outbox.entries, stage.timers], [[], 0]);
});

test("chats do not wait for each other", async () => {
  const stage = new Stage();
  await stage.add("1", "a");
  await stage.add("2", "b");
  await stage.add("3", "a");
  assert.deepEqual(stage.tried, ["1", "2"]);
  await stage.refuse("rate_limited", 60, stage.deliveries[0]);
  await stage.accept({ ack: {} }, stage.deliveries[1]);
  await stage.add("4", "b");
  assert.deepEqual(stage.tried, ["1", "2", "4"]);
  assert.deepEqual(stage.outbox.of("a").map(({ client_id }) => client_id), ["1", "3"]);
});

test("what got no answer is sent again after 2, 4, 8, 16, 30, 30 s, the same, and is never given up", async () => {
  const stage = new Stage();
  await stage.add("1");
  for (const seconds of [2, 4, 8, 16, 30, 30, 30, 30, 30, 30, 30, 30]) {
    const tried = stage.tried.length;
    await stage.refuse(tried % 2 === 0 ? "lost" : "network");
    await stage.advance(seconds * 1000 - 1);
    assert.equal(stage.tried.length, tried);
    await stage.advance(1);
    assert.equal(stage.tried.length, tried + 1);
  }
  await stage.accept();
  assert.deepEqual([...new Set(stage.tried)], ["1"]);
  assert.deepEqual(stage.changes, ["1 sending", "1 sent"]);
});

test("a new connection tries at once what got no answer, and the wait for it is over", async () => {
  const stage = new Stage();
  await stage.add("1");
  await stage.refuse("lost");
  await stage.flush();
  assert.deepEqual([stage.tried.length, stage.timers], [2, 0]);
  await stage.accept();
  await stage.advance(60_000);
  assert.equal(stage.tried.length, 2);
});

test("put off by the server it waits as long as it was told, whatever is written or reconnects meanwhile", async () => {
  const stage = new Stage();
  await stage.add("1");
  await stage.refuse("rate_limited", 45);
  for (let id = 2; id < 20; id += 1) await stage.add(String(id));
  await stage.flush();
  await stage.advance(44_999);
  assert.deepEqual(stage.tried, ["1"]);
  await stage.advance(1);
  assert.deepEqual(stage.tried, ["1", "1"]);
  await stage.accept();
  assert.deepEqual(stage.tried, ["1", "1", "2"]);
});

test("put off ten times it is failed at the next, and the following one goes out", async () => {
  for (const code of ["internal", "rate_limited"]) {
    const stage = new Stage();
    await stage.add("1");
    await stage.add("2");
    for (let time = 0; time < 10; time += 1) {
      await stage.refuse("lost"); // no answer, so none of the ten
      await stage.advance(30_000);
      await stage.refuse(code);
      assert.equal(stage.outbox.entries[0].status, "sending");
      await stage.advance(30_000);
    }
    await stage.refuse(code);
    assert.deepEqual(stage.changes.slice(2), ["1 failed"]);
    assert.equal(stage.outbox.entries[0].reason, `refused: ${code}`);
    assert.equal(stage.tried.at(-1), "2");
  }
});

test("put off, the waits grow as 2, 4, 8, 16, 30 s where the server names none", async () => {
  const stage = new Stage();
  await stage.add("1");
  for (const seconds of [2, 4, 8, 16, 30, 30]) {
    const tried = stage.tried.length;
    await stage.refuse("internal");
    await stage.advance(seconds * 1000 - 1);
    assert.equal(stage.tried.length, tried);
    await stage.advance(1);
    assert.equal(stage.tried.length, tried + 1);
  }
});

test("a refusal that will not change is failed at once, with its reason, and the next goes out", async () => {
  for (const code of ["closed", "forbidden", "invalid", "too_long"]) {
    const stage = new Stage();
    await stage.add("1");
    await stage.add("2");
    await stage.refuse(code);
    assert.deepEqual([stage.outbox.entries[0].status, stage.outbox.entries[0].reason], ["failed", `refused: ${code}`]);
    assert.deepEqual(stage.tried, ["1", "2"]);
    await stage.flush();
    await stage.advance(1e6);
    assert.deepEqual(stage.tried, ["1", "2"]);
  }
});

test("signed out it waits without a timer for somebody to sign in", async () => {
  const stage = new Stage();
  await stage.add("1");
  await stage.refuse("signed_out");
  assert.deepEqual([stage.timers, stage.outbox.entries[0].status], [0, "sending"]);
  await stage.flush();
  assert.deepEqual(stage.tried, ["1", "1"]);
});

test("a failed message is sent again when a person asks, with all its tries, and in its old place", async () => {
  const stage = new Stage();
  await stage.add("1");
  await stage.refuse("closed");
  await stage.add("2");
  await stage.add("3");
  await stage.outbox.retry("2"); // not failed: nothing to ask
  await stage.outbox.retry("unknown");
  await stage.outbox.retry("1");
  await settle();
  assert.deepEqual(stage.tried, ["1", "2"]);
  await stage.accept();
  assert.deepEqual(stage.tried, ["1", "2", "1"]);
  await stage.refuse("internal"); // the first of ten again
  assert.equal(stage.outbox.entries[0].status, "sending");
  assert.deepEqual(stage.changes, ["1 sending", "1 failed", "2 sending", "3 sending", "1 sending", "2 sent"]);
});

test("after its ten tries a person's retry has ten more", async () => {
  const stage = new Stage();
  await stage.add("1");
  for (let time = 0; time < 11; time += 1) {
    await stage.refuse("internal");
    await stage.advance(30_000);
  }
  assert.equal(stage.outbox.entries[0].status, "failed");
  await stage.outbox.retry("1");
  await settle();
  await stage.refuse("internal");
  assert.equal(stage.outbox.entries[0].status, "sending");
  await stage.advance(2000); // and begins with the shortest wait
  assert.equal(stage.tried.length, 13);
});

test("a discarded message is gone, and never sent", async () => {
  const stage = new Stage();
  await stage.add("1");
  await stage.refuse("closed");
  assert.equal((await stage.outbox.takeBack("1")).body, "body of 1");
  assert.equal(await stage.outbox.takeBack("1"), null);
  await stage.flush();
  assert.deepEqual([stage.changes, stage.tried], [["1 sending", "1 failed", "1 gone"], ["1"]]);
  assert.deepEqual((await stage.reload()).ids, []);
});

test("seen among the chat's messages while it is on its way, it is sent, whatever the answer will be", async () => {
  const ends = [(stage) => stage.accept(), (stage) => stage.refuse("lost"), (stage) => stage.refuse("closed")];
  for (const end of ends) {
    const stage = new Stage();
    await stage.add("1");
    await stage.add("2");
    stage.outbox.seen("1");
    assert.deepEqual(stage.changes.slice(2), ["1 sent"]);
    assert.deepEqual(stage.tried, ["1"], "the next still waits for the answer");
    await end(stage);
    assert.deepEqual(stage.tried, ["1", "2"]);
    assert.deepEqual(stage.changes.slice(2), ["1 sent"]);
    stage.outbox.seen("1");
  }
});

test("seen or taken back while it waits for its next try, it holds up nothing behind it", async () => {
  for (const [code, how] of [["lost", "seen"], ["internal", "seen"], ["rate_limited", "takeBack"]]) {
    const stage = new Stage();
    await stage.add("1");
    await stage.add("2");
    await stage.refuse(code);
    if (code === "lost") await stage.refuse(code); // "2" was a reason to try again at once
    stage.outbox[how]("1");
    await settle();
    assert.equal(stage.tried.at(-1), "2", `${how} after ${code}`);
    await stage.accept();
    assert.deepEqual([stage.timers, stage.outbox.entries.length], [0, 0]);
  }
});

test("it is taken back only while it is known that the server does not have it", async () => {
  const waiting = new Stage();
  waiting.obstacle = "lost";
  await waiting.add("1");
  assert.equal(waiting.outbox.isFree(waiting.outbox.entries[0]), true);
  assert.equal((await waiting.outbox.takeBack("1")).body, "body of 1");
  assert.deepEqual([waiting.ids, waiting.store.records.size, waiting.tried], [[], 0, []]);

  for (const [code, isFree] of [["lost", false], ["network", false], ["internal", false], ["rate_limited", true], ["signed_out", true], ["closed", true]]) {
    const stage = new Stage();
    await stage.add("1");
    assert.equal(await stage.outbox.takeBack("1"), null, "on its way");
    assert.deepEqual(stage.ids, ["1"]);
    await stage.refuse(code);
    assert.equal(stage.outbox.isFree(stage.outbox.entries[0]), isFree, code);
    assert.equal((await stage.outbox.takeBack("1")) !== null, isFree, code);
  }
});

test("once unanswered it stays so, whatever puts it off afterwards, until it is decided", async () => {
  const stage = new Stage();
  await stage.add("1");
  await stage.refuse("lost");
  await stage.flush();
  await stage.refuse("rate_limited", 1);
  assert.equal(await stage.outbox.takeBack("1"), null);
  await stage.advance(2000);
  await stage.refuse("closed");
  assert.equal((await stage.outbox.takeBack("1")).client_id, "1");
});

test("a flush while one is on its way is not forgotten: lost then, it is tried again at once", async () => {
  const stage = new Stage();
  await stage.add("1");
  await stage.flush(); // the next connection stands already
  assert.equal(stage.tried.length, 1);
  await stage.refuse("lost");
  assert.deepEqual([stage.tried.length, stage.timers], [2, 0]);
  await stage.refuse("lost"); // only once for each flush
  assert.deepEqual([stage.tried.length, stage.timers], [2, 1]);
});

test("a flush while one is on its way does not hurry what the server then puts off", async () => {
  const stage = new Stage();
  await stage.add("1");
  await stage.flush();
  await stage.refuse("rate_limited", 5);
  assert.equal(stage.tried.length, 1);
  await stage.advance(5000);
  assert.equal(stage.tried.length, 2);
});

test("their texts have room for five million bytes", async () => {
  const stage = new Stage();
  const body = "€".repeat(1_000_000); // three bytes each
  assert.equal(await stage.add("1", "a", { body }), true);
  assert.equal(await stage.add("2", "a", { body }), false);
  assert.equal(await stage.add("3", "a", { body: "€".repeat(600_000) }), true);
});

test("a hundred messages have room, the next has none until one is gone", async () => {
  const stage = new Stage();
  for (let id = 0; id < MOST; id += 1) assert.equal(await stage.add(String(id)), true);
  assert.equal(MOST, 100);
  assert.deepEqual([await stage.add("more"), stage.outbox.entries.length], [false, 100]);
  await stage.accept();
  assert.equal(await stage.add("more"), true);
});

test("the latest that have left are remembered; late word of an earlier one sends nothing again", async () => {
  const stage = new Stage();
  for (const id of ["early", "late"]) {
    await stage.add(id);
    await stage.accept();
  }
  const { entry } = stage.deliveries[0];
  const leave = (client_id) => stage.outbox.receive({ kind: "end", client_id, status: "sent", answer: null });
  for (let number = 2; number < MOST_ENDED; number += 1) leave(`other ${number}`);
  leave("late"); // another tab says so, too
  assert.equal(stage.outbox.ended.size, MOST_ENDED);
  leave("one more");
  assert.equal(stage.outbox.ended.size, MOST_ENDED);
  for (const client_id of ["late", "early"]) stage.outbox.receive({ kind: "put", entry: { ...entry, client_id } });
  await settle();
  assert.deepEqual(stage.changes, ["early sending", "early sent", "late sending", "late sent", "early sending", "early gone"]);
  assert.deepEqual([stage.tried, stage.ids], [["early", "late"], []]);
});

test("a fault of ours is no answer: it is not hidden, and the message stays", async () => {
  const before = new Stage();
  await before.add("1");
  const stage = await before.reload({ obstacle: "lost" });
  stage.obstacle = null;
  const sent = stage.outbox.send("a");
  await settle();
  stage.deliveries[0].reject(new TypeError("ours"));
  await assert.rejects(sent, TypeError);
  assert.equal(stage.outbox.entries[0].status, "sending");
  await stage.flush();
  assert.equal(stage.tried.length, 2);
});
