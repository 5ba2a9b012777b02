// What is fetched before the click: little, not for long, and without harm where it fails.
import assert from "node:assert/strict";
import test from "node:test";
import { FakeClock } from "../support/fake-clock.mjs";
import { makePage } from "../support/fake-page.mjs";
import { settle } from "../support/settle.mjs";

makePage();
const { emit } = await import("../../../static/js/lib/bus.js");
const { PageError } = await import("../../../static/js/net/fetch-page.js");
const { KEEP, MOST, Prefetch, REST } = await import("../../../static/js/navigation/prefetch.js");

function makePrefetch(t) {
  const clock = new FakeClock();
  const ended = new AbortController();
  t.after(() => ended.abort());
  const stage = { clock, asked: [], isAllowed: true };
  const load = (path, signal) => new Promise((resolve, reject) => {
    stage.asked.push({ path, signal, resolve, reject });
    signal.addEventListener("abort", () => reject(new PageError(0)));
  });
  stage.prefetch = new Prefetch({ load, isAllowed: () => stage.isAllowed, clock, signal: ended.signal });
  stage.paths = () => stage.asked.map(({ path }) => path);
  stage.take = (path) => stage.prefetch.take(path, ended.signal);
  return stage;
}

const chat = (chatId) => ({ chatId, path: `/chats/${chatId}/` });

test("a pointer that rests fetches once, and the click takes it", async (t) => {
  const { prefetch, clock, asked, paths, take } = makePrefetch(t);
  prefetch.hover(chat("a"));
  clock.advance(REST - 1);
  prefetch.hover(chat("b")); // moved on
  clock.advance(REST - 1);
  assert.deepEqual(paths(), []);
  clock.advance(1);
  prefetch.hover(null);
  prefetch.press(chat("b"));
  assert.deepEqual(paths(), ["/chats/b/"]);
  const taken = take("/chats/b/");
  asked[0].resolve("<main>");
  assert.equal(await taken, "<main>");
  take("/chats/b/").catch(() => {}); // once; the end of the test ends it
  assert.deepEqual(paths(), ["/chats/b/", "/chats/b/"]);
});

test("one at a time while the pointer moves, and few in all", async (t) => {
  const { prefetch, clock, asked, paths } = makePrefetch(t);
  for (const id of ["a", "b"]) {
    prefetch.hover(chat(id));
    clock.advance(REST);
  }
  assert.deepEqual(paths(), ["/chats/a/"]);
  asked[0].resolve("");
  await settle();
  for (const id of ["b", "c", "d"]) prefetch.press(chat(id));
  assert.equal(prefetch.answers.size, MOST);
  prefetch.press(chat("e"));
  assert.equal(prefetch.answers.size, MOST);
  assert.deepEqual(asked.map(({ signal }) => signal.aborted), [true, true, false, false, false]);
});

test("what is old, or was changed since, is fetched again", async (t) => {
  const { prefetch, clock, paths } = makePrefetch(t);
  prefetch.press(chat("a"));
  clock.advance(KEEP);
  prefetch.press(chat("a"));
  assert.equal(paths().length, 2);
  emit("chat.renamed", { chat_id: "other", data: {} });
  emit("chat.message.posted", { chat_id: "a", data: {} });
  prefetch.press(chat("a"));
  assert.equal(paths().length, 2);
  emit("chat.member_removed", { chat_id: "a", data: {} });
  assert.equal(prefetch.answers.size, 0);
  for (const [type, frame] of [["written.forgotten", {}], ["chat.stale", {}], ["socket.state", { state: "waiting" }]]) {
    prefetch.press(chat("a"));
    emit(type, frame);
    assert.equal(prefetch.answers.size, 0, type);
  }
  await settle();
});

test("a failure is the click's to try again; what is not allowed is not fetched", async (t) => {
  const stage = makePrefetch(t);
  const { prefetch, asked, paths, take } = stage;
  prefetch.press(chat("a"));
  const taken = take("/chats/a/");
  asked[0].reject(new PageError(503));
  await settle();
  assert.equal(paths().length, 2);
  asked[1].resolve("<main>");
  assert.equal(await taken, "<main>");
  stage.isAllowed = false;
  prefetch.press(chat("b"));
  assert.equal(paths().length, 2);
});
