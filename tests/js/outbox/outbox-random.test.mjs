// The outbox in several tabs against a server that stores by client_id and loses answers; tabs are opened, closed and
// frozen in the middle, connections come and go, messages are taken back. In the end each message is stored once, in the
// order it was written, and none that was taken back.
import assert from "node:assert/strict";
import test from "node:test";
import { Outbox } from "../../../static/js/outbox/outbox.js";
import { Tabs } from "../../../static/js/outbox/tabs.js";
import { randomly } from "../support/chance.mjs";
import { FakeClock } from "../support/fake-clock.mjs";
import { Browser } from "../support/outbox-stage.mjs";
import { settle } from "../support/settle.mjs";

const CHATS = ["a", "b"];
const LONGEST_WAIT = 30_000; // ms
const MOST_TABS = 3;

/** A tab's own timers on the clock of all. */
class TabClock {
  own = new Set();

  constructor(clock) {
    this.clock = clock;
    this.now = clock.now;
  }

  setTimeout = (callback, delay) => {
    const id = this.clock.setTimeout(callback, delay);
    this.own.add(id);
    return id;
  };

  clearTimeout = (id) => this.clock.clearTimeout(id);

  end() {
    for (const id of this.own) this.clock.clearTimeout(id);
  }
}

class World {
  constructor(chance, log) {
    Object.assign(this, { chance, log, clock: new FakeClock(), browser: new Browser(), isGood: false, written: 0 });
    this.order = { a: [], b: [] }; // what was written and not taken back
    this.stored = { a: [], b: [] }; // what the server has, by client_id
    this.open = []; // tries that the server has not decided, of every tab there was
    this.tabs = [];
    this.openTab();
  }

  openTab() {
    const clock = new TabClock(this.clock);
    const tab = { clock, told: new Set(), isConnected: true, isFrozen: false, name: `tab ${this.written}` };
    tab.tabs = new Tabs({
      name: "t",
      locks: this.browser.locks.of(tab),
      Channel: this.browser.channelOf(),
      clock,
      onMessage: (message) => tab.outbox.receive(message),
    });
    tab.outbox = new Outbox({
      store: this.browser.store,
      tabs: tab.tabs,
      ready: async () => {
        if (!tab.isConnected) throw Object.assign(new Error(), { code: "lost", wasSent: false });
      },
      deliver: (entry) => {
        assert.ok(this.browser.store.records.get(entry.client_id)?.tried, "noted before it is sent");
        const mine = this.open.filter((other) => other.tab === tab && other.entry.chat_id === entry.chat_id);
        assert.equal(mine.length, 0, "one on its way in each chat");
        return new Promise((resolve, reject) => this.open.push({ tab, entry: { ...entry }, resolve, reject }));
      },
      onChange: ({ client_id, status }) => {
        if (!this.tabs.includes(tab)) return;
        if (status === "sent") {
          assert.ok(Object.values(this.stored).flat().includes(client_id), `${client_id} is shown as sent`);
          assert.ok(!tab.told.has(client_id), `${client_id} was told twice`);
          tab.told.add(client_id);
        }
        assert.notEqual(status, "failed");
      },
      clock,
    });
    this.tabs.push(tab);
    tab.outbox.load();
  }

  closeTab() {
    const [tab] = this.tabs.splice(this.chance.below(this.tabs.length), 1);
    Object.assign(tab, { isClosed: true, isFrozen: false });
    tab.clock.end();
    this.browser.locks.kill(tab);
    tab.tabs.channel?.close();
    if (this.tabs.length === 0) this.openTab();
  }

  /** A tab is frozen, or wakes; meanwhile it hears nothing. */
  freeze() {
    const tab = this.chance.of(this.tabs);
    tab.isFrozen = !tab.isFrozen;
    if (tab.isFrozen) tab.tabs.leave();
    else {
      tab.tabs.resume();
      tab.outbox.load();
    }
  }

  connect() {
    const tab = this.chance.of(this.tabs);
    tab.isConnected = !tab.isConnected;
    tab.outbox.flush();
  }

  awake() {
    return this.tabs.filter(({ isFrozen }) => !isFrozen);
  }

  store({ chat_id, client_id }) {
    if (!this.stored[chat_id].includes(client_id)) this.stored[chat_id].push(client_id);
  }

  /** The server decides about one of the tries, and its answer comes or is lost. */
  decide() {
    const open = this.open.filter(({ tab }) => !tab.isFrozen);
    if (open.length === 0) return;
    const one = this.chance.of(open);
    const { tab, entry, resolve, reject } = one;
    this.open.splice(this.open.indexOf(one), 1);
    const tries = tab.outbox.tries.get(entry.client_id)?.refused ?? 0;
    const mixed = { stored: 4, unanswered: 3, lost: 3, refused: tries < 9 ? 2 : 0 };
    const kind = this.isGood ? "stored" : this.chance.by(mixed);
    const code = this.chance.of(kind === "refused" ? ["internal", "rate_limited"] : ["lost", "network"]);
    this.log.push(`  ${entry.client_id}: ${kind === "stored" ? kind : `${kind}, ${code}`}`);
    if (kind === "stored" || kind === "unanswered") this.store(entry);
    if (tab.isClosed) return; // nobody is there to hear it
    if (kind === "stored") resolve({ ack: {} });
    else reject(Object.assign(new Error(), { code, retryAfter: this.chance.below(5) }));
  }

  write() {
    const tabs = this.awake();
    if (tabs.length === 0) return;
    const chat_id = this.chance.of(CHATS);
    this.clock.advance(1); // nobody writes two in a millisecond
    const client_id = `${chat_id}${++this.written}`;
    this.order[chat_id].push(client_id);
    assert.notEqual(this.chance.of(tabs).outbox.add({ client_id, chat_id, body: "b" }), null);
  }

  async takeBack() {
    const tabs = this.awake();
    const entries = tabs.flatMap(({ outbox }) => outbox.entries.map((entry) => ({ outbox, entry })));
    if (entries.length === 0) return;
    const { outbox, entry } = this.chance.of(entries);
    const taken = await outbox.takeBack(entry.client_id);
    if (taken === null) return;
    this.log.push(`  ${entry.client_id} is taken back`);
    const { chat_id, client_id } = entry;
    assert.ok(!this.stored[chat_id].includes(client_id), `${client_id} was stored`);
    this.order[chat_id] = this.order[chat_id].filter((one) => one !== client_id);
  }

  /** A message that is stored comes back as an event of its chat, perhaps before its answer. */
  seen() {
    const all = Object.values(this.stored).flat();
    const tabs = this.awake();
    if (all.length > 0 && tabs.length > 0) this.chance.of(tabs).outbox.seen(this.chance.of(all));
  }

  async act() {
    const acts = {
      write: () => this.write(),
      decide: () => this.decide(),
      pass: () => this.clock.advance(this.chance.of([100, 2500, LONGEST_WAIT])),
      flush: () => this.awake().forEach(({ outbox }) => outbox.flush()),
      seen: () => this.seen(),
      takeBack: () => this.takeBack(),
      openTab: () => this.tabs.length < MOST_TABS && this.openTab(),
      closeTab: () => this.closeTab(),
      freeze: () => this.freeze(),
      connect: () => this.connect(),
    };
    const often = { write: 4, decide: 8, pass: 3, flush: 2, seen: 1, takeBack: 1 };
    const name = this.chance.by({ ...often, openTab: 1, closeTab: 0.5, freeze: 0.5, connect: 1 });
    this.log.push(`${this.clock.ticks}: ${name}`);
    await acts[name]();
    await settle();
    this.check();
  }

  check() {
    const kept = [...this.browser.store.records.keys()];
    for (const chat of CHATS) {
      const known = [...this.stored[chat], ...kept];
      for (const client_id of this.order[chat]) assert.ok(known.includes(client_id), `${client_id} is lost`);
      const inOrder = this.order[chat].filter((client_id) => this.stored[chat].includes(client_id));
      assert.deepEqual(this.stored[chat], inOrder, `the order of ${chat}`);
    }
  }

  /** Everybody is there, connected, and answered. */
  async end() {
    this.isGood = true;
    for (const tab of this.tabs) {
      if (tab.isFrozen) tab.tabs.resume();
      Object.assign(tab, { isFrozen: false, isConnected: true });
      tab.outbox.load();
    }
    await settle();
    const isDone = () => this.open.length === 0 && this.tabs.every(({ outbox }) => outbox.entries.length === 0);
    for (let turn = 0; !isDone(); turn += 1) {
      assert.ok(turn < 300, `stuck: ${this.tabs.flatMap(({ outbox }) => outbox.entries.map((one) => one.client_id))}`);
      this.decide();
      await settle();
      if (this.open.length === 0) this.clock.advance(LONGEST_WAIT);
      await settle();
    }
  }
}

test("each message is stored once and in the order it was written, whatever becomes of tabs and answers", async () => {
  await randomly(400, async (chance, log) => {
    const world = new World(chance, log);
    for (let step = 0; step < 80; step += 1) await world.act();
    log.push("--- all goes well");
    await world.end();
    assert.deepEqual(world.stored, world.order);
    assert.deepEqual([world.browser.store.records.size, world.clock.timers.size], [0, 0]);
  });
});
