// What was written and is not yet known to be stored. It is kept in the browser (store.js), so that a closed tab, a
// crash and signing in again lose nothing, and sent in the order of each chat, always with the same client_id: the server
// stores it once, however often it comes. All tabs of a user share it; for each chat one of them sends (tabs.js).
// docs/protocol.md, "Losing nothing".
import { retryDelay } from "../net/backoff.js";
import { StorageFailed } from "./database.js";

export const MOST = 100; // messages
const MOST_BYTES = 5_000_000; // of all their texts, as UTF-8; a hundred of 10,000 characters fit
const MOST_TRIES = 10; // of a message that the server refuses for now; then a person decides
// client_ids that have left: ten full outboxes. Word of one that left earlier brings it back only until it is looked up in the store,
// which comes before it is sent.
export const MOST_ENDED = 1000;
const LATER = new Set(["rate_limited", "internal"]);
const UNANSWERED = new Set(["lost", "network"]);
const UNDECIDED = new Set([...UNANSWERED, "internal"]); // it may be stored all the same
const encoder = new TextEncoder();

/**
 * An entry is {client_id, chat_id, body, reply_to, status ("sending" or "failed"), reason (words), code (the protocol's, of
 * a failure), tried (how many tries may have reached the server), written_at (ms; their order)}. What else it holds is kept with it.
 */
function isEntry(value) {
  const texts = [value?.client_id, value?.chat_id, value?.body, value?.reason];
  return texts.every((one) => typeof one === "string") && ["sending", "failed"].includes(value.status);
}

const sizeOf = ({ body }) => encoder.encode(body).length;
const byAge = (one, other) =>
  one.written_at - other.written_at || (one.client_id < other.client_id ? -1 : 1);

export class Outbox {
  /**
   * `store` see store.js; `tabs` see tabs.js. `ready()` resolves where a message can be sent now, and rejects as
   * `deliver` does where not. `deliver(entry)` sends one message and returns a promise of {ack} or {message}; it rejects
   * with an error whose `code` is the protocol's, "lost" or "network" where no answer came, or "signed_out"; `retryAfter`
   * is in seconds, where the server gave one; `wasSent` is false where nothing was sent. `onChange(entry, answer, isNews)`
   * is called for each entry that is added, tried again, failed, taken back (its `status` is "gone") or stored ("sent", with
   * the `answer` if there was one), in whatever tab; what was kept from before is no news. `onUnsafe()` is called where the
   * browser cannot keep messages.
   */
  constructor({ store, tabs, ready, deliver, onChange, onUnsafe = () => {}, clock }) {
    Object.assign(this, { store, tabs, ready, deliver, onChange, onUnsafe, clock });
    this.entries = [];
    this.ended = new Set(); // client_ids that have left, the latest last: what another tab says of them comes too late
    this.saving = new Set(); // client_ids that are on their way to the store
    this.unkept = new Set(); // client_ids that the store could not take: they are here only
    this.busy = new Set(); // chats that have one on its way: the next waits for its answer
    this.owed = new Set(); // chats that were to be flushed meanwhile
    this.tries = new Map(); // client_id → how often it was tried in vain: {lost, refused}
    this.waits = new Map(); // client_id → {timer, isFirm}: firm is a wait that the server has asked for
  }

  /** Take up what is kept: at the start, and whenever this tab may have missed what others did. */
  async load() {
    let kept;
    try {
      kept = (await this.store.load()).filter(isEntry).map((one) => ({ tried: 0, code: "", written_at: 0, ...one }));
    } catch (error) {
      if (!(error instanceof StorageFailed)) throw error;
      return; // nothing can be kept: onUnsafe says so with the first message
    }
    const ids = new Set(kept.map(({ client_id }) => client_id));
    for (const { client_id } of [...this.entries]) {
      const isOurs = this.saving.has(client_id) || this.unkept.has(client_id);
      if (!isOurs && !ids.has(client_id)) this.drop(client_id, "gone");
    }
    for (const entry of kept.sort(byAge)) if (!this.ended.has(entry.client_id)) this.take(entry, false);
    this.flush();
  }

  hasRoomFor(body) {
    const bytes = this.entries.reduce((sum, entry) => sum + sizeOf(entry), sizeOf({ body }));
    return this.entries.length < MOST && bytes <= MOST_BYTES;
  }

  /** Whether all that is here outlives the page. */
  get isSafe() {
    return this.saving.size === 0 && this.unkept.size === 0;
  }

  /** Whether something is to be sent without anybody asking. */
  get isWaiting() {
    return this.entries.some(({ status }) => status === "sending");
  }

  /** What is unsent of a chat, in order. */
  of(chatId) {
    return this.entries.filter(({ chat_id }) => chat_id === chatId);
  }

  /** Whether a person may take a message back: not while it may have reached the server. */
  isFree({ status, tried }) {
    return status === "failed" || tried === 0;
  }

  /** Whether a chat's messages wait for their time. */
  isPutOff(chatId) {
    return this.of(chatId).some(({ client_id }) => this.waits.has(client_id));
  }

  /**
   * Keep a message and send it as soon as it can be. Returns null where there is no room, else a promise that resolves
   * once it is kept, as far as it can be.
   */
  add({ client_id, chat_id, body, reply_to = null, ...more }) {
    if (!this.hasRoomFor(body)) return null;
    // Behind everything that is here, whatever the clock says.
    const written_at = Math.max(this.clock.now(), 1 + Math.max(...this.entries.map((one) => one.written_at)));
    const start = { status: "sending", reason: "", code: "", tried: 0, written_at };
    const entry = { ...more, client_id, chat_id, body, reply_to, ...start };
    this.entries.push(entry);
    this.saving.add(client_id);
    this.onChange(entry, null, true);
    return this.keep(entry);
  }

  async keep(entry) {
    const { client_id } = entry;
    try {
      await this.store.add(entry);
    } catch (error) {
      if (!(error instanceof StorageFailed)) throw error;
      this.unkept.add(client_id);
      this.onUnsafe();
    } finally {
      this.saving.delete(client_id);
    }
    if (this.find(client_id) === undefined) {
      // It left meanwhile: signed out, or seen among the chat's messages.
      await this.change(entry, () => null);
      return;
    }
    this.flush(); // first: this tab is the one that somebody looks at
    this.tell({ kind: "put", entry });
  }

  /** Send a failed message again: a person asked. */
  async retry(clientId) {
    const entry = this.find(clientId);
    if (entry === undefined || entry.status !== "failed") return;
    this.forgetTries(clientId);
    const again = { status: "sending", reason: "", code: "", tried: 0 };
    await this.update(entry, (kept) => (kept.status === "failed" ? { ...kept, ...again } : kept));
    this.flush();
  }

  /** Take a message out of the outbox: a person asked. Resolves to it, or to null where it is too late. */
  async takeBack(clientId) {
    const entry = this.find(clientId);
    if (entry === undefined) return null;
    let taken = null;
    await this.change(entry, (kept) => {
      taken = this.isFree(kept) ? kept : null; // asked again where the transaction is repeated
      return taken === null ? kept : null;
    });
    if (taken === null) return null;
    this.leave(clientId, "gone");
    return taken;
  }

  /** Drop all entries: their author has signed out, and the store was emptied. */
  forget() {
    for (const { client_id } of this.entries) {
      this.unkept.delete(client_id);
      this.drop(client_id, "gone");
    }
  }

  /**
   * The message was seen among those of its chat, so it is stored, whatever became of the answer. Tabs without a connection
   * have not seen it: they are given `message`.
   */
  seen(clientId, message = null) {
    const entry = this.find(clientId);
    if (entry === undefined) return;
    this.drop(clientId, "sent");
    this.tell({ kind: "end", client_id: clientId, status: "sent", answer: message && { message } });
    this.flush();
    if (!this.saving.has(clientId)) this.change(entry, () => null); // else keep() does it
  }

  /** Another tab has changed something. */
  receive(message) {
    if (message.kind === "put" && isEntry(message.entry) && !this.ended.has(message.entry.client_id)) {
      this.take(message.entry);
      this.flush();
    } else if (message.kind === "end") {
      this.drop(message.client_id, message.status, message.answer);
      this.flush();
    } else if (message.kind === "wait" && this.find(message.client_id) !== undefined) {
      this.wait(message.client_id, message.delay, true);
    }
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
      await this.tabs.exclusive(chatId, () => this.sendAll(chatId));
    } finally {
      this.busy.delete(chatId);
      this.owed.delete(chatId);
    }
  }

  async sendAll(chatId) {
    for (let entry = this.firstOf(chatId); entry !== undefined; entry = this.firstOf(chatId)) {
      this.owed.delete(chatId);
      if (this.saving.has(entry.client_id) || this.waits.get(entry.client_id)?.isFirm) break;
      this.endWait(entry.client_id);
      const goesOn = await this.tryOne(entry);
      if (!goesOn && !this.owed.has(chatId)) break;
    }
  }

  /** Returns whether the next one may follow. */
  async tryOne(entry) {
    const { client_id } = entry;
    let isClaimed = false;
    try {
      await this.ready();
      // Noted first: from now on nobody can take it back. Another tab may have, or sent it.
      const kept = await this.update(entry, (one) => (one.status === "sending" ? { ...one, tried: (one.tried ?? 0) + 1 } : one));
      if (kept?.status !== "sending") return true;
      isClaimed = true;
      const answer = await this.deliver(kept);
      if (this.find(client_id) === undefined) return true; // seen meanwhile
      this.leave(client_id, "sent", answer);
      await this.change(entry, () => null);
      return true;
    } catch (error) {
      if (typeof error.code !== "string") throw error; // a fault of ours, not an answer
      if (this.find(client_id) === undefined) return true;
      return this.refused(entry, error, isClaimed);
    }
  }

  async refused(entry, { code, message, retryAfter = 0, wasSent = true }, isClaimed) {
    const { client_id } = entry;
    const isAnswer = !UNANSWERED.has(code) && code !== "signed_out";
    const tries = this.tries.get(client_id) ?? { lost: 0, refused: 0 };
    if (isAnswer && (!LATER.has(code) || tries.refused >= MOST_TRIES)) {
      await this.update(entry, (kept) => ({ ...kept, status: "failed", reason: message, code, tried: 0 }));
      return true;
    }
    const isKnown = !wasSent || !UNDECIDED.has(code);
    if (code !== "signed_out") {
      const before = isAnswer ? tries.refused++ : tries.lost++;
      this.tries.set(client_id, tries);
      const delay = Math.max(retryDelay(before), retryAfter * 1000);
      this.wait(client_id, delay, isAnswer);
      if (isAnswer) this.tell({ kind: "wait", client_id, delay });
    }
    // Other tries without an answer are still unknown.
    if (isClaimed && isKnown) await this.update(entry, (kept) => ({ ...kept, tried: Math.max(kept.tried - 1, 0) }));
    else this.onChange(this.find(client_id) ?? entry, null, true);
    return false;
  }

  wait(clientId, delay, isFirm) {
    this.endWait(clientId);
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

  /** Begin to count tries anew. */
  forgetTries(clientId) {
    this.tries.delete(clientId);
    this.endWait(clientId);
  }

  firstOf(chatId) {
    return this.of(chatId).find(({ status }) => status === "sending");
  }

  find(clientId) {
    return this.entries.find(({ client_id }) => client_id === clientId);
  }

  /** Show an entry as it is kept, in its place. */
  take(entry, isNews = true) {
    const known = this.find(entry.client_id);
    if (known === undefined) this.entries = [...this.entries, entry].sort(byAge);
    else if (JSON.stringify(known) === JSON.stringify(entry)) return;
    else this.entries = this.entries.map((other) => (other === known ? entry : other));
    this.onChange(entry, null, isNews);
  }

  /**
   * Change an entry where it is kept: `change(entry)` returns what it becomes, null to remove it. Resolves to what is kept
   * then; null where there is nothing, because another tab was faster.
   */
  async change(entry, change) {
    const here = () => change({ ...(this.find(entry.client_id) ?? entry) });
    if (this.unkept.has(entry.client_id)) return here();
    try {
      return await this.store.change(entry.client_id, change);
    } catch (error) {
      if (!(error instanceof StorageFailed)) throw error;
      const changed = here();
      if (changed !== null) this.unkept.add(entry.client_id); // what is kept is older; sent again, it is stored once
      return changed;
    }
  }

  /** Change an entry, and have all tabs know it. */
  async update(entry, change) {
    const kept = await this.change(entry, change);
    if (kept === null) {
      this.drop(entry.client_id, "gone"); // if it was sent, the tab that sent it says so, and the server
      return null;
    }
    if (this.find(entry.client_id) === undefined) return null;
    this.take(kept);
    this.tell({ kind: "put", entry: kept });
    return kept;
  }

  /** An entry goes for good: what stood behind it need not wait any more. */
  leave(clientId, status, answer = null) {
    if (!this.drop(clientId, status, answer)) return;
    this.tell({ kind: "end", client_id: clientId, status, answer });
    this.flush();
  }

  drop(clientId, status, answer = null) {
    const entry = this.find(clientId);
    this.ended.delete(clientId); // its place is the last
    this.ended.add(clientId);
    if (this.ended.size > MOST_ENDED) this.ended.delete(this.ended.values().next().value);
    if (entry === undefined) return false;
    this.entries = this.entries.filter((other) => other !== entry);
    this.unkept.delete(clientId);
    this.forgetTries(clientId);
    this.onChange({ ...entry, status }, answer, true);
    return true;
  }

  tell(message) {
    this.tabs.tell(message);
  }
}
