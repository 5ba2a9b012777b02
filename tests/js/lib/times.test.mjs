// Times in words, in the reader's language.
import assert from "node:assert/strict";
import test from "node:test";
import { agoLabel, dayLabel, localeOf } from "../../../static/js/lib/times.js";

test("days have names", () => {
  const words = { today: "Today", yesterday: "Yesterday" };
  const now = new Date(2026, 2, 1, 9);
  assert.equal(dayLabel(new Date(2026, 2, 1, 1), now, words), "Today");
  assert.equal(dayLabel(new Date(2026, 1, 28, 23), now, words), "Yesterday");
  assert.match(dayLabel(new Date(2026, 1, 26), now, words), /26/);
  assert.match(dayLabel(new Date(2024, 1, 26), now, words), /2024/);
});

test("times are in the page's language as the reader's region has it", () => {
  assert.equal(localeOf("de", ["fr-FR", "de-AT", "de"]), "de-AT");
  assert.equal(localeOf("en", ["ar-EG", "en-GB"]), "en-GB");
  assert.equal(localeOf("en", ["ar-EG"]), "en"); // and not Arabic words on an English page
  assert.equal(localeOf("de", []), "de");
});

test("how long ago, in one unit", () => {
  const now = new Date("2026-03-01T12:00:00.000Z");
  const ago = (seconds) => agoLabel(new Date(now - seconds * 1000), now, { just_now: "just now" });
  const hour = 3600;
  assert.equal(ago(-5), "just now");
  assert.equal(ago(59), "just now");
  assert.equal(ago(60), "1 minute ago");
  assert.equal(ago(5 * 60 + 59), "5 minutes ago");
  assert.equal(ago(hour), "1 hour ago");
  assert.equal(ago(47 * hour), "1 day ago");
  assert.equal(ago(8 * 24 * hour), "1 week ago");
  assert.equal(ago(100 * 24 * hour), "3 months ago");
  assert.equal(ago(800 * 24 * hour), "2 years ago");
});
