// Several tabs of one browser share what was written: one of them sends, and all know what became of it.
import assert from "node:assert/strict";
import test from "node:test";
import { Stage } from "../support/outbox-stage.mjs";
import { settle } from "../support/settle.mjs";

/** Two tabs; `options` see Stage.open. */
async function two(options) {
  const first = new Stage();
  return [first, await first.open(options)];
}

test("what is written in one tab is shown in all, sent by one, and gone in all once it is stored", async () => {
  const [one, other] = await two();
  await one.add("1");
  assert.deepEqual([other.ids, other.tried], [["1"], []]);
  await one.accept({ ack: { seq: 7 } });
  assert.deepEqual([one.ids, other.ids, other.tried], [[], [], []]);
  assert.deepEqual([other.changes, other.answers.at(-1)], [["1 sending", "1 sent"], { ack: { seq: 7 } }]);
});

test("seen by the tab that has a connection, it is shown by those that have none", async () => {
  const [one, other] = await two({ obstacle: "lost" });
  await one.add("1");
  one.outbox.seen("1", { seq: 7 });
  await settle();
  assert.deepEqual([other.ids, other.answers.at(-1), one.answers.at(-1)], [[], { message: { seq: 7 } }, null]);
});

test("one tab without a connection: the other sends for it", async () => {
  const [one, other] = await two();
  one.obstacle = "lost";
  await one.add("1");
  await one.add("2");
  assert.deepEqual([one.tried, other.tried], [[], ["1"]]);
  await other.accept();
  await other.accept();
  assert.deepEqual([other.tried, one.ids], [["1", "2"], []]);
});

test("both write at once into one chat: sent in the same order, one at a time", async () => {
  const [one, other] = await two();
  one.outbox.add({ client_id: "1", chat_id: "a", body: "b" });
  other.outbox.add({ client_id: "2", chat_id: "a", body: "b" });
  await settle();
  assert.deepEqual(one.ids, other.ids);
  assert.equal(one.deliveries.length + other.deliveries.length, 1);
  const first = one.deliveries.length === 1 ? one : other;
  await first.accept();
  const second = [...one.deliveries, ...other.deliveries].find(({ entry }) => entry.client_id !== first.tried[0]);
  await first.accept({ ack: {} }, second);
  assert.deepEqual([...one.tried, ...other.tried].sort(), ["1", "2"]);
  assert.deepEqual([one.ids, other.ids], [[], []]);
});

test("a tab that is closed while it sends hands over, and the server hears the same client_id", async () => {
  const [one, other] = await two();
  await one.add("1");
  await one.add("2");
  assert.deepEqual([one.tried, other.tried], [["1"], []]);
  one.close();
  await settle();
  assert.deepEqual(other.tried, ["1"]);
  await other.accept();
  await other.accept();
  assert.deepEqual([other.tried, other.ids], [["1", "2"], []]);
});

test("a tab that is frozen while it sends hands over; back, it goes on without harm", async () => {
  const [one, other] = await two();
  await one.add("1");
  await one.add("2");
  one.tabs.leave();
  await settle();
  assert.deepEqual(other.tried, ["1"]);
  await other.accept();
  one.tabs.resume();
  await one.outbox.load();
  await one.accept({ ack: {} }, one.deliveries[0]);
  assert.deepEqual(one.tried, ["1", "2"]); // both send it now; it is stored once, and its next one waits for it
  await one.accept();
  await other.accept();
  assert.deepEqual([one.ids, other.ids, other.tried], [[], [], ["1", "2"]]);
});

test("a tab that holds its lock for half a minute is passed over", async () => {
  const [one, other] = await two();
  await one.add("1");
  await other.advance(29_999);
  assert.deepEqual(other.tried, []);
  await other.advance(1);
  assert.deepEqual(other.tried, ["1"]);
  await other.accept();
  await one.accept();
  assert.deepEqual([one.ids, other.ids, one.changes.at(-1)], [[], [], "1 sent"]);
});

test("what is taken back in one tab is not sent by another, and what is on its way cannot be taken back", async () => {
  const [one, other] = await two({ obstacle: "lost" });
  one.obstacle = "lost";
  await one.add("1");
  await one.add("2");
  assert.equal((await other.outbox.takeBack("1")).body, "body of 1");
  assert.deepEqual(one.ids, ["2"]);
  one.obstacle = null;
  await one.flush();
  assert.deepEqual(one.tried, ["2"]);
  assert.equal(await other.outbox.takeBack("2"), null);
  await one.accept();
  assert.deepEqual([one.ids, other.ids], [[], []]);
});

test("a failure, and that it is tried again, is seen in all tabs", async () => {
  const [one, other] = await two();
  await one.add("1");
  await one.refuse("closed");
  assert.deepEqual([other.outbox.entries[0].status, other.outbox.entries[0].code], ["failed", "closed"]);
  await other.outbox.retry("1");
  await settle();
  assert.equal(one.outbox.entries[0].status, "sending");
  assert.equal(one.deliveries.length + other.deliveries.length, 2);
});

test("what the server puts off is put off for all tabs", async () => {
  const [one, other] = await two();
  await one.add("1");
  await one.refuse("rate_limited", 5);
  await other.flush();
  await one.flush();
  assert.equal(one.deliveries.length + other.deliveries.length, 1);
  await other.advance(5000);
  assert.equal(one.deliveries.length + other.deliveries.length, 2);
});

test("where a browser has no locks each tab sends, and the server tells them apart by client_id", async () => {
  const one = new Stage({ locks: false });
  const other = new Stage({ browser: one.browser, locks: false });
  await one.add("1");
  assert.deepEqual([one.tried, other.tried], [["1"], ["1"]]);
  await one.accept();
  await other.accept();
  assert.deepEqual([one.ids, other.ids, one.store.records.size], [[], [], 0]);
});
