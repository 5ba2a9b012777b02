// Who is shown typing, and when the reader's own typing is sent.
import assert from "node:assert/strict";
import test from "node:test";
import { OwnTyping, SAY_EVERY, Typing, typingText } from "../../../static/js/presence/typing.js";

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

test("typing is sent at most every two seconds, and nothing typed is left out", () => {
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
