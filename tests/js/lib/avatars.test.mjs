// What an avatar shows.
import assert from "node:assert/strict";
import test from "node:test";
import { hue, initials } from "../../../static/js/lib/avatars.js";

test("initials and colours", () => {
  assert.equal(initials("Jane Doe"), "JD");
  assert.equal(initials("jane"), "J");
  assert.equal(initials("  "), "?");
  assert.equal(initials("👩 Ann van Dam"), "👩D");
  assert.equal(hue("01a20920-00e8-7655-ae96-06b2297071f9"), 1);
});
