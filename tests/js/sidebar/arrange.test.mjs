// The order of the list of chats, and what is out of sight in it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { nameKey } from "../../../static/js/lib/folding.js";
import { arrange, isSame, SECTIONS, withoutMoves } from "../../../static/js/sidebar/arrange.js";
import { chatsNotSent } from "../../../static/js/sidebar/marks.js";
import { outOfSight } from "../../../static/js/sidebar/more-unread.js";
import { Opened, offered } from "../../../static/js/sidebar/opened.js";

const cases = JSON.parse(readFileSync(new URL("../../cases/rooms.json", import.meta.url), "utf8"));
const fact = ({ id, kind = "discussion", name = id, unread = 0, at = 0, favourite = false, closed = false }) =>
  ({ id, kind, key: nameKey(name), unread, at, isFavourite: favourite, isClosed: closed });
const filled = (arranged) => Object.fromEntries([...arranged].filter(([, ids]) => ids.length > 0));
const arrangement = (sections) => new Map(SECTIONS.map((name) => [name, sections[name] ?? []]));

for (const { what, rooms, by_kind: byKind, unread_first: unreadFirst } of cases) {
  test(`the list of chats: ${what}`, () => {
    assert.deepEqual(filled(arrange(rooms.map(fact), { unreadFirst: false })), byKind);
    assert.deepEqual(filled(arrange(rooms.map(fact), { unreadFirst: true })), unreadFirst);
  });
}

test("the open chat stays where it was opened, whatever is read and written there", () => {
  const read = fact({ id: "1" });
  const unread = fact({ id: "1", unread: 3 });
  const other = fact({ id: "2", unread: 1 });
  const first = { unreadFirst: true };
  assert.deepEqual(filled(arrange([read, other], { ...first, kept: { id: "1", isUnread: true } })), { unread: ["1", "2"] });
  assert.deepEqual(filled(arrange([unread, other], { ...first, kept: { id: "1", isUnread: false } })), { unread: ["2"], chats: ["1"] });
  assert.deepEqual(filled(arrange([read], { unreadFirst: false, kept: { id: "1", isUnread: true } })), { chats: ["1"] });
  const favourite = fact({ id: "1", favourite: true });
  assert.deepEqual(filled(arrange([favourite], { ...first, kept: { id: "1", isUnread: false } })), { favourites: ["1"] });
});

test("below the pointer nothing moves: what is gone goes, and what is new comes at the end", () => {
  const shown = arrangement({ unread: ["3", "1"], chats: ["2", "4"] });
  const wanted = arrangement({ unread: ["2", "3"], chats: ["0", "1"] });
  const next = withoutMoves(shown, wanted);
  assert.deepEqual(filled(next), { unread: ["3", "1"], chats: ["2", "0"] });
  assert.ok(isSame(next, withoutMoves(next, wanted)));
  assert.ok(!isSame(next, shown));
});

test("unread chats out of sight are counted above and below; the nearest one is next", () => {
  const at = (top, mentions = 0) => ({ top, bottom: top + 30, mentions });
  const edges = { top: 100, bottom: 400 };
  const places = [at(0), at(60, 2), at(90), at(380), at(390), at(900, 1)];
  assert.deepEqual(outOfSight(places, edges), {
    above: { count: 2, mentions: 2, next: 1 }, // the third one's middle is seen
    below: { count: 2, mentions: 1, next: 4 },
  });
  const none = { count: 0, mentions: 0, next: -1 };
  assert.deepEqual(outOfSight([at(200)], edges), { above: none, below: none });
});

test("messages that were refused are marked, and all that wait without a connection", () => {
  const entries = [{ chat_id: "1", status: "failed" }, { chat_id: "2", status: "sending" }];
  assert.deepEqual([...chatsNotSent(entries, true)], ["1"]);
  assert.deepEqual([...chatsNotSent(entries, false)], ["1", "2"]);
});

test("chats opened in this tab come first, the one before this one on top", () => {
  const store = new Map();
  const storage = { getItem: (key) => store.get(key) ?? null, setItem: (key, value) => store.set(key, value) };
  const opened = new Opened({ storage, userId: "me" });
  for (const id of ["a", "b", "a", "c"]) opened.note(id);
  assert.deepEqual(new Opened({ storage, userId: "me" }).ids, ["c", "a", "b"]);
  assert.deepEqual(new Opened({ storage, userId: "other" }).ids, []);
  for (let number = 0; number < 50; number += 1) opened.note(String(number));
  assert.equal(opened.ids.length, 20);
  const rooms = ["d", "c", "b", "a", "e"].map((id, at) => ({ id, at }));
  const order = offered(rooms, { recent: ["c", "a", "b", "gone"], openId: "c" }).map(({ id }) => id);
  assert.deepEqual(order, ["a", "b", "e", "d"]);
});
