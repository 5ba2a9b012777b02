// Times in words, in the reader's language.
import assert from "node:assert/strict";
import test from "node:test";
import { dayLabel, localeOf, momentLabel } from "../../../static/js/lib/times.js";

test("days have names", () => {
  const words = { today: "Today", yesterday: "Yesterday" };
  const now = new Date(2026, 2, 1, 9);
  assert.equal(dayLabel(new Date(2026, 2, 1, 1), now, words), "Today");
  assert.equal(dayLabel(new Date(2026, 1, 28, 23), now, words), "Yesterday");
  assert.match(dayLabel(new Date(2026, 1, 26), now, words), /26/);
  assert.match(dayLabel(new Date(2024, 1, 26), now, words), /2024/);
});

test("a moment of today has the time, others the date as well", () => {
  const now = new Date(2026, 2, 1, 12);
  assert.equal(momentLabel(new Date(2026, 2, 1, 2, 55), now), "02:55");
  assert.match(momentLabel(new Date(2026, 1, 27, 2, 55), now), /27.*2026.*02:55/);
});

test("times are in the page's language as the reader's region has it", () => {
  assert.equal(localeOf("de", ["fr-FR", "de-AT", "de"]), "de-AT");
  assert.equal(localeOf("en", ["ar-EG", "en-GB"]), "en-GB");
  assert.equal(localeOf("en", ["ar-EG"]), "en"); // and not Arabic words on an English page
  assert.equal(localeOf("de", []), "de");
});
