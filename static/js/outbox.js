// What was written and is not yet known to be stored. It is kept in sessionStorage, so that a reload, a crash and
// signing in again lose nothing, and sent in the order of each chat, always with the same client_id: the server
// stores it once, however often it comes. docs/protocol.md, "Nothing is lost".
import { recall, remember } from "./storage.js";

export const MOST = 100; // messages; with 10,000 characters each they fit the 5 MB of a sessionStorage
const RETRY_FIRST = 2000; // ms, doubled from try to try
const RETRY_MOST = 30000;
const MOST_TRIES = 10; // of a message that the server puts off; then a person decides
const LATER = new Set(["rate_limited", "internal"]);
const UNANSWERED = new Set(["lost", "network"]);

/** An entry is {client_id, chat_id, body, reply_to, status ("sending" or "failed"), reason}. */
function isEntry(value) {
  const texts = [value?.client_id, value?.chat_id, value?.body, value?.reason];
  return texts.every((one) => typeof one === "string") && ["sending", "failed"].includes(value.status);
}

function restore(stored) {
  try {
    const entries = JSON.parse(stored ?? "[]");
    return Array.isArray(entries) ? entries.filter(isEntry).slice(0, MOST) : [];
  } catch {
    return []; // not ours, or cut off: nothing in it can be sent
  }
}

export class Outbox {
  /**
   * `deliver(entry)` sends one message and returns a promise of {ack} or {message}; it rejects with an error whose
   * `code` is the protocol's, "lost" or "network" where no answer came, or "signed_out"; `retryAfter` is in seconds,
   * where the server gave one. `onChange(entry, answer)` hears of each entry that is added, tried again, failed,
   * discarded (its `status` is "gone") or stored ("sent", with the `answer` if there was one).
   */
  constructor({ storage, userId, deliver, onChange, clock }) {
    Object.assign(this, { storage, deliver, onChange, clock });
    this.key = `flowra.outbox.${userId}`;
    this.entries = restore(recall(storage, this.key));
    this.busy = new Set(); // chats that have one on its way: the next waits for its answer
    this.owed = new Set(); // chats that were to be flushed meanwhile
    this.tries = new Map(); // client_id → how often it was tried in vain: {lost, putOff}
    this.waits = new Map(); // client_id → {timer, isFirm}: firm is a wait that the server has asked for
    this.isSafe = true; // whether what is kept here outlives the page
  }

  get isFull() {
    return this.entries.length >= MOST;
  }

  /** What is unsent of a chat, in order. */
  of(chatId) {
    return this.entries.filter(({ chat_id }) => chat_id === chatId);
  }

  /** Keep a message and send it as soon as it can be; returns false where there is no room. */
  add({ client_id, chat_id, body, reply_to = null }) {
    if (this.isFull) return false;
    const entry = { client_id, chat_id, body, reply_to, status: "sending", reason: "" };
    this.entries.push(entry);
    this.save();
    this.onChange(entry);
    this.flush();
    return true;
  }

  /** Send a failed message again: a person asked. */
  retry(clientId) {
    const entry = this.find(clientId);
    if (entry === undefined || entry.status !== "failed") return;
    this.forget(clientId);
    this.set(entry, "sending");
    this.flush();
  }

  /** Forget a message that was not sent: a person asked. */
  discard(clientId) {
    this.leave(clientId, "gone");
  }

  /** Forget everything: whoever wrote it has signed out. */
  clear() {
    const gone = this.entries;
    this.entries = [];
    this.save();
    for (const entry of gone) {
      this.forget(entry.client_id);
      this.onChange({ ...entry, status: "gone" });
    }
  }

  /** The message was seen among those of its chat, so it is stored, whatever became of the answer. */
  seen(clientId) {
    this.leave(clientId, "sent");
  }

  /** There is a connection, or another reason to try: send the first message of every chat. */
  flush() {
    for (const [clientId, { isFirm }] of [...this.waits]) if (!isFirm) this.endWait(clientId);
    const chats = new Set(this.entries.filter(({ status }) => status === "sending").map(({ chat_id }) => chat_id));
    for (const chatId of chats) {
      if (this.busy.has(chatId)) this.owed.add(chatId);
      else this.send(chatId);
    }
  }

  /** Send the messages of a chat one after the other, until there is none left or one has to wait. */
  async send(chatId) {
    this.busy.add(chatId);
    try {
      for (let entry = this.firstOf(chatId); entry !== undefined; entry = this.firstOf(chatId)) {
        this.owed.delete(chatId);
        if (this.waits.get(entry.client_id)?.isFirm) break;
        this.endWait(entry.client_id);
        const goesOn = await this.tryOne(entry);
        if (!goesOn && !this.owed.has(chatId)) break;
      }
    } finally {
      this.busy.delete(chatId);
      this.owed.delete(chatId);
    }
  }

  /** Returns whether the next one may follow. */
  async tryOne(entry) {
    try {
      const answer = await this.deliver(entry);
      if (this.find(entry.client_id) !== undefined) this.remove(entry, "sent", answer);
      return true;
    } catch (error) {
      if (typeof error.code !== "string") throw error; // a fault of ours, not an answer
      if (this.find(entry.client_id) === undefined) return true; // seen or discarded meanwhile
      return this.refused(entry, error);
    }
  }

  refused(entry, { code, message, retryAfter = 0 }) {
    if (code === "signed_out") return false;
    const isAnswer = !UNANSWERED.has(code);
    const tries = this.tries.get(entry.client_id) ?? { lost: 0, putOff: 0 };
    if (isAnswer && (!LATER.has(code) || tries.putOff >= MOST_TRIES)) {
      this.set(entry, "failed", message);
      return true;
    }
    const before = isAnswer ? tries.putOff++ : tries.lost++;
    this.tries.set(entry.client_id, tries);
    this.wait(entry.client_id, Math.max(Math.min(RETRY_FIRST * 2 ** before, RETRY_MOST), retryAfter * 1000), isAnswer);
    return false;
  }

  wait(clientId, delay, isFirm) {
    const timer = this.clock.setTimeout(() => {
      this.endWait(clientId);
      this.flush();
    }, delay);
    this.waits.set(clientId, { timer, isFirm });
  }

  endWait(clientId) {
    this.clock.clearTimeout(this.waits.get(clientId)?.timer);
    this.waits.delete(clientId);
  }

  /** Nothing that was tried counts any more. */
  forget(clientId) {
    this.tries.delete(clientId);
    this.endWait(clientId);
  }

  firstOf(chatId) {
    return this.of(chatId).find(({ status }) => status === "sending");
  }

  /** An entry goes without an answer: what stood behind it need not wait any more. */
  leave(clientId, status) {
    const entry = this.find(clientId);
    if (entry === undefined) return;
    this.remove(entry, status);
    this.flush();
  }

  find(clientId) {
    return this.entries.find(({ client_id }) => client_id === clientId);
  }

  set(entry, status, reason = "") {
    Object.assign(entry, { status, reason });
    this.save();
    this.onChange(entry);
  }

  remove(entry, status, answer = null) {
    this.entries = this.entries.filter((other) => other !== entry);
    this.forget(entry.client_id);
    this.save();
    this.onChange({ ...entry, status }, answer);
  }

  save() {
    const text = this.entries.length === 0 ? null : JSON.stringify(this.entries);
    this.isSafe = remember(this.storage, this.key, text) || text === null;
  }
}
