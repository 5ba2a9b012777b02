// Where the outbox keeps what was written: IndexedDB, and where that is missing or fails this tab's sessionStorage.
import { StorageFailed } from "./database.js";
import { recall, remember } from "../lib/storage.js";

const sessionKey = (userId) => `flowra.outbox.${userId}`;

/** The entries that a text holds; what is not ours, or cut off, cannot be sent. */
function parse(text) {
  try {
    const entries = JSON.parse(text ?? "[]");
    return Array.isArray(entries) ? entries : [];
  } catch {
    return [];
  }
}

/** This tab's sessionStorage: it outlives a reload and a crash, not the tab. It holds text only. */
export class SessionStore {
  constructor(storage, userId) {
    this.storage = storage;
    this.key = sessionKey(userId);
  }

  async load() {
    return this.read();
  }

  async add(entry) {
    this.write([...this.read().filter(({ client_id }) => client_id !== entry.client_id), entry]);
  }

  async change(clientId, change) {
    const entries = this.read();
    const entry = entries.find(({ client_id }) => client_id === clientId);
    if (entry === undefined) return null;
    const changed = change({ ...entry });
    this.write(entries.map((other) => (other === entry ? changed : other)).filter((one) => one !== null));
    return changed;
  }

  read() {
    return parse(recall(this.storage, this.key)).filter((entry) => typeof entry?.client_id === "string");
  }

  write(entries) {
    const text = entries.length === 0 ? null : JSON.stringify(entries);
    if (!remember(this.storage, this.key, text) && text !== null) throw new StorageFailed("sessionStorage is full or blocked");
  }
}

/** IndexedDB first. Whether it works is found out when the outbox is loaded; it stays with one of the two. */
export class OutboxStore {
  constructor(first, second) {
    Object.assign(this, { first, second, chosen: null });
  }

  async load() {
    try {
      const entries = await this.first.load();
      this.chosen = this.first;
      return [...entries, ...(await this.takeOver())];
    } catch (error) {
      if (!(error instanceof StorageFailed)) throw error;
      this.chosen = this.second;
      return this.second.load();
    }
  }

  /** What the second kept, when there was nothing better, moves to the first. */
  async takeOver() {
    const waiting = await this.second.load();
    for (const entry of waiting) {
      await this.first.add(entry);
      await this.second.change(entry.client_id, () => null);
    }
    return waiting;
  }

  add(entry) {
    return this.chosen.add(entry);
  }

  change(clientId, change) {
    return this.chosen.change(clientId, change);
  }
}
