// A part of the page is fetched soon after a change, never twice at once, and the last change is always seen.
import assert from "node:assert/strict";
import test from "node:test";
import { PageError } from "../../../static/js/net/fetch-page.js";
import { Refetch } from "../../../static/js/net/refetch.js";
import { FakeClock } from "../support/fake-clock.mjs";
import { settle } from "../support/settle.mjs";

function begin() {
  const stage = { clock: new FakeClock(), asked: [], shown: [], errors: [] };
  stage.part = new Refetch({
    load: () => new Promise((resolve, reject) => stage.asked.push({ resolve, reject })),
    show: (html) => stage.shown.push(html),
    onError: ({ status }) => stage.errors.push(status),
    settle: 200,
    clock: stage.clock,
  });
  return stage;
}

test("several changes are one request, soon", async () => {
  const { clock, asked, shown, part } = begin();
  part.refresh();
  part.refresh();
  clock.advance(199);
  assert.equal(asked.length, 0);
  clock.advance(1);
  asked[0].resolve("new");
  await settle();
  clock.advance(5000);
  assert.deepEqual([asked.length, shown], [1, ["new"]]);
});

test("a change during a request has it fetched again after it, not beside it", async () => {
  const { clock, asked, shown, part } = begin();
  part.refresh();
  clock.advance(200);
  part.refresh();
  clock.advance(5000);
  assert.equal(asked.length, 1);
  asked[0].resolve("old");
  await settle();
  clock.advance(1000);
  asked[1].resolve("new");
  await settle();
  clock.advance(5000);
  assert.deepEqual([asked.length, shown], [2, ["old", "new"]]);
});

test("what the page itself changes during a request has it fetched again; without a request nothing is", async () => {
  const { clock, asked, part } = begin();
  part.changedHere();
  clock.advance(5000);
  assert.equal(asked.length, 0);
  part.refresh();
  clock.advance(200);
  part.changedHere();
  asked[0].resolve("old");
  await settle();
  clock.advance(1000);
  assert.equal(asked.length, 2);
});

test("without an answer the old part stays, and the next change asks again", async () => {
  const { clock, asked, shown, errors, part } = begin();
  part.refresh();
  clock.advance(200);
  asked[0].reject(new PageError(404));
  await settle();
  clock.advance(60_000);
  assert.deepEqual([asked.length, shown, errors], [1, [], [404]]);
  part.refresh();
  clock.advance(1000);
  assert.equal(asked.length, 2);
});
