// Chats that were left: what changes meanwhile is held, and everything about it is bounded.
import assert from "node:assert/strict";
import test from "node:test";
import { makePage } from "../support/fake-page.mjs";

makePage();
const { emit } = await import("../../../static/js/lib/bus.js");
const { MOST, MOST_CHARACTERS, MOST_HELD, Recent } = await import("../../../static/js/navigation/recent.js");

function makeRecent(t) {
  const followed = new Map(); // chat id → {background}
  const socket = {
    follow: (chatId, _revision, how) => followed.set(chatId, how),
    unfollow: (chatId) => followed.delete(chatId),
  };
  const ended = new AbortController();
  t.after(() => ended.abort());
  const recent = new Recent({ socket, userId: "me", signal: ended.signal });
  const keep = (chatId) => {
    recent.keep({ chatId, nodes: {}, bootstrap: { revision: 1, seq: 3, last_read_seq: 2, workspace_id: "w1" } });
  };
  return { recent, followed, keep };
}

const message = (id, revision, body = "") => ({ id, revision, body });
const change = (kind, chat_id, data) => emit(`chat.message.${kind}`, { chat_id, data });

test("what changes is held, the newest of each message, in order", (t) => {
  const { recent, followed, keep } = makeRecent(t);
  keep("a");
  assert.deepEqual([...followed], [["a", { background: true }]]);
  change("posted", "a", message("m1", 5));
  change("posted", "other", message("m9", 9));
  change("edited", "a", message("m0", 7));
  change("deleted", "a", message("m1", 8));
  change("edited", "a", message("m0", 6)); // overtaken
  emit("chat.unread", { chat_id: "a", last_read_seq: 3 });
  const { bootstrap } = recent.take("a");
  assert.deepEqual(bootstrap.held, [message("m0", 7), message("m1", 8)]);
  assert.deepEqual([bootstrap.last_read_seq, [...bootstrap.stale]], [3, []]);
  assert.equal(recent.take("a"), null);
  assert.ok(followed.has("a")); // whoever opens it goes on following it
});

test("only what was told of has to be fetched again", (t) => {
  const { recent, keep } = makeRecent(t);
  for (const id of ["a", "b", "c"]) keep(id);
  emit("chat.renamed", { chat_id: "a", data: {} });
  emit("chat.member_added", { chat_id: "b", data: { user_id: "you" } });
  assert.deepEqual(["a", "b", "c"].map((id) => [...recent.take(id).bootstrap.stale]), [["header"], ["members"], []]);
  keep("a");
  keep("b");
  emit("workspace.role_changed", { workspace_id: "w1", data: { user_id: "me" } });
  assert.deepEqual([...recent.take("a").bootstrap.stale], ["header"]);
  emit("chat.stale", {});
  assert.deepEqual([...recent.take("b").bootstrap.stale], ["header", "members", "names"]);
});

test("the one that was left first goes, and its subscription", (t) => {
  const { recent, followed, keep } = makeRecent(t);
  const ids = Array.from({ length: MOST + 3 }, (_, index) => `c${index}`);
  for (const id of ids) keep(id);
  assert.deepEqual([...followed.keys()], ids.slice(3));
  recent.shrink(2);
  assert.deepEqual([...followed.keys()], ids.slice(-2));
  keep("new");
  assert.deepEqual([...followed.keys()], [ids.at(-1), "new"]);
});

test("too many changes, or too long ones, are fetched instead", (t) => {
  const { recent, followed, keep } = makeRecent(t);
  for (const id of ["many", "long", "edited"]) keep(id);
  for (let count = 0; count <= MOST_HELD; count += 1) change("posted", "many", message(`m${count}`, count + 2));
  change("posted", "long", message("m1", 2, "x".repeat(MOST_CHARACTERS + 1)));
  for (let count = 0; count < 10; count += 1) {
    change("edited", "edited", message("m1", count + 2, "x".repeat(MOST_CHARACTERS / 2)));
  }
  assert.deepEqual([...followed.keys()], ["edited"]);
  assert.equal(recent.take("edited").bootstrap.held.length, 1);
});

test("a chat that is gone, or has to be loaded anew, is not kept", (t) => {
  const { recent, followed, keep } = makeRecent(t);
  for (const id of ["a", "b", "c", "d", "e"]) keep(id);
  emit("chat.reset", { chat_id: "a" });
  emit("chat.deleted", { chat_id: "b" });
  emit("subscribe.refused", { chat_id: "c" });
  emit("chat.member_removed", { chat_id: "d", data: { user_id: "me" } });
  emit("chat.member_removed", { chat_id: "e", data: { user_id: "you" } });
  assert.deepEqual([...followed.keys()], ["e"]);
  assert.deepEqual([...recent.take("e").bootstrap.stale], ["members"]);
  keep("f");
  emit("written.forgotten", {}); // signed out in another tab
  assert.equal(recent.take("f"), null);
});

test("names are shown in what is kept; where they order or title something, that is fetched again", (t) => {
  const { recent } = makeRecent(t);
  const named = { dataset: { nameOf: "u3" }, textContent: "Before" };
  const main = {
    querySelector: () => ({ dataset: { peerId: "u2" } }),
    querySelectorAll: (selector) => (selector === "[data-name-of]" ? [named] : []),
  };
  const aside = { querySelectorAll: (selector) => (selector === "[data-user-id]" ? [{ dataset: { userId: "u3" } }] : []) };
  recent.keep({ chatId: "a", nodes: { main, aside }, bootstrap: { revision: 1 } });
  emit("names.shown", new Map([["u2", "Peer"]]));
  emit("names.shown", new Map([["u3", "After"]]));
  emit("names.shown", new Map([["u9", "Nobody"]]));
  assert.equal(named.textContent, "After");
  assert.deepEqual([...recent.take("a").bootstrap.stale], ["header", "members"]);
});

test("a server that has room for fewer chats gets fewer", (t) => {
  const { recent, followed, keep } = makeRecent(t);
  for (const id of ["a", "b", "c", "d"]) keep(id);
  emit("subscribe.refused", { chat_id: "open", code: "forbidden" });
  assert.equal(followed.size, 4);
  emit("subscribe.refused", { chat_id: "open", code: "too_many" });
  assert.deepEqual([[...followed.keys()], recent.hasLetGo], [["c", "d"], true]);
  for (const id of ["e", "f"]) keep(id);
  assert.deepEqual([...followed.keys()], ["e", "f"]);
});
