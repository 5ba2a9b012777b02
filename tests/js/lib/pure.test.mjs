// Back-off, close codes, groups, typing, mentions, names, titles: everything that needs no browser.
import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import test from "node:test";
import { delay, RECONNECT } from "../../../static/js/net/backoff.js";
import { classify } from "../../../static/js/net/close-codes.js";
import { arrange } from "../../../static/js/chat/grouping.js";
import { matching, partialMention } from "../../../static/js/composer/mentions.js";
import { hue, initials } from "../../../static/js/lib/avatars.js";
import { ReadMarker } from "../../../static/js/chat/read-marker.js";
import { dayKey, dayLabel, localeOf } from "../../../static/js/lib/times.js";
import { OwnTyping, SAY_EVERY, Typing, typingText } from "../../../static/js/presence/typing.js";
import { badge, titleWith } from "../../../static/js/attention/unread.js";
import { newId } from "../../../static/js/lib/uuid.js";

test("back-off: 1, 2, 4, 8, 16, 30, 30 … seconds and up to one more", () => {
  const attempts = Array.from({ length: RECONNECT.attempts }, (_, index) => index + 1);
  const least = attempts.map((attempt) => delay(attempt, () => 0));
  assert.deepEqual(least, [1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000, 30000, 30000]);
  assert.equal(delay(1, () => 0.999), 1999);
  assert.ok(delay(10, () => 0.999) < 31000);
});

test("close codes ask for what the protocol says", () => {
  const verdicts = {
    1000: "retry", 1001: "retry", 1003: "fatal", 1005: "retry", 1006: "retry", 1009: "fatal", 1011: "retry",
    1012: "restart", 1013: "retry_slow", 4400: "fatal", 4401: "auth", 4408: "retry", 4429: "retry_slow",
  };
  for (const [code, verdict] of Object.entries(verdicts)) assert.equal(classify(Number(code)), verdict, code);
});

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

test("days have names", () => {
  const words = { today: "Today", yesterday: "Yesterday" };
  const now = new Date(2026, 2, 1, 9);
  assert.equal(dayLabel(new Date(2026, 2, 1, 1), now, words), "Today");
  assert.equal(dayLabel(new Date(2026, 1, 28, 23), now, words), "Yesterday");
  assert.match(dayLabel(new Date(2026, 1, 26), now, words), /26/);
  assert.match(dayLabel(new Date(2024, 1, 26), now, words), /2024/);
});

const frame = (user_id, display_name, is_typing = true) => ({ user_id, display_name, is_typing });

test("typing ends by itself, on false, and on the author's message; never shows oneself", () => {
  const typing = new Typing("me", 3000);
  typing.receive(frame("me", "Me"), 0);
  assert.deepEqual(typing.names(0), []);
  typing.receive(frame("j", "Jane Doe"), 0);
  typing.receive(frame("b", "Bob Wilson"), 1000);
  assert.deepEqual(typing.names(2999), ["Jane Doe", "Bob Wilson"]);
  assert.equal(typing.nextChange(), 3000);
  assert.deepEqual(typing.names(3000), ["Bob Wilson"]);
  typing.receive(frame("b", "Bob Wilson", false), 3100);
  assert.deepEqual(typing.names(3100), []);
  typing.receive(frame("j", "Jane Doe"), 4000);
  typing.forget("j");
  assert.equal(typing.nextChange(), null);
});

test("typing is said at most every two seconds, and nothing typed is passed over", () => {
  const own = new OwnTyping();
  assert.equal(own.changed(false, 0), true);
  assert.equal(own.changed(false, 500), null);
  assert.equal(own.nextTick(), SAY_EVERY);
  assert.equal(own.tick(SAY_EVERY), true);
  assert.equal(own.nextTick(), null);
  assert.equal(own.changed(true, 2100), false);
  assert.equal(own.changed(true, 2200), null);
  assert.equal(own.left(), null);
  own.changed(false, 3000);
  own.sent();
  assert.equal(own.tick(9000), null);
  assert.equal(own.left(), null);
});

test("a clock that was set back keeps nobody from being seen typing", () => {
  const own = new OwnTyping();
  own.changed(false, 3_600_000);
  assert.equal(own.changed(false, 10), true);
  assert.equal(own.changed(false, 1000), null);
  assert.equal(own.tick(10 + SAY_EVERY), true);
});

test("who is typing, in words", () => {
  const text = (key, values = {}) => `${key}:${values.name ?? ""}:${values.other ?? ""}`;
  assert.equal(typingText([], text), "");
  assert.equal(typingText(["Jane Doe"], text), "typing_one:Jane:");
  assert.equal(typingText(["Jane Doe", "Bob"], text), "typing_two:Jane:Bob");
  assert.equal(typingText(["a", "b", "c"], text), "typing_many::");
});

test("a mention being typed is found, an address is not", () => {
  assert.deepEqual(partialMention("hi @ja", 6), { start: 3, query: "ja" });
  assert.deepEqual(partialMention("@", 1), { start: 0, query: "" });
  assert.equal(partialMention("me@example", 10), null);
  assert.equal(partialMention("hi @jane there", 14), null);
  const people = [{ username: "jane", name: "Jane Doe" }, { username: "bob", name: "Bob Wilson" }];
  assert.deepEqual(matching(people, "WIL").map(({ username }) => username), ["bob"]);
  assert.equal(matching(people, "").length, 2);
  const many = ["Zoë", "Bob", "älva", "alice"].map((name) => ({ id: name, username: name, name }));
  assert.deepEqual(matching(many, "").map(({ name }) => name), ["alice", "älva", "Bob", "Zoë"]);
  assert.deepEqual(matching(many, "", ["Zoë", "Bob"]).map(({ name }) => name), ["Zoë", "Bob", "alice", "älva"]);
});

test("initials and colours", () => {
  assert.equal(initials("Jane Doe"), "JD");
  assert.equal(initials("jane"), "J");
  assert.equal(initials("  "), "?");
  assert.equal(initials("👩 Ann van Dam"), "👩D");
  assert.equal(hue("01a20920-00e8-7655-ae96-06b2297071f9"), 1);
});

test("titles carry the unread messages", () => {
  assert.equal(titleWith("general · Flowra", 2), "(2) general · Flowra");
  assert.equal(titleWith("(2) general · Flowra", 0), "general · Flowra");
  assert.equal(titleWith("(99+) general", 3), "(3) general");
  assert.equal(badge(100), "99+");
});

test("reading is told once for a burst, and again after it could not be told", async () => {
  const timers = [];
  const clock = { setTimeout: (callback) => timers.push(callback), clearTimeout: () => {} };
  const told = [];
  let seq = 3;
  let fails = true;
  const reader = new ReadMarker({
    lastReadSeq: 1, isAtEnd: () => true, isVisible: () => true, latestSeq: () => seq, clock,
    report: async (upTo) => {
      told.push(upTo);
      if (fails) throw new Error("lost");
    },
  });
  reader.check();
  seq = 5;
  reader.check();
  assert.equal(timers.length, 1);
  await timers[0]();
  assert.deepEqual(told, [5]);
  assert.equal(reader.unread, 4);
  fails = false;
  reader.check();
  await timers[1]();
  assert.equal(reader.unread, 0);
});

test("what comes while reading is told, is told next; what the server puts off, later", async () => {
  const timers = [];
  const clock = { setTimeout: (callback, wait) => timers.push({ callback, wait }), clearTimeout: () => {} };
  const told = [];
  let seq = 1;
  let fault = null;
  const reader = new ReadMarker({
    lastReadSeq: 0, isAtEnd: () => true, isVisible: () => true, latestSeq: () => seq, clock,
    report: async (upTo) => {
      told.push(upTo);
      seq += told.length === 1 ? 1 : 0;
      reader.check(); // as the message does that comes meanwhile
      if (fault !== null) throw Object.assign(new Error(fault), { code: fault });
    },
  });
  reader.check();
  await timers[0].callback();
  assert.equal(reader.unread, 1);
  assert.equal(timers.length, 2);
  fault = "internal";
  await timers[1].callback();
  assert.equal(reader.unread, 1);
  assert.equal(timers[2].wait, 5000);
  fault = "network";
  await timers[2].callback();
  assert.equal(timers.length, 3); // the next connection asks
  fault = null;
  reader.check();
  await timers[3].callback();
  assert.deepEqual(told, [1, 2, 2, 2]);
  assert.equal(reader.unread, 0);
  assert.equal(timers.length, 4);
});

test("ids are UUIDs of version 4, also where the browser makes none", () => {
  const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  const plainHttp = { getRandomValues: (bytes) => webcrypto.getRandomValues(bytes) };
  assert.match(newId(webcrypto), UUID);
  assert.match(newId(plainHttp), UUID);
  assert.notEqual(newId(plainHttp), newId(plainHttp));
});

test("times are in the page's language as the reader's region has it", () => {
  assert.equal(localeOf("de", ["fr-FR", "de-AT", "de"]), "de-AT");
  assert.equal(localeOf("en", ["ar-EG", "en-GB"]), "en-GB");
  assert.equal(localeOf("en", ["ar-EG"]), "en"); // and not Arabic words on an English page
  assert.equal(localeOf("de", []), "de");
});
