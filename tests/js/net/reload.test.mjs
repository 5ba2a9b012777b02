// A page that cannot be had is asked for again; a fault of the page itself is not.
import assert from "node:assert/strict";
import test from "node:test";
import { makeReload } from "../../../static/js/net/reload.js";
import { FakeClock } from "../support/fake-clock.mjs";
import { settle } from "../support/settle.mjs";

globalThis.DOMParser = class {
  parseFromString(html) {
    return `page of ${html}`;
  }
};

function begin(show) {
  const clock = new FakeClock();
  const asked = [];
  const answers = [{ ok: false, status: 503, headers: new Headers(), text: async () => "" }, { ok: true, status: 200, text: async () => "html" }];
  globalThis.fetch = async (path) => {
    asked.push(path);
    return answers.shift();
  };
  const reload = makeReload({ path: () => "/chats/1/", show, clock, signal: new AbortController().signal });
  return { clock, asked, reload };
}

test("it is shown once it can be had", async () => {
  const shown = [];
  const { clock, asked, reload } = begin((page) => shown.push(page));
  await reload.start();
  assert.deepEqual([shown, clock.timers.size], [[], 1]);
  clock.advance(2000);
  await settle();
  assert.deepEqual([shown, asked, clock.timers.size], [["page of html"], ["/chats/1/", "/chats/1/"], 0]);
});

test("a fault while it is shown is thrown, and it is not asked for again", async () => {
  const { clock, reload } = begin(() => {});
  globalThis.fetch = async () => ({ ok: true, status: 200, text: async () => "html" });
  globalThis.DOMParser = class {
    parseFromString() {
      throw new TypeError("ours");
    }
  };
  await assert.rejects(reload.start(), TypeError);
  assert.equal(clock.timers.size, 0);
});
