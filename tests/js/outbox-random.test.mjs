// The outbox against a server that stores by client_id and loses answers, with reloads in the middle: in the end each
// message is stored once, and in the order it was written.
import assert from "node:assert/strict";
import test from "node:test";
import { Outbox } from "../../static/js/outbox.js";
import { randomly } from "./chance.mjs";
import { FakeClock } from "./fake-clock.mjs";
import { FakeStorage, settle } from "./outbox-stage.mjs";

const CHATS = ["a", "b"];
const LONGEST_WAIT = 30_000; // ms

class World {
  constructor(chance, log) {
    Object.assign(this, { chance, log, clock: new FakeClock(), storage: new FakeStorage(), isGood: false, written: 0 });
    this.order = { a: [], b: [] }; // what was written
    this.stored = { a: [], b: [] }; // what the server has, by client_id
    this.open = []; // tries that the server has not decided, of every page there was
    this.told = new Set(); // client_ids that the page was told to be sent
    this.isSignedOut = false; // a try was answered so: nothing goes on before the next reason to try
    this.load();
  }

  /** A page with its outbox; whatever the one before still had on its way may reach the server yet. */
  load() {
    this.clock.timers.clear(); // they end with their page
    const page = {};
    this.page = page;
    this.outbox = new Outbox({
      storage: this.storage,
      userId: "u",
      deliver: (entry) => {
        assert.ok(page === this.page, "a page that is gone sends nothing");
        const mine = this.open.filter((other) => other.page === page && other.entry.chat_id === entry.chat_id);
        assert.equal(mine.length, 0, "one on its way in each chat");
        return new Promise((resolve, reject) => this.open.push({ page, entry: { ...entry }, resolve, reject }));
      },
      onChange: ({ client_id, status }) => {
        if (page !== this.page) return;
        if (status === "sent") {
          assert.ok(Object.values(this.stored).flat().includes(client_id), `${client_id} is shown as sent`);
          assert.ok(!this.told.has(client_id), `${client_id} was told twice`);
          this.told.add(client_id);
        }
        assert.notEqual(status, "failed");
      },
      clock: this.clock,
    });
    this.outbox.flush();
  }

  store({ chat_id, client_id }) {
    if (!this.stored[chat_id].includes(client_id)) this.stored[chat_id].push(client_id);
  }

  /** The server decides about one of the tries, and its answer comes or is lost. */
  decide() {
    if (this.open.length === 0) return;
    const [{ page, entry, resolve, reject }] = this.open.splice(this.chance.below(this.open.length), 1);
    const tries = this.outbox.tries.get(entry.client_id)?.putOff ?? 0;
    const mixed = { stored: 4, unanswered: 3, lost: 3, putOff: tries < 9 ? 2 : 0 };
    const kind = this.isGood ? "stored" : this.chance.by(mixed);
    const code = this.chance.of(kind === "putOff" ? ["internal", "rate_limited"] : ["lost", "network", "signed_out"]);
    const whose = page === this.page ? "" : "of a page that is gone, ";
    this.log.push(`  ${entry.client_id}: ${whose}${kind === "stored" ? kind : `${kind}, ${code}`}`);
    if (kind === "stored" || kind === "unanswered") this.store(entry);
    if (page !== this.page) return; // nobody is there to hear it
    if (kind === "stored") resolve({ ack: {} });
    else reject(Object.assign(new Error(), { code, retryAfter: this.chance.below(5) }));
    if (kind !== "stored" && code === "signed_out") this.isSignedOut = true;
  }

  write() {
    const chat_id = this.chance.of(CHATS);
    const client_id = `${chat_id}${++this.written}`;
    this.order[chat_id].push(client_id);
    assert.equal(this.outbox.add({ client_id, chat_id, body: "b" }), true);
  }

  /** A message that is stored comes back as an event of its chat, perhaps before its answer. */
  seen() {
    const all = Object.values(this.stored).flat();
    if (all.length > 0) this.outbox.seen(this.chance.of(all));
  }

  async act() {
    const acts = {
      write: () => this.write(),
      decide: () => this.decide(),
      pass: () => this.clock.advance(this.chance.of([100, 2500, LONGEST_WAIT])),
      flush: () => this.outbox.flush(),
      seen: () => this.seen(),
      load: () => this.load(),
    };
    const name = this.chance.by({ write: 4, decide: 8, pass: 3, flush: 2, seen: 1, load: 0.5 });
    this.log.push(`${this.clock.ticks}: ${name}`);
    if (["write", "flush", "load"].includes(name)) this.isSignedOut = false;
    acts[name]();
    await settle();
    this.check();
  }

  check() {
    const kept = this.outbox.entries.map(({ client_id }) => client_id);
    for (const chat of CHATS) {
      for (const client_id of this.order[chat]) {
        assert.ok(this.stored[chat].includes(client_id) || kept.includes(client_id), `${client_id} is lost`);
      }
      const isUnderWay = this.open.some(({ page, entry }) => page === this.page && entry.chat_id === chat);
      const isWaiting = this.clock.timers.size > 0 || this.isSignedOut;
      assert.ok(isUnderWay || isWaiting || this.outbox.of(chat).length === 0, `${chat} is stuck`);
    }
  }
}

test("each message is stored once and in the order it was written, whatever is lost, late or loaded anew", async () => {
  await randomly(400, async (chance, log) => {
    const world = new World(chance, log);
    for (let step = 0; step < 80; step += 1) await world.act();
    log.push("--- all goes well");
    world.isGood = true;
    world.outbox.flush(); // the connection stands again
    for (let turn = 0; world.outbox.entries.length > 0 || world.open.length > 0; turn += 1) {
      assert.ok(turn < 300, `stuck: ${world.outbox.entries.map(({ client_id }) => client_id)}`);
      world.decide();
      await settle();
      if (world.open.length === 0) world.clock.advance(LONGEST_WAIT);
    }
    assert.deepEqual(world.stored, world.order);
    assert.deepEqual([world.storage.items.size, world.clock.timers.size], [0, 0]);
  });
});
