// The completion of @names against the table that the server's rule is held to as well (tests/chats/markdown/test_mentions.py).
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { isFenceOpen } from "../../../static/js/composer/code-spans.js";
import { matching, partialMention } from "../../../static/js/composer/mentions.js";

const table = JSON.parse(readFileSync(new URL("../../cases/mentions.json", import.meta.url), "utf8"));
const byLength = [...table.members].sort((a, b) => b.length - a.length);

/** The member whose name stands after the @ at `at`, as one would have typed it when the list is open. */
function nameAt(body, at) {
  const rest = body.slice(at + 1);
  return byLength.find((name) =>
    rest.toLowerCase().startsWith(name) && !/^[\p{Script=Latin}\p{M}0-9]/u.test(rest.slice(name.length)));
}

for (const { body, named, box = named } of table.cases) {
  test(`the list opens where the server finds a name: ${JSON.stringify(body)}`, () => {
    const found = [];
    for (const { index } of body.matchAll(/[@＠]/g)) {
      const name = nameAt(body, index);
      if (name === undefined) continue;
      const partial = partialMention(body, index + 1 + name.length);
      if (partial === null) continue;
      assert.deepEqual([partial.start, partial.query.toLowerCase()], [index, name]);
      if (!found.includes(name)) found.push(name);
    }
    assert.deepEqual(found, box);
  });
}

const people = Object.entries(table.people).map(([username, name]) => ({ id: username, username, name }));

for (const [typed, usernames] of Object.entries(table.offered)) {
  test(`who is offered for ${JSON.stringify(typed)}`, () => {
    const caret = typed.endsWith("`") ? typed.length - 1 : typed.length;
    const partial = partialMention(typed, caret, 4);
    const offered = partial === null ? [] : matching(people, partial.query).map(({ username }) => username);
    assert.deepEqual(offered.sort(), usernames);
    if (partial !== null) assert.equal(partial.start, Math.max(typed.lastIndexOf("@"), typed.lastIndexOf("＠")));
  });
}

test("a fence is open until one as long of the same kind closes it", () => {
  const open = ["```", "```py", "  ```", "   ~~~~ x", "````\n```", "```\n~~~", "```\n```py", "text\n```\ncode\n", "> ```\n> x", "- ```\n  x"];
  const closed = ["", "``", "    ```", "```\n```", "```\nx\n````  ", "~~~\n~~~", "```x```", "``` a`b", "> ```\nx", "- ```\nx", "```\n```\nx"];
  for (const value of open) assert.equal(isFenceOpen(value), true, JSON.stringify(value));
  for (const value of closed) assert.equal(isFenceOpen(value), false, JSON.stringify(value));
});

test("the list opens in a long text without delay", () => {
  for (const piece of ["a.", "`", "@a", "1@", "a ", "```\n", "\\`", "://@"]) {
    const body = `${piece.repeat(10_000).slice(0, 9_990)} @ja`;
    const started = performance.now();
    partialMention(body, body.length, 4);
    assert.ok(performance.now() - started < 100, piece);
  }
});

test("a mention being typed is found, an address is not", () => {
  assert.deepEqual(partialMention("hi @ja", 6), { start: 3, query: "ja" });
  assert.deepEqual(partialMention("@", 1), { start: 0, query: "" });
  assert.equal(partialMention("me@example", 10), null);
  assert.equal(partialMention("hi @jane there", 14), null);
  const people = [{ username: "jane", name: "Jane Doe" }, { username: "bob", name: "Bob Wilson" }];
  assert.deepEqual(matching(people, "WIL").map(({ username }) => username), ["bob"]);
  assert.equal(matching(people, "").length, 2);
  const many = ["Zoë", "Bob", "älva", "alice"].map((name) => ({ id: name, username: name, name }));
  assert.deepEqual(matching(many, "").map(({ name }) => name), ["alice", "älva", "Bob", "Zoë"]);
  assert.deepEqual(matching(many, "", ["Zoë", "Bob"]).map(({ name }) => name), ["Zoë", "Bob", "alice", "älva"]);
});
