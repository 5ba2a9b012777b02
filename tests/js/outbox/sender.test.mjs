// How a message gets to the server: over the socket, and by REST where that will not stand.
import assert from "node:assert/strict";
import test from "node:test";
import { Refused } from "../../../static/js/net/requests.js";

globalThis.document = { getElementById: () => null }; // no texts: they are their own keys
const { NotSent, Sender } = await import("../../../static/js/outbox/sender.js");

const ENTRY = { client_id: "1", chat_id: "a", body: "b", reply_to: null, status: "sending", reason: "" };

/** A Sender whose socket is in this state; `by` says how each message went, `answer` and `refuse` what came of it. */
function begin(name, attempt = 0) {
  const stage = { by: [], answer: { seq: 7, id: "me" }, refuse: null };
  const end = async () => {
    if (stage.refuse !== null) throw stage.refuse;
    return stage.answer;
  };
  const request = (frame) => {
    stage.by.push(["socket", frame]);
    return end();
  };
  const callApi = (method, path, body) => {
    stage.by.push(["rest", method, path, body]);
    return end();
  };
  const socket = { state: { name, attempt }, request };
  stage.sender = new Sender({ socket, callApi, userId: "me" });
  stage.ready = () => stage.sender.ready();
  stage.deliver = (more = {}) => stage.sender.deliver({ ...ENTRY, ...more });
  return stage;
}

test("online it goes over the socket, with what it answers", async () => {
  const { by, deliver } = begin("online");
  assert.deepEqual(await deliver(), { ack: { seq: 7, id: "me" } });
  assert.deepEqual(by, [["socket", { type: "chat.message.post", chat_id: "a", body: "b", client_id: "1" }]]);
  await deliver({ reply_to: "m" });
  assert.equal(by[1][1].reply_to, "m");
});

test("where the socket will not stand it goes by REST, with the same client_id", async () => {
  for (const [name, attempt] of [["exhausted", 10], ["fatal", 0], ["waiting", 2], ["waiting", 10]]) {
    const { by, deliver } = begin(name, attempt);
    assert.deepEqual(await deliver({ reply_to: "m" }), { message: { seq: 7, id: "me" } }, name);
    assert.deepEqual(by, [["rest", "POST", "/chats/a/messages", { body: "b", client_id: "1", reply_to: "m" }]]);
  }
});

test("a short loss is waited for, and signed out nothing is sent", async () => {
  const states = [
    ["waiting", 1, "lost"], ["connecting", 0, "lost"], ["connecting", 9, "lost"], ["syncing", 0, "lost"],
    ["syncing", 9, "lost"], ["stopped", 0, "lost"], ["auth_lost", 0, "signed_out"],
  ];
  for (const [name, attempt, code] of states) {
    const { by, deliver, ready } = begin(name, attempt);
    for (const act of [ready, deliver]) {
      const isRight = (error) => error instanceof NotSent && error.code === code && !error.wasSent;
      await assert.rejects(act(), isRight, `${name} ${attempt}`);
    }
    assert.deepEqual(by, []);
  }
});

test("a refusal over the socket keeps its code, its words and how long to wait", async () => {
  const stage = begin("online");
  stage.refuse = new Refused("rate_limited", "Too fast.", { retry_after: 3 });
  await assert.rejects(stage.deliver(), { code: "rate_limited", message: "Too fast.", retryAfter: 3 });
  stage.refuse = new Refused("lost", "no answer");
  await assert.rejects(stage.deliver(), { code: "lost", retryAfter: 0 });
});

test("by REST a refusal keeps its code; no server is no answer; who is not known is signed out", async () => {
  const answers = [
    [0, "network", "network"], [502, "internal", "network"], [503, "internal", "network"], [504, "internal", "network"],
    [401, "not_authenticated", "signed_out"], [403, "forbidden", "signed_out"], [404, "not_found", "not_found"],
    [409, "closed", "closed"], [400, "invalid", "invalid"], [429, "rate_limited", "rate_limited"],
    [500, "internal", "internal"],
  ];
  for (const [status, code, expected] of answers) {
    const stage = begin("exhausted");
    stage.refuse = Object.assign(new Error("words"), { status, code, retryAfter: 4 });
    await assert.rejects(stage.deliver(), { name: "Error", code: expected, message: "words", retryAfter: 4 }, status);
  }
});

test("before a message goes by REST the server is asked who this is: without an answer nothing was sent", async () => {
  const stage = begin("exhausted");
  await stage.ready();
  assert.deepEqual(stage.by, [["rest", "GET", "/me", undefined]]);
  stage.refuse = Object.assign(new Error("words"), { status: 0, code: "network", retryAfter: 0 });
  await assert.rejects(stage.ready(), { code: "network", wasSent: false });
  await assert.rejects(stage.deliver(), { code: "network", wasSent: true });
  const { by, ready } = begin("online");
  await ready();
  assert.deepEqual(by, [], "the socket has said it");
});

test("for somebody else, who has signed in in the same browser, nothing is sent", async () => {
  const byRest = begin("exhausted");
  byRest.answer = { id: "somebody else" };
  await assert.rejects(byRest.ready(), { code: "signed_out", wasSent: false });
  const bySocket = begin("online");
  bySocket.sender.greeted("somebody else");
  await assert.rejects(bySocket.ready(), { code: "signed_out", wasSent: false });
  await assert.rejects(bySocket.deliver(), { code: "signed_out", wasSent: false });
  assert.deepEqual(bySocket.by, []);
  bySocket.sender.greeted("me");
  await bySocket.ready();
});
