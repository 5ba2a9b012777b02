// Where keys lead in lists, and which of them are text.
import assert from "node:assert/strict";
import test from "node:test";
import { stepOf } from "../../../static/js/input/roving.js";
import { isWritten } from "../../../static/js/input/type-anywhere.js";

test("arrow keys, Home, End and pages lead through a list and not beyond it", () => {
  assert.equal(stepOf("ArrowDown", 0, 3), 1);
  assert.equal(stepOf("ArrowDown", 2, 3), 2);
  assert.equal(stepOf("ArrowUp", 0, 3), 0);
  assert.equal(stepOf("Home", 2, 3), 0);
  assert.equal(stepOf("End", 0, 3), 2);
  assert.equal(stepOf("PageDown", 3, 30), 13);
  assert.equal(stepOf("PageUp", 3, 30), 0);
  assert.equal(stepOf("PageDown", 3, 30, 5), 8);
});

test("other keys lead nowhere, and so does any key in an empty list", () => {
  for (const key of ["Enter", "a", "toString", "ArrowLeft"]) assert.equal(stepOf(key, 1, 3), null, key);
  assert.equal(stepOf("End", -1, 0), null);
});

/** A key event; `held` are the modifiers that are down. */
function press(key, ...held) {
  const has = (name) => held.includes(name);
  return { key, ctrlKey: has("Control"), altKey: has("Alt"), metaKey: has("Meta"), shiftKey: has("Shift"), getModifierState: has };
}

test("characters are written, also with Shift and AltGr", () => {
  for (const key of ["a", "ä", "я", "の", "1", "/", "'", "Dead", "😀"]) assert.ok(isWritten(press(key)), key);
  assert.ok(isWritten(press("A", "Shift")));
  assert.ok(isWritten(press("@", "Control", "Alt", "AltGraph")));
  assert.ok(isWritten(press("€", "AltGraph")));
});

test("shortcuts, names of keys, Space and the help's key are not", () => {
  for (const held of ["Control", "Alt", "Meta"]) assert.ok(!isWritten(press("c", held)), held);
  assert.ok(!isWritten(press("v", "Meta", "AltGraph")));
  for (const key of [" ", "?", "Enter", "Tab", "Escape", "ArrowUp", "Delete", "F5", "Shift", "Unidentified"]) {
    assert.ok(!isWritten(press(key)), key);
  }
});
