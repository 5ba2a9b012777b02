// Keys of an input method are nobody else's, so every module that listens to keys asks whose they are.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import test from "node:test";
import { isComposing } from "../../../static/js/lib/keys.js";

const folder = new URL("../../../static/js/", import.meta.url);

test("a key belongs to an input method while it composes, and in Safari right after", () => {
  assert.equal(isComposing({ isComposing: true, keyCode: 13 }), true);
  assert.equal(isComposing({ isComposing: false, keyCode: 229 }), true);
  assert.equal(isComposing({ isComposing: false, keyCode: 13 }), false);
});

test("every module that listens to keys asks", () => {
  const listening = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".js") && /"key(?:down|up|press)"/.test(readFileSync(new URL(name, folder), "utf8")));
  assert.ok(listening.length > 5);
  for (const name of listening) {
    if (name === "theme-init.js") continue; // a classic script, which only notes that Tab was pressed
    const source = readFileSync(new URL(name, folder), "utf8");
    const handlers = source.match(/addEventListener\("key(?:down|up|press)"/g).length;
    const asked = source.match(/isComposing\(event\)/g)?.length ?? 0;
    assert.ok(asked >= handlers, `${name}: ${handlers} handlers, ${asked} of them ask isComposing(event)`);
  }
});
