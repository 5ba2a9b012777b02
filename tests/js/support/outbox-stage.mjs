// An outbox in a tab of a browser, with a server that answers when the test says so.
import { StorageFailed } from "../../../static/js/outbox/database.js";
import { Outbox } from "../../../static/js/outbox/outbox.js";
import { Tabs } from "../../../static/js/outbox/tabs.js";
import { FakeClock } from "./fake-clock.mjs";
import { settle } from "./settle.mjs";

/** A sessionStorage; `limit` is how many characters fit, `isBlocked` makes every access throw, as some browsers do. */
export class FakeStorage {
  items = new Map();
  limit = Infinity;
  isBlocked = false;

  access() {
    if (this.isBlocked) throw new Error("SecurityError");
  }

  getItem(key) {
    this.access();
    return this.items.get(key) ?? null;
  }

  setItem(key, value) {
    this.access();
    if (value.length > this.limit) throw new Error("QuotaExceededError");
    this.items.set(key, value);
  }

  get length() {
    this.access();
    return this.items.size;
  }

  key(index) {
    this.access();
    return [...this.items.keys()][index] ?? null;
  }

  removeItem(key) {
    this.access();
    this.items.delete(key);
  }
}

/** What store.js promises, in memory: it outlives a page, and may fail. */
export class FakeStore {
  records = new Map(); // client_id → entry
  room = Infinity; // records that fit
  isBroken = false;

  async begin() {
    await null; // as a transaction: later, and whole
    if (this.isBroken) throw new StorageFailed("broken");
  }

  async load() {
    await this.begin();
    return structuredClone([...this.records.values()]);
  }

  async add(entry) {
    await this.begin();
    if (this.records.size >= this.room) throw new StorageFailed("full");
    this.records.set(entry.client_id, structuredClone(entry));
  }

  async change(clientId, change) {
    await this.begin();
    if (!this.records.has(clientId)) return null;
    const changed = change(structuredClone(this.records.get(clientId)));
    if (changed === null) this.records.delete(clientId);
    else this.records.set(clientId, structuredClone(changed));
    return changed;
  }
}

/** navigator.locks of a browser: exclusive, in order, and to be stolen; a tab that dies lets go of its own. */
export class FakeLocks {
  queues = new Map(); // name → [{owner, run, fail, isHeld}]

  of(owner) {
    return { request: (name, options, run) => this.request(owner, name, options, run) };
  }

  request(owner, name, { signal, steal = false }, run) {
    const queue = this.queues.get(name) ?? [];
    this.queues.set(name, queue);
    return new Promise((resolve, reject) => {
      const ticket = { owner, run, isHeld: false, resolve, fail: reject };
      signal?.addEventListener("abort", () => {
        if (!ticket.isHeld && queue.includes(ticket)) this.end(name, ticket, () => reject(aborted()));
      });
      if (steal) {
        if (queue[0]?.isHeld) queue.shift().fail(aborted());
        queue.unshift(ticket);
      } else {
        queue.push(ticket);
      }
      this.grant(name);
    });
  }

  async grant(name) {
    const [first] = this.queues.get(name);
    if (first === undefined || first.isHeld) return;
    first.isHeld = true;
    await null;
    let end = () => first.resolve();
    try {
      await first.run();
    } catch (error) {
      end = () => first.fail(error);
    }
    this.end(name, first, end);
  }

  end(name, ticket, settle) {
    const queue = this.queues.get(name);
    if (!queue.includes(ticket)) return; // stolen, or its tab is dead
    queue.splice(queue.indexOf(ticket), 1);
    settle();
    this.grant(name);
  }

  /** A tab is closed. */
  kill(owner) {
    for (const [name, queue] of this.queues) {
      for (const ticket of queue.filter((one) => one.owner === owner)) queue.splice(queue.indexOf(ticket), 1);
      this.grant(name);
    }
  }
}

const aborted = () => Object.assign(new Error("taken"), { name: "AbortError" });

/** What the tabs of a browser share. */
export class Browser {
  store = new FakeStore();
  locks = new FakeLocks();
  channels = new Set();

  /** A BroadcastChannel for one tab. */
  channelOf() {
    const { channels } = this;
    return class {
      constructor() {
        channels.add(this);
      }

      postMessage(data) {
        const text = structuredClone(data);
        for (const other of channels) if (other !== this) queueMicrotask(() => channels.has(other) && other.onmessage({ data: text }));
      }

      close() {
        channels.delete(this);
      }
    };
  }
}

export class Stage {
  clock = new FakeClock();
  deliveries = []; // {entry, resolve, reject} of each try
  statuses = new Map(); // client_id → what was last heard
  changes = []; // "client_id status" of each change of it
  answers = [];
  obstacle = null; // the code for which nothing can be sent
  unsafe = 0; // how often it was said that nothing can be kept

  constructor({ browser = new Browser(), locks = true } = {}) {
    this.browser = browser;
    this.store = browser.store;
    this.tabs = new Tabs({
      name: "t",
      locks: locks ? browser.locks.of(this) : undefined,
      Channel: browser.channelOf(),
      clock: this.clock,
      onMessage: (message) => this.outbox.receive(message),
    });
    this.outbox = new Outbox({
      store: browser.store,
      tabs: this.tabs,
      ready: async () => {
        if (this.obstacle !== null) throw Object.assign(new Error(), { code: this.obstacle, wasSent: false });
      },
      deliver: (entry) =>
        new Promise((resolve, reject) => this.deliveries.push({ entry: { ...entry }, resolve, reject })),
      onChange: ({ client_id, status }, answer) => {
        if (this.statuses.get(client_id) === status) return;
        this.statuses.set(client_id, status);
        this.changes.push(`${client_id} ${status}`);
        this.answers.push(answer);
      },
      onUnsafe: () => {
        this.unsafe += 1;
      },
      clock: this.clock,
    });
  }

  /** Which messages were tried, in order. */
  get tried() {
    return this.deliveries.map(({ entry }) => entry.client_id);
  }

  /** Which messages are unsent, in order. */
  get ids() {
    return this.outbox.entries.map(({ client_id }) => client_id);
  }

  /** Timers of waits; a lock has one, too, while it is waited for. */
  get timers() {
    return this.outbox.waits.size;
  }

  async add(client_id, chat_id = "a", more = {}) {
    const kept = this.outbox.add({ client_id, chat_id, body: `body of ${client_id}`, ...more });
    await settle();
    return kept !== null;
  }

  async accept(answer = { ack: {} }, delivery = this.deliveries.at(-1)) {
    delivery.resolve(answer);
    await settle();
  }

  async refuse(code, retryAfter, delivery = this.deliveries.at(-1)) {
    delivery.reject(Object.assign(new Error(`refused: ${code}`), { code, retryAfter }));
    await settle();
  }

  async flush() {
    this.outbox.flush();
    await settle();
  }

  async advance(delay) {
    this.clock.advance(delay);
    await settle();
  }

  /** The tab is closed, or crashes: nothing of it goes on. */
  close() {
    this.clock.timers.clear();
    this.browser.locks.kill(this);
    this.tabs.channel?.close();
  }

  /** Another tab of the same browser. */
  async open({ obstacle = null } = {}) {
    const tab = new Stage({ browser: this.browser });
    tab.obstacle = obstacle;
    await tab.outbox.load();
    await settle();
    return tab;
  }

  /** The page is loaded again. */
  reload(options) {
    this.close();
    return this.open(options);
  }
}
