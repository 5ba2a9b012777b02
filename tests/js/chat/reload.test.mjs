// The chat loaded anew: tried again until it can be had, and only the latest answer counts.
import assert from "node:assert/strict";
import test from "node:test";
import { FreshPage, loadPage, PageAway } from "../../../static/js/chat/reload.js";
import { FakeClock } from "../support/fake-clock.mjs";
import { settle } from "../support/outbox-stage.mjs";

globalThis.DOMParser = class {
  parseFromString(html) {
    return `page of ${html}`;
  }
};

function begin() {
  const stage = { clock: new FakeClock(), loads: [], shown: [] };
  stage.page = new FreshPage({
    load: () => new Promise((resolve, reject) => stage.loads.push({ resolve, reject })),
    show: (page) => stage.shown.push(page),
    clock: stage.clock,
  });
  stage.fail = async () => {
    stage.loads.at(-1).reject(new PageAway("HTTP 503"));
    await settle();
  };
  return stage;
}

test("it is tried again after 2, 4, 8, 16, 30, 30 s with one timer, and from the beginning the next time", async () => {
  const { clock, loads, shown, page, fail } = begin();
  page.fetch();
  for (const seconds of [2, 4, 8, 16, 30, 30]) {
    const asked = loads.length;
    await fail();
    assert.equal(clock.timers.size, 1);
    clock.advance(seconds * 1000 - 1);
    assert.equal(loads.length, asked);
    clock.advance(1);
    assert.equal(loads.length, asked + 1);
  }
  loads.at(-1).resolve("html");
  await settle();
  assert.deepEqual([shown, clock.timers.size], [["page of html"], 0]);
  page.fetch();
  await fail();
  clock.advance(2000);
  assert.equal(loads.length, 9);
});

test("asked anew it drops the wait and whatever an earlier question brings", async () => {
  const { clock, loads, shown, page, fail } = begin();
  page.fetch();
  await fail();
  page.fetch();
  assert.equal(clock.timers.size, 0);
  page.fetch();
  loads[2].resolve("new");
  loads[1].resolve("old");
  loads[0].resolve("older");
  await settle();
  assert.deepEqual(shown, ["page of new"]);
  page.fetch();
  page.fetch();
  loads[3].reject(new PageAway("late"));
  await settle();
  assert.equal(clock.timers.size, 0);
});

test("a fault of ours is not tried again", async () => {
  const { loads, clock, page } = begin();
  const fetched = page.fetch();
  loads[0].reject(new TypeError("ours"));
  await assert.rejects(fetched, TypeError);
  assert.equal(clock.timers.size, 0);
});

test("a page is one that was asked for: no redirect to the sign-in, no error, no silence", async () => {
  const answers = {
    html: { ok: true, redirected: false, status: 200, text: async () => "html" },
    redirected: { ok: true, redirected: true, status: 200, text: async () => "sign in" },
    away: { ok: false, redirected: false, status: 503, text: async () => "" },
    cut: { ok: true, redirected: false, status: 200, text: async () => Promise.reject(new Error("cut off")) },
  };
  globalThis.fetch = async (path) => {
    if (path === "silent") throw new TypeError("network");
    return answers[path];
  };
  assert.equal(await loadPage("html"), "html");
  for (const path of ["redirected", "away", "cut", "silent"]) await assert.rejects(loadPage(path), PageAway, path);
});
