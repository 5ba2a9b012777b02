// Catch-up against a chat that changes by chance over a line that loses, doubles and reorders: in the end the client
// knows of every message what the server knows, and nothing was shown twice.
import assert from "node:assert/strict";
import test from "node:test";
import { Refused } from "../../../../static/js/net/requests.js";
import { Sync } from "../../../../static/js/net/sync.js";
import { randomly } from "../../support/chance.mjs";
import { FakeChat, Line } from "../../support/fake-chat.mjs";

const ANSWER_WITHIN = 10_000; // ms: as requests.js

class Client {
  constructor(chance, log) {
    Object.assign(this, { chance, log, now: 0, line: null, questions: [], loading: new Set(), batch: null });
    this.chats = ["a", "b"].map((id) => new FakeChat(id));
    this.shown = new Map(); // chat → {messages: id → revision, delivered: "id@revision" since it was loaded}
    this.sync = new Sync({
      ask: (chatId, { since }, done, failed) => this.ask(chatId, since, done, failed),
      deliver: (frame) => this.deliver(frame),
      begin: (chatId) => {
        assert.equal(this.batch, null);
        this.batch = { chatId, revision: 0 };
      },
      end: (chatId) => {
        assert.equal(this.batch.chatId, chatId);
        this.batch = null;
      },
      reset: (chatId) => {
        this.log.push(`  reset ${chatId}`);
        this.loading.add(chatId);
      },
      refused: assert.fail,
      broken: () => this.disconnect(),
    });
    for (const chat of this.chats) {
      for (let time = chance.below(5); time > 0; time -= 1) chat.change(chance);
      this.load(chat);
    }
  }

  chat(id) {
    return this.chats.find((chat) => chat.id === id);
  }

  /** The page of a chat is loaded, and followed from there. */
  load(chat) {
    this.loading.delete(chat.id);
    this.shown.set(chat.id, { messages: chat.snapshot(), delivered: new Set() });
    this.sync.follow(chat.id, chat.revision, this.now);
  }

  deliver({ chat_id, data: { id, revision } }) {
    const { messages, delivered } = this.shown.get(chat_id);
    const key = `${id}@${revision}`;
    assert.ok(!delivered.has(key), `${key} was delivered twice`);
    delivered.add(key);
    if (this.batch === null) {
      const isCatchingUp = this.questions.some(({ chatId, isCurrent }) => chatId === chat_id && isCurrent);
      assert.ok(!isCatchingUp, `${key} was not held during the catch-up`);
    } else {
      assert.equal(this.batch.chatId, chat_id);
      assert.ok(revision > this.batch.revision, `${key} came after ${this.batch.revision}`);
      this.batch.revision = revision;
    }
    messages.set(id, Math.max(messages.get(id) ?? 0, revision)); // as the timeline: older states are passed over
  }

  ask(chatId, since, done, failed) {
    assert.notEqual(this.line, null, "asked without a connection");
    this.log.push(`  asks ${chatId} since ${since}`);
    for (const other of this.questions) if (other.chatId === chatId) other.isCurrent = false;
    const question = { chatId, since, by: this.now + ANSWER_WITHIN, isTaken: false, isCurrent: true };
    const end = (callback) => (answer, now) => {
      if (!this.questions.includes(question)) return; // given up before
      this.questions = this.questions.filter((other) => other !== question);
      callback(answer, now);
    };
    this.questions.push(Object.assign(question, { done: end(done), failed: end(failed) }));
  }

  connect() {
    if (this.line !== null) return;
    this.line = new Line(this.chance);
    this.sync.open(this.now);
  }

  disconnect() {
    this.line = null;
    this.sync.pause();
    for (const question of [...this.questions]) question.failed(new Refused("lost", "connection closed"), this.now);
  }

  /** The first question that the server has not taken is answered, or never will be. */
  answer(isGood) {
    const question = this.questions.find(({ isTaken }) => !isTaken);
    if (question === undefined || this.line === null) return;
    question.isTaken = true;
    if (isGood || this.chance.is(0.95)) this.line.answer(this.chat(question.chatId), question, isGood);
  }

  receive() {
    const item = this.line?.wire.shift();
    if (item === undefined) return;
    if (item.frame === undefined) item.call(this.now);
    else assert.ok(this.sync.take(item.frame, this.now));
  }

  change(isReliable = false) {
    const chat = this.chance.of(this.chats);
    const frame = chat.change(this.chance);
    this.line?.announce(frame, isReliable);
  }

  /** Time passes, and wakes whatever is due. */
  pass(by) {
    const until = this.now + by;
    for (;;) {
      const due = [this.sync.deadline, ...this.questions.map((question) => question.by)].filter((at) => at !== null);
      const next = Math.min(...due, until);
      this.now = Math.max(this.now, next);
      for (const question of [...this.questions]) {
        if (question.by <= this.now) question.failed(new Refused("lost", "no answer"), this.now);
      }
      const before = this.sync.deadline;
      this.sync.tick(this.now);
      const { deadline } = this.sync;
      if (next >= until) break;
      assert.ok(deadline === null || deadline !== before || deadline > this.now, "it spins");
    }
  }

  act() {
    const acts = {
      change: () => this.change(),
      settle: () => this.line?.settle(),
      receive: () => this.receive(),
      answer: () => this.answer(false),
      pass: () => this.pass(this.chance.of([10, 500, 2500])),
      connect: () => this.connect(),
      disconnect: () => this.line !== null && this.disconnect(),
      resync: () => this.line !== null && this.sync.again(this.now),
      load: () => [...this.loading].forEach((id) => this.load(this.chat(id))),
    };
    const name = this.chance.by({
      change: 8, settle: 8, receive: 16, answer: 5, pass: 4, connect: 2, disconnect: 0.4, resync: 0.4, load: 1,
    });
    this.log.push(`${this.now}: ${name}`);
    acts[name]();
  }

  /** All goes well: what is on its way comes, and every question is answered. */
  heal() {
    this.connect();
    for (let turn = 0; turn < 400; turn += 1) {
      this.line?.settle();
      this.answer(true);
      this.receive();
      this.pass(100);
      this.connect();
      [...this.loading].forEach((id) => this.load(this.chat(id)));
    }
  }

  compare() {
    for (const chat of this.chats) {
      const order = (map) => [...map].sort(([one], [other]) => one.localeCompare(other));
      assert.deepEqual(order(this.shown.get(chat.id).messages), order(chat.snapshot()), chat.id);
    }
    assert.ok(this.sync.isDone);
    assert.equal(this.sync.deadline, null);
  }
}

function wander(chance, log, steps) {
  const client = new Client(chance, log);
  for (let step = 0; step < steps; step += 1) client.act();
  log.push("--- all goes well");
  return client;
}

test("after a new connection it knows of every message what the server knows, and showed nothing twice", async () => {
  await randomly(1200, (chance, log) => {
    const client = wander(chance, log, 120);
    if (client.line !== null) client.disconnect();
    client.heal();
    client.compare();
  });
});

test("on a connection that stands, the next change of each chat, or a resync, brings all that was lost", async () => {
  await randomly(1200, (chance, log) => {
    const client = wander(chance, log, 120);
    client.heal();
    const isResync = chance.is(0.5);
    if (isResync) client.sync.again(client.now);
    else for (const chat of client.chats) client.line.announce(chat.change(chance), true);
    client.heal();
    client.compare();
  });
});
