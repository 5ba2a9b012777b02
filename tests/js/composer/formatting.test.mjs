// Formatting commands: "[" and "]" stand for the selection, "|" for a caret.
import assert from "node:assert/strict";
import test from "node:test";
import { commandOf, emphasize, toggleCode } from "../../../static/js/composer/formatting.js";
import { letterOf } from "../../../static/js/lib/keys.js";

function parse(text) {
  if (text.includes("|")) {
    const start = text.indexOf("|");
    return { value: text.replace("|", ""), start, end: start };
  }
  return { value: text.replace(/[[\]]/g, ""), start: text.indexOf("["), end: text.indexOf("]") - 1 };
}

function apply(text, command) {
  const { value, start, end } = parse(text);
  const { start: first, end: last, words, from, to } = command({ value, start, end });
  const made = value.slice(0, first) + words + value.slice(last);
  return from === to ? `${made.slice(0, from)}|${made.slice(from)}` : `${made.slice(0, from)}[${made.slice(from, to)}]${made.slice(to)}`;
}

const bold = (selected) => emphasize(selected, "**");
const italic = (selected) => emphasize(selected, "*");

const cases = [
  [bold, "a [b] c", "a **[b]** c"],
  [bold, "a **[b]** c", "a [b] c"],
  [bold, "a [**b**] c", "a [b] c"],
  [bold, "a[ b ]c", "a **[b]** c"],
  [bold, "a[ **b** ]c", "a [b] c"],
  [bold, "a |", "a **|**"],
  [bold, "a **|**", "a |"],
  [bold, "*[b]*", "***[b]***"],
  [bold, "***[b]***", "*[b]*"],
  [bold, "[*b*]", "**[*b*]**"],
  [bold, "[你好]", "**[你好]**"],
  [bold, "[a\n\n- b ]", "[**a**\n\n- **b** ]"],
  [bold, "[**a**\n\n- **b** ]", "[a\n\n- b ]"],
  [bold, "[> a\n2. b]", "[> **a**\n2. **b**]"],
  [italic, "[b]", "*[b]*"],
  [italic, "*[b]*", "[b]"],
  [italic, "**[b]**", "***[b]***"],
  [italic, "***[b]***", "**[b]**"],
  [italic, "[**b**]", "*[**b**]*"],
  [toggleCode, "a[ b ]c", "a `[b]` c"],
  [toggleCode, "`[b]`", "[b]"],
  [toggleCode, "[`b`]", "[b]"],
  [toggleCode, "|", "`|`"],
  [toggleCode, "`|`", "|"],
  [toggleCode, "[a`b]", "``[a`b]``"],
  [toggleCode, "``[a`b]``", "[a`b]"],
  [toggleCode, "[`a` b]", "`` [`a` b] ``"],
  [toggleCode, "[a\nb]", "```\n[a\nb]\n```"],
  [toggleCode, "```\n[a\nb]\n```", "[a\nb]"],
  [toggleCode, "[```py\na\nb\n```]", "[a\nb]"],
  [toggleCode, "x [a\nb] y", "x \n```\n[a\nb]\n```\n y"],
  [toggleCode, "[a\n```\nb]", "````\n[a\n```\nb]\n````"],
];

for (const [command, before, after] of cases) {
  test(`${JSON.stringify(before)} becomes ${JSON.stringify(after)}`, () => assert.equal(apply(before, command), after));
}

test("keys mean their letters on every layout", () => {
  const key = (more) => ({ ctrlKey: true, metaKey: false, altKey: false, shiftKey: false, code: "", ...more });
  assert.equal(letterOf({ key: "и", code: "KeyB" }), "b");
  assert.equal(letterOf({ key: "b", code: "KeyN" }), "b");
  assert.ok(commandOf(key({ key: "b" })));
  assert.ok(commandOf(key({ key: "ш", code: "KeyI" })));
  assert.ok(commandOf(key({ key: "C", shiftKey: true })));
  assert.equal(commandOf(key({ key: "c" })), null);
  assert.equal(commandOf(key({ key: "b", altKey: true })), null);
  assert.equal(commandOf(key({ key: "b", ctrlKey: false })), null);
});
