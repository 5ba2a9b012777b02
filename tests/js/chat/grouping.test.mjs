// Whose name, which day and "New" stand above a message.
import assert from "node:assert/strict";
import test from "node:test";
import { arrange } from "../../../static/js/chat/grouping.js";
import { dayKey } from "../../../static/js/lib/times.js";

const at = (minutes, authorId, extra = {}) => ({
  authorId, time: new Date(2026, 2, 1, 12, minutes), isReply: false, seq: minutes + 1, isOwn: false, ...extra,
});

test("messages of one author stand together for five minutes", () => {
  const messages = [at(0, "a"), at(4, "a"), at(10, "a"), at(11, "b"), at(12, "b", { isReply: true })];
  const places = arrange(messages, null, dayKey);
  assert.deepEqual(places.map(({ same }) => same), [false, true, false, false, false]);
  assert.deepEqual(places.map(({ startsDay }) => startsDay), [true, false, false, false, false]);
});

test("a day begins with its first message, also for the same author", () => {
  const night = [
    { ...at(0, "a"), time: new Date(2026, 2, 1, 23, 59) },
    { ...at(1, "a"), time: new Date(2026, 2, 2, 0, 1) },
  ];
  const places = arrange(night, null, dayKey);
  assert.deepEqual(places.map(({ startsDay, same }) => [startsDay, same]), [[true, false], [true, false]]);
});

test("New stands once, above the first unread message of somebody else", () => {
  const messages = [at(0, "a"), at(1, "me", { isOwn: true }), at(2, "a"), at(3, "a")];
  assert.deepEqual(arrange(messages, 1, dayKey).map(({ isFirstNew }) => isFirstNew), [false, false, true, false]);
  assert.equal(arrange(messages, null, dayKey).some(({ isFirstNew }) => isFirstNew), false);
  assert.equal(arrange([at(0, "me", { seq: null })], 0, dayKey)[0].isFirstNew, false);
});

test("New never stands above what was deleted, or is one's own, alone", () => {
  const deleted = { isDeleted: true };
  const news = (...messages) => arrange(messages, 0, dayKey).map(({ isFirstNew }) => isFirstNew);
  assert.deepEqual(news(at(1, "a", deleted), at(2, "a", deleted)), [false, false]);
  assert.deepEqual(news(at(1, "a", deleted), at(2, "me", { isOwn: true })), [false, false]);
  assert.deepEqual(news(at(1, "a", deleted), at(2, "a"), at(3, "a")), [false, true, false]);
});
