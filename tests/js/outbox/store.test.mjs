// What was written outlives the page, as far as the browser lets it.
import assert from "node:assert/strict";
import test from "node:test";
import { OutboxStore, SessionStore } from "../../../static/js/outbox/store.js";
import { FakeStorage, FakeStore, Stage } from "../support/outbox-stage.mjs";
import { settle } from "../support/settle.mjs";

const KEY = "flowra.outbox.u";
const entry = (client_id, more = {}) => ({
  client_id, chat_id: "a", body: "b", reply_to: null, status: "sending", reason: "", ...more,
});

/** An outbox on a store with these records. */
async function restored(...records) {
  const stage = new Stage();
  records.forEach((record, index) => stage.store.records.set(record?.client_id ?? index, record));
  await stage.outbox.load();
  await settle();
  return stage;
}

test("a reload in the middle sends the same messages, in the same order, with the same client_id", async () => {
  const before = new Stage();
  await before.add("1", "a", { reply_to: "m" });
  await before.add("2");
  await before.add("3", "b");
  await before.accept({ ack: {} }, before.deliveries[1]);
  const after = await before.reload({ obstacle: "lost" });
  assert.deepEqual(after.tried, [], "not before there is a connection");
  after.obstacle = null;
  await after.flush();
  const { client_id, body, reply_to } = after.deliveries[0].entry;
  assert.deepEqual([client_id, body, reply_to], ["1", "body of 1", "m"]);
  await after.accept();
  assert.deepEqual(after.tried, ["1", "2"]);
  await after.accept();
  assert.equal(before.store.records.size, 0);
});

test("nothing is sent before it is kept", async () => {
  const stage = new Stage();
  let goOn;
  const { add } = stage.store;
  stage.store.add = async (one) => {
    await new Promise((resolve) => (goOn = resolve));
    return add.call(stage.store, one);
  };
  await stage.add("1");
  await stage.flush();
  assert.deepEqual([stage.tried, stage.outbox.isSafe], [[], false]);
  goOn();
  await settle();
  assert.deepEqual([stage.tried, stage.outbox.isSafe], [["1"], true]);
});

test("a failed message is failed after a reload too, and can be sent or discarded there", async () => {
  const before = new Stage();
  await before.add("1");
  await before.refuse("closed");
  const after = await before.reload();
  await after.flush();
  assert.deepEqual([after.tried, after.outbox.entries[0].reason], [[], "refused: closed"]);
  await after.outbox.retry("1");
  await settle();
  assert.deepEqual(after.tried, ["1"]);
});

test("what else a message carries is kept with it, files too", async () => {
  const before = new Stage();
  const file = new Blob(["picture"]);
  await before.add("1", "a", { files: [file] });
  const after = await before.reload();
  assert.equal(await after.deliveries[0].entry.files[0].text(), "picture");
});

test("what is malformed or foreign in the store is passed over, and breaks nothing", async () => {
  const records = [
    null, 7, [], {}, entry("1", { body: 7 }), entry(null), entry("1", { status: "sent" }), entry("1", { status: undefined }),
    entry("1", { reason: null }), entry("1", { chat_id: undefined }),
  ];
  for (const record of records) {
    const stage = await restored(record);
    assert.deepEqual(stage.ids, [], JSON.stringify(record));
    assert.equal(await stage.add("new"), true);
    assert.deepEqual(stage.tried, ["new"]);
  }
  assert.deepEqual((await restored(null, entry("1"), { half: true }, entry("2"))).ids, ["1", "2"]);
});

test("where nothing can be kept messages go out all the same, it is said, and leaving is unsafe while one is unsent", async () => {
  const stage = new Stage();
  stage.store.isBroken = true;
  await stage.outbox.load();
  assert.equal(stage.outbox.isSafe, true);
  await stage.add("1");
  await stage.add("2");
  assert.deepEqual([stage.outbox.isSafe, stage.unsafe, stage.tried], [false, 2, ["1"]]);
  assert.equal(await stage.outbox.takeBack("1"), null, "on its way");
  assert.equal((await stage.outbox.takeBack("2")).body, "body of 2");
  await stage.accept();
  assert.deepEqual([stage.outbox.isSafe, stage.ids], [true, []]);
});

test("a store that breaks in the middle loses nothing that is here", async () => {
  const stage = new Stage();
  stage.obstacle = "lost";
  await stage.add("1");
  await stage.add("2");
  stage.store.isBroken = true;
  stage.obstacle = null;
  await stage.flush();
  assert.deepEqual(stage.tried, ["1"]);
  await stage.accept();
  assert.deepEqual(stage.tried, ["1", "2"]);
  await stage.accept();
  assert.deepEqual(stage.ids, []);
  stage.store.isBroken = false;
  const after = await stage.reload(); // what could not be removed is sent again: the server knows it
  assert.deepEqual(after.tried, ["1"]);
});

test("where the store is full leaving is unsafe until what is left is kept", async () => {
  const stage = new Stage();
  stage.store.room = 1;
  await stage.add("1");
  assert.equal(stage.outbox.isSafe, true);
  await stage.add("2");
  assert.equal(stage.outbox.isSafe, false);
  await stage.accept();
  assert.deepEqual(stage.tried, ["1", "2"]);
  await stage.accept();
  assert.deepEqual([stage.outbox.isSafe, stage.ids], [true, []]);
});

test("sessionStorage stands in for a database that does not work, and hands over once it does", async () => {
  const [storage, database] = [new FakeStorage(), new FakeStore()];
  const begin = async () => {
    const store = new OutboxStore(database, new SessionStore(storage, "u"));
    return [store, await store.load()];
  };
  database.isBroken = true;
  const [store] = await begin();
  await store.add(entry("1"));
  await store.add(entry("2"));
  assert.equal(await store.change("2", (one) => ({ ...one, tried: true })).then(({ tried }) => tried), true);
  assert.equal(await store.change("1", () => null), null);
  assert.equal(await store.change("1", (one) => one), null);
  const [, kept] = await begin();
  assert.deepEqual(kept, [entry("2", { tried: true })]);
  database.isBroken = false;
  const [, moved] = await begin();
  assert.deepEqual(moved, [entry("2", { tried: true })]);
  assert.deepEqual([storage.items.size, [...database.records.keys()]], [0, ["2"]]);
});

test("what an earlier version kept in sessionStorage is taken over once, and what is cut off is passed over", async () => {
  for (const [content, ids] of [[JSON.stringify([entry("1"), null, { half: true }]), ["1"]], ["{", []], ["7", []]]) {
    const [storage, database] = [new FakeStorage(), new FakeStore()];
    storage.setItem(KEY, content);
    const kept = await new OutboxStore(database, new SessionStore(storage, "u")).load();
    assert.deepEqual(kept.map(({ client_id }) => client_id), ids);
    assert.deepEqual([...database.records.keys()], ids);
  }
});

test("sessionStorage that is full or blocked says so", async () => {
  const storage = new FakeStorage();
  storage.limit = 10;
  const store = new SessionStore(storage, "u");
  await assert.rejects(store.add(entry("1")), { name: "StorageFailed" });
  storage.isBlocked = true;
  assert.deepEqual(await store.load(), []);
});
