// An outbox on a storage, with a server that answers when the test says so.
import { Outbox } from "../../static/js/outbox.js";
import { FakeClock } from "./fake-clock.mjs";

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

export class Stage {
  clock = new FakeClock();
  deliveries = []; // {entry, resolve, reject} of each try
  changes = []; // "client_id status" of each onChange
  answers = [];

  constructor({ storage = new FakeStorage(), userId = "u" } = {}) {
    this.storage = storage;
    this.outbox = new Outbox({
      storage,
      userId,
      deliver: (entry) =>
        new Promise((resolve, reject) => this.deliveries.push({ entry: { ...entry }, resolve, reject })),
      onChange: ({ client_id, status }, answer) => {
        this.changes.push(`${client_id} ${status}`);
        this.answers.push(answer);
      },
      clock: this.clock,
    });
  }

  /** Which messages were tried, in order. */
  get tried() {
    return this.deliveries.map(({ entry }) => entry.client_id);
  }

  add(client_id, chat_id = "a", more = {}) {
    return this.outbox.add({ client_id, chat_id, body: `body of ${client_id}`, ...more });
  }

  async accept(answer = { ack: {} }, delivery = this.deliveries.at(-1)) {
    delivery.resolve(answer);
    await settle();
  }

  async refuse(code, retryAfter, delivery = this.deliveries.at(-1)) {
    delivery.reject(Object.assign(new Error(`refused: ${code}`), { code, retryAfter }));
    await settle();
  }

  /** The page is loaded again: a new outbox on the same storage. */
  reload() {
    return new Stage({ storage: this.storage });
  }
}

/** Let everything that has been answered go on. */
export const settle = () => new Promise(setImmediate);
