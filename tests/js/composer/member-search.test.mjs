// Asking the server for members: once per pause, one at a time, and bounded.
import assert from "node:assert/strict";
import test from "node:test";
import { MemberSearch } from "../../../static/js/composer/member-search.js";
import { FakeClock } from "../support/fake-clock.mjs";
import { settle } from "../support/settle.mjs";

class Fault extends Error {}

function stage() {
  const clock = new FakeClock();
  const asked = [];
  let found = 0;
  const load = (query, signal) =>
    new Promise((resolve, reject) => {
      asked.push({ query, signal, resolve, reject });
    });
  const search = new MemberSearch({ load, Fault, onFound: () => (found += 1), clock });
  return { clock, asked, search, found: () => found };
}
const person = (id) => ({ id, username: id, name: id });

test("only what one stops at is asked, and not twice", async () => {
  const { clock, asked, search, found } = stage();
  for (const query of ["z", "zo", "zoe"]) search.want(query);
  clock.advance(149);
  assert.deepEqual(asked, []);
  clock.advance(1);
  assert.deepEqual(asked.map(({ query }) => query), ["zoe"]);
  asked[0].resolve([person("zoe")]);
  await settle();
  assert.deepEqual([search.people(), found()], [[person("zoe")], 1]);
  search.want("ZOE");
  search.want(null);
  search.want("");
  clock.advance(1000);
  assert.equal(asked.length, 1);
});

test("an answer that nobody waits for is stopped and ignored", async () => {
  const { clock, asked, search, found } = stage();
  search.want("a");
  clock.advance(150);
  search.want("ab");
  assert.equal(asked[0].signal.aborted, true);
  asked[0].resolve([person("a")]);
  await settle();
  assert.deepEqual([search.people(), found()], [[], 0]);
});

test("a server that cannot answer is asked again", async () => {
  const { clock, asked, search } = stage();
  search.want("a");
  clock.advance(150);
  asked[0].reject(new Fault());
  await settle();
  search.want("a");
  clock.advance(150);
  asked[1].resolve([person("a")]);
  await settle();
  assert.equal(search.people().length, 1);
});

test("what was found is bounded", async () => {
  const { clock, asked, search } = stage();
  for (let round = 0; round < 5; round += 1) {
    search.want(`q${round}`);
    clock.advance(150);
    asked[round].resolve(Array.from({ length: 100 }, (_, index) => person(`${round}.${index}`)));
    await settle();
  }
  assert.equal(search.people().length, 300);
});
