// Which messages leave the document where there are too many.
import assert from "node:assert/strict";
import test from "node:test";
import { chooseTrim } from "../../../static/js/chat/history.js";
import { Chance } from "../support/chance.mjs";

test("the far end makes room", () => {
  assert.deepEqual(chooseTrim({ count: 350, first: 0, last: 20 }), { side: "newer", number: 90 });
  assert.deepEqual(chooseTrim({ count: 310, first: 290, last: 309 }), { side: "older", number: 50 });
  assert.equal(chooseTrim({ count: 300, first: 0, last: 20 }).number, 0);
});

test("never what is on the screen or near it, and never more than too many", () => {
  const chance = new Chance(3);
  for (let round = 0; round < 500; round += 1) {
    const count = 1 + chance.below(600);
    const first = chance.below(count);
    const last = Math.min(first + chance.below(60), count - 1);
    const { side, number } = chooseTrim({ count, first, last });
    assert.ok(number >= 0 && (count <= 300 ? number === 0 : count - number >= 260));
    if (number > 0) assert.ok((side === "older" ? first : count - 1 - last) - number >= 40);
    if (count > 300 && count < 360) assert.ok(count - number <= 300, `${count} ${first} ${last}`);
  }
});
