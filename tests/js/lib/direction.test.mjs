import assert from "node:assert/strict";
import { test } from "node:test";
import { isolate } from "../../../static/js/lib/direction.js";

test("what runs as the sentence does stays as it is", () => {
  for (const name of ["Jane", "Zoë (2)", "李雷", "👩‍💻", "Мария"]) assert.equal(isolate(name), name);
});

test("what runs the other way is isolated", () => {
  for (const name of ["שלום", "مرحبا", "Jane ש", "𐤀𐤁"]) assert.equal(isolate(name), `\u2068${name}\u2069`);
});

test("no character of a name reaches beyond it", () => {
  assert.equal(isolate("a\u202eb"), "\u2068ab\u2069");
  assert.equal(isolate("a\u2069\u202e b"), "\u2068a b\u2069");
});
