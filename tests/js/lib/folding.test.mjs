import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { compareKeys, fold, nameKey, nameMatcher } from "../../../static/js/lib/folding.js";

const cases = JSON.parse(readFileSync(new URL("../../cases/folding.json", import.meta.url), "utf8"));

test("the same texts are the same as on the server", () => {
  for (const [one, other] of cases.equal) assert.equal(fold(one), fold(other), one);
  for (const [one, other] of cases.different) assert.notEqual(fold(one), fold(other), one);
  for (const [name, key] of cases.keys) assert.equal(nameKey(name), key);
});

test("names are found as on the server", () => {
  for (const { name, username, found, missed } of cases.names) {
    for (const query of found) assert.ok(nameMatcher(query)(name, username), `${query} finds ${name}`);
    for (const query of missed) assert.ok(!nameMatcher(query)(name, username), `${query} does not find ${name}`);
  }
});

test("without a question everybody is found, by one that shows nothing nobody", () => {
  assert.ok(nameMatcher("")("Ann"));
  assert.ok(nameMatcher("  ")("Ann"));
  assert.ok(!nameMatcher("\u0301")("Ann"));
});

test("names sort as on the server", () => {
  const keyed = [...cases.sorted].reverse().map((name) => [nameKey(name), name]);
  keyed.sort(([one], [other]) => compareKeys(one, other));
  assert.deepEqual(keyed.map(([, name]) => name), cases.sorted);
});
