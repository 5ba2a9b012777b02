// Times in words, in the reader's language.
import assert from "node:assert/strict";
import test from "node:test";
import { dayLabel, localeOf } from "../../../static/js/lib/times.js";

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
