// Counts on badges and in the title.
import assert from "node:assert/strict";
import test from "node:test";
import { badge, titleWith } from "../../../static/js/attention/unread.js";

test("titles carry the unread messages", () => {
  assert.equal(titleWith("general · Flowra", 2), "(2) general · Flowra");
  assert.equal(titleWith("(2) general · Flowra", 0), "general · Flowra");
  assert.equal(titleWith("(99+) general", 3), "(3) general");
  assert.equal(badge(100), "99+");
});
