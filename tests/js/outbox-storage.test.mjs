// What was written outlives the page, as far as the storage lets it.
import assert from "node:assert/strict";
import test from "node:test";
import { MOST } from "../../static/js/outbox.js";
import { FakeStorage, Stage } from "./outbox-stage.mjs";

const KEY = "flowra.outbox.u";
const entry = (client_id, more = {}) => ({
  client_id, chat_id: "a", body: "b", reply_to: null, status: "sending", reason: "", ...more,
});

/** An outbox on a storage with this content. */
function restored(content) {
  const storage = new FakeStorage();
  storage.items.set(KEY, typeof content === "string" ? content : JSON.stringify(content));
  return new Stage({ storage });
}

test("a reload in the middle sends the same messages, in the same order, with the same client_id", async () => {
  const before = new Stage();
  before.add("1", "a", { reply_to: "m" });
  before.add("2");
  before.add("3", "b");
  await before.accept({ ack: {} }, before.deliveries[1]);
  const after = before.reload();
  assert.deepEqual(after.tried, [], "not before there is a connection");
  after.outbox.flush();
  assert.deepEqual(after.deliveries[0].entry, entry("1", { body: "body of 1", reply_to: "m" }));
  await after.accept();
  assert.deepEqual(after.tried, ["1", "2"]);
  await after.accept();
  assert.equal(before.storage.items.size, 0);
});

test("a failed message is failed after a reload too, and can be sent or discarded there", async () => {
  const before = new Stage();
  before.add("1");
  await before.refuse("closed");
  const after = before.reload();
  after.outbox.flush();
  assert.deepEqual([after.tried, after.outbox.entries[0].reason], [[], "refused: closed"]);
  after.outbox.retry("1");
  assert.deepEqual(after.tried, ["1"]);
});

test("another person on the same tab finds nothing of it, and leaves it", () => {
  const stage = new Stage();
  stage.add("1");
  const other = new Stage({ storage: stage.storage, userId: "v" });
  assert.deepEqual(other.outbox.entries, []);
  other.add("2");
  assert.deepEqual(stage.reload().outbox.entries.map(({ client_id }) => client_id), ["1"]);
});

test("what is malformed or foreign in the storage is passed over, and breaks nothing", () => {
  const contents = [
    "", "{", "null", "7", '"text"', "{}", "[null, 7, [], {}]", [entry("1", { body: 7 })], [entry(null)],
    [entry("1", { status: "sent" })], [entry("1", { status: undefined })], [entry("1", { reason: null })],
    [entry("1", { chat_id: undefined })],
  ];
  for (const content of contents) {
    const stage = restored(content);
    assert.deepEqual(stage.outbox.entries, [], JSON.stringify(content));
    assert.equal(stage.add("new"), true);
    assert.deepEqual(stage.tried, ["new"]);
  }
  const { outbox } = restored([null, entry("1"), { half: true }, entry("2")]);
  assert.deepEqual(outbox.entries.map(({ client_id }) => client_id), ["1", "2"]);
});

test("more than there is room for is not taken from the storage", () => {
  const stage = restored(Array.from({ length: MOST + 7 }, (_, index) => entry(String(index))));
  assert.deepEqual([stage.outbox.entries.length, stage.outbox.isFull], [MOST, true]);
});

test("with a blocked storage messages go out all the same, and leaving is unsafe while one is unsent", async () => {
  const storage = new FakeStorage();
  storage.isBlocked = true;
  const stage = new Stage({ storage });
  assert.equal(stage.outbox.isSafe, true);
  stage.add("1");
  assert.deepEqual([stage.outbox.isSafe, stage.tried], [false, ["1"]]);
  await stage.accept();
  assert.equal(stage.outbox.isSafe, true);
});

test("where the storage is full leaving is unsafe until what is left fits again", async () => {
  const stage = new Stage();
  stage.add("1");
  stage.storage.limit = stage.storage.items.get(KEY).length + 10;
  assert.equal(stage.outbox.isSafe, true);
  stage.add("2");
  assert.equal(stage.outbox.isSafe, false);
  await stage.accept();
  assert.equal(stage.outbox.isSafe, true);
  assert.deepEqual(stage.reload().outbox.entries.map(({ client_id }) => client_id), ["2"]);
});
