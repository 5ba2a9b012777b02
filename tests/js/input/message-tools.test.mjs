// What can be done with a message, by keys and by its sheet.
import assert from "node:assert/strict";
import test from "node:test";
import { stands, toolOf } from "../../../static/js/input/message-tools.js";

/** A message; `main` is what its chat says of itself, `hidden` the tools that its reader may not use. */
function message({ status, deleted = false, main = {}, hidden = [] } = {}) {
  return {
    dataset: status === undefined ? {} : { status },
    classList: { contains: (name) => name === "deleted" && deleted },
    closest: () => ({ dataset: main }),
    querySelector: (selector) => ({ name: selector, hidden: hidden.some((name) => selector.includes(name)) }),
  };
}

const offered = (options) => ["reply", "edit", "delete"].filter((action) => toolOf(message(options), action) !== null);

test("a message has the tools that its reader may use", () => {
  assert.deepEqual(offered(), ["reply", "edit", "delete"]);
  assert.deepEqual(offered({ hidden: ["edit", "delete"] }), ["reply"]);
});

test("what is not stored, or deleted, has none", () => {
  for (const options of [{ status: "pending" }, { status: "failed" }, { deleted: true }]) {
    assert.deepEqual(offered(options), []);
    assert.equal(stands(message(options)), false);
  }
});

test("in a closed chat messages are deleted at most, in one that is gone nothing is done; both can be copied", () => {
  assert.deepEqual(offered({ main: { closed: "" } }), ["delete"]);
  assert.deepEqual(offered({ main: { gone: "", closed: "" } }), []);
  assert.equal(stands(message({ main: { gone: "" } })), true);
});
