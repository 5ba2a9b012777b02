// Whether a connection that is open still lives.
import assert from "node:assert/strict";
import test from "node:test";
import { Heartbeat } from "../../../static/js/net/heartbeat.js";
import { randomly } from "../support/chance.mjs";

const WELCOME = { ping_interval: 30, pong_timeout: 60 };
const T = 1_000_000; // when it was greeted

test("silent for ping_interval + 10 s it asks once, and is dead 10 s later", () => {
  const heartbeat = new Heartbeat(WELCOME, T);
  assert.equal(heartbeat.deadline, T + 40_000);
  assert.equal(heartbeat.check(T + 39_999), null);
  assert.equal(heartbeat.check(T + 40_000), "ping");
  assert.equal(heartbeat.deadline, T + 50_000);
  assert.equal(heartbeat.check(T + 49_999), null);
  assert.equal(heartbeat.check(T + 50_000), "dead");
});

test("whatever is heard answers, and the silence begins anew", () => {
  const heartbeat = new Heartbeat(WELCOME, T);
  heartbeat.check(T + 40_000);
  heartbeat.received(T + 49_999);
  assert.equal(heartbeat.check(T + 50_000), null);
  assert.equal(heartbeat.deadline, T + 89_999);
  assert.equal(heartbeat.check(T + 89_999), "ping");
});

test("silent for as long as the server would wait it is dead at once, on wake and by the timer", () => {
  for (const how of ["check", "wake"]) {
    assert.equal(new Heartbeat(WELCOME, T)[how](T + 90_000), "dead");
    assert.equal(new Heartbeat(WELCOME, T)[how](T + 89_999), "ping");
  }
});

test("on wake it asks and gives 4 s", () => {
  const heartbeat = new Heartbeat(WELCOME, T);
  assert.equal(heartbeat.wake(T + 20_000), "ping");
  assert.equal(heartbeat.deadline, T + 24_000);
  assert.equal(heartbeat.wake(T + 21_000), null); // asked already, and no later for it
  assert.equal(heartbeat.deadline, T + 24_000);
  assert.equal(heartbeat.check(T + 23_999), null);
  assert.equal(heartbeat.check(T + 24_000), "dead");
});

test("on wake an answer that was awaited for longer is awaited for 4 s", () => {
  const heartbeat = new Heartbeat(WELCOME, T);
  heartbeat.check(T + 40_000);
  assert.equal(heartbeat.wake(T + 41_000), null);
  assert.equal(heartbeat.deadline, T + 45_000);
});

test("on wake it is asked also if it was heard a moment ago, before the network went", () => {
  const heartbeat = new Heartbeat(WELCOME, T);
  assert.equal(heartbeat.wake(T + 1), "ping");
  assert.equal(heartbeat.deadline, T + 4001);
});

test("a server that gives up sooner than a ping takes is asked all the same", () => {
  const heartbeat = new Heartbeat({ ping_interval: 1, pong_timeout: 2 }, T);
  assert.equal(heartbeat.check(T + 11_000), "ping");
  assert.equal(heartbeat.check(T + 20_999), null);
  assert.equal(heartbeat.check(T + 21_000), "dead");
  assert.equal(new Heartbeat({ ping_interval: 1, pong_timeout: 2 }, T).wake(T + 20_000), "ping");
});

test("what went silent is found within ping_interval + 20 s, what answers never is, by timer or wake", async () => {
  await randomly(2000, (chance, log) => {
    const welcome = { ping_interval: chance.of([1, 5, 30, 60]), pong_timeout: chance.of([1, 10, 60]) };
    const heartbeat = new Heartbeat(welcome, T);
    const silentFrom = T + chance.below(300_000);
    let now = T;
    let heardAt = T;
    let answerAt = Infinity;
    for (;;) {
      // The timer comes when it is due, or somebody wakes the page before; an answer takes up to 3 s.
      const wakes = chance.is(0.3) ? now + chance.below(60_000) : Infinity;
      const next = Math.min(wakes, answerAt, heartbeat.deadline);
      now = Math.max(now, next);
      let verdict = null;
      if (next === answerAt) {
        heartbeat.received(now);
        heardAt = now;
        answerAt = Infinity;
      } else {
        verdict = next === wakes ? heartbeat.wake(now) : heartbeat.check(now);
      }
      log.push(`${now - T}: ${next === wakes ? "wake" : "due"} ${verdict}`);
      if (verdict === "dead") break;
      if (verdict === "ping" && now < silentFrom) answerAt = now + chance.below(3000);
    }
    assert.ok(now >= silentFrom, "it lived");
    assert.ok(now - heardAt <= (welcome.ping_interval + 20) * 1000, "it was dead for long");
  });
});
