// What the server writes into a page and a script writes into it later is the same: both follow tests/cases.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { badge, spokenCount } from "../../../static/js/attention/unread.js";
import { arrange } from "../../../static/js/chat/grouping.js";
import { hue, initials } from "../../../static/js/lib/avatars.js";
import { nameKey } from "../../../static/js/lib/folding.js";
import { agoLabel } from "../../../static/js/lib/times.js";
import { compareMembers } from "../../../static/js/presence/presence.js";

const READER = "me";
const cases = (name) => JSON.parse(readFileSync(new URL(`../../cases/${name}.json`, import.meta.url), "utf8"));
const dayInUtc = (date) => date.toISOString().slice(0, 10);

for (const { what, read_up_to: readUpTo = null, messages, lines } of cases("grouping")) {
  test(`grouping: ${what}`, () => {
    const facts = messages.map(({ author, at, reply = false, deleted = false }, index) => ({
      authorId: author,
      time: new Date(at),
      isReply: reply,
      seq: index + 1,
      isOwn: author === READER,
      isDeleted: deleted,
    }));
    const words = arrange(facts, readUpTo, dayInUtc).map(({ same, startsDay, isFirstNew }) =>
      [same && "same", startsDay && "day", isFirstNew && "new"].filter(Boolean).join(" "));
    assert.deepEqual(words, lines);
  });
}

test("initials and colours of avatars", () => {
  for (const [name, letters] of cases("avatars").initials) assert.equal(initials(name), letters, name);
  for (const [userId, number] of cases("avatars").hues) assert.equal(hue(userId), number, userId);
});

test("counts as a badge shows them, and as they are spoken", () => {
  for (const [count, words] of cases("counts").badge) assert.equal(badge(count), words);
  for (const [count, words] of cases("counts").spoken) assert.equal(spokenCount(count), words);
});

test("how long ago something was", () => {
  for (const [seconds, words] of cases("ago")) {
    assert.equal(agoLabel(0, seconds * 1000, { just_now: "just now" }), words, seconds);
  }
});

test("members are online first, then by name", () => {
  const members = cases("members").map(({ id, name, is_online: isOnline }) => ({ id, name: nameKey(name), isOnline: isOnline === true }));
  assert.deepEqual([...members].reverse().sort(compareMembers), members);
});
