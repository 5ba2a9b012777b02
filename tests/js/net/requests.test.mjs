// Commands and their answers.
import assert from "node:assert/strict";
import test from "node:test";
import { Refused, Requests } from "../../../static/js/net/requests.js";

/** Requests that note what became of them. */
function begin() {
  const requests = new Requests();
  const ends = [];
  const add = (now, name) =>
    requests.add(now, (ack) => ends.push([name, ack.action]), (error) => ends.push([name, error.code, error.message]));
  return { requests, ends, add };
}

test("each answer goes to the question with its ref, in whatever order, and once", () => {
  const { requests, ends, add } = begin();
  const [one, two] = [add(0, "one"), add(0, "two")];
  assert.notEqual(one, two);
  requests.answered({ type: "ack", ref: two, action: "read" });
  requests.answered({ type: "error", ref: one, code: "closed", message: "Closed." });
  requests.answered({ type: "ack", ref: two, action: "again" });
  requests.answered({ type: "ack", ref: "unknown", action: "none" });
  requests.answered({ type: "error", code: "bad_frame", message: "answers nothing" });
  assert.deepEqual(ends, [["two", "read"], ["one", "closed", "Closed."]]);
  assert.equal(requests.deadline, null);
});

test("a refusal carries the frame, where no answer came an empty one", () => {
  const requests = new Requests();
  const errors = [];
  const refuse = (error) => errors.push(error);
  const frame = { type: "error", ref: requests.add(0, assert.fail, refuse), code: "rate_limited", retry_after: 3 };
  requests.answered(frame);
  requests.add(0, assert.fail, refuse);
  requests.failAll();
  assert.ok(errors.every((error) => error instanceof Refused));
  assert.deepEqual(errors.map((error) => error.frame), [frame, {}]);
});

test("each has 10 s, the earliest first; a late answer is nobody's", () => {
  const { requests, ends, add } = begin();
  const ref = add(1000, "one");
  add(4000, "two");
  assert.equal(requests.deadline, 11_000);
  requests.expire(10_999);
  assert.deepEqual(ends, []);
  requests.expire(11_000);
  assert.deepEqual(ends, [["one", "lost", "no answer"]]);
  requests.answered({ type: "ack", ref, action: "late" });
  assert.equal(ends.length, 1);
  assert.equal(requests.deadline, 14_000);
  requests.expire(20_000);
  assert.deepEqual(ends[1], ["two", "lost", "no answer"]);
});

test("what comes before them postpones all answers, up to two minutes from the question", () => {
  const { requests, ends, add } = begin();
  add(0, "one");
  add(5000, "two");
  requests.postpone(9000);
  assert.equal(requests.deadline, 19_000);
  requests.expire(18_999);
  assert.deepEqual(ends, []);
  requests.postpone(1000); // never back
  assert.equal(requests.deadline, 19_000);
  requests.postpone(119_000);
  assert.equal(requests.deadline, 120_000);
  requests.expire(120_000);
  assert.deepEqual(ends, [["one", "lost", "no answer"]]);
  assert.equal(requests.deadline, 125_000);
});

test("all are lost with the connection, and one that is asked meanwhile belongs to the next", () => {
  const requests = new Requests();
  const lost = [];
  const ask = (name, onLost = () => {}) =>
    requests.add(0, assert.fail, ({ code }) => {
      lost.push(`${name} ${code}`);
      onLost();
    });
  ask("one", () => ask("again"));
  ask("two");
  requests.failAll();
  assert.deepEqual(lost, ["one lost", "two lost"]);
  assert.equal(requests.deadline, 10_000);
});
