// What was typed and not sent, on this device. A chat has one draft that all tabs share: a box in which nobody has typed
// shows what was typed last elsewhere. Where two tabs have typed different things each keeps its own, and the one that was
// typed last is shown first; the other is shown once that is sent or deleted.
import { recall, remember } from "../lib/storage.js";
import { newId } from "../lib/uuid.js";

export const MOST = 60; // drafts of one user
export const MOST_CHARACTERS = 1_000_000; // of all together; a localStorage takes some five million
const MOST_AGE = 60 * 24 * 3600 * 1000; // ms
const PREFIX = "flowra.draft.";

/** A draft is {id, body, reply ({id, words}, or null), at (ms)}; before 0.3 it was stored as the text alone. */
function parse(id, text) {
  if (text === null) return null;
  let stored = null;
  try {
    stored = JSON.parse(text);
  } catch {
    // the text alone
  }
  if (typeof stored?.body !== "string" || typeof stored.at !== "number") return { id, body: text, reply: null, at: 0 };
  const { reply } = stored;
  const isReply = [reply?.id, reply?.words].every((one) => typeof one === "string");
  return { id, body: stored.body, reply: isReply ? reply : null, at: stored.at };
}

function keysWith(storage, prefix) {
  try {
    return Array.from({ length: storage.length }, (_, index) => storage.key(index)).filter((key) => key.startsWith(prefix));
  } catch {
    return []; // blocked
  }
}

/** The chats that have a draft of this user: a set of ids. */
export function chatsWithDrafts(storage, userId) {
  const ofUser = `${PREFIX}${userId}.`;
  return new Set(keysWith(storage, ofUser).map((key) => key.slice(ofUser.length).split(".")[0]));
}

const isEqual = (one, other) => one.body === other.body && (one.reply?.id ?? null) === (other.reply?.id ?? null);
const EMPTY = { body: "", reply: null };

export class Drafts {
  /** `now()` is in ms; `onChange()` is called after something was stored or removed. `start()` has to be called first. */
  constructor({ storage, userId, chatId, now, onChange = () => {} }) {
    Object.assign(this, { storage, now, onChange });
    this.ofUser = `${PREFIX}${userId}.`;
    this.base = `${this.ofUser}${chatId}`;
    this.id = null; // of the draft that the box shows
    this.shown = EMPTY; // what it was when it was last stored or read here
    this.isOwn = false; // somebody has typed into this box
    this.isSafe = true; // what is in the box outlives the page
  }

  /** Returns the draft to begin with, {body, reply}; none where the box is taken: the server put a text into it. */
  start({ isTaken = false } = {}) {
    this.prune();
    this.isOwn = isTaken;
    return isTaken ? EMPTY : (this.follow() ?? EMPTY);
  }

  /** The box has changed: keep what is in it, `{body, reply}`. */
  save({ body, reply }) {
    const stored = this.id === null ? null : this.read(this.id);
    // Typed on in another tab, or sent or deleted there: what is in this box is a draft of its own.
    if (stored === null || !isEqual(stored, this.shown)) this.id = null;
    if (body.trim() === "") {
      if (this.id !== null) remember(this.storage, this.keyOf(this.id), null);
      this.set(null, { body, reply }, false);
      this.isSafe = true;
      this.onChange();
      return;
    }
    const isNew = this.id === null;
    this.set(this.id ?? newId(), { body, reply }, true);
    const text = JSON.stringify({ body, reply, at: this.now() });
    this.isSafe = text.length <= MOST_CHARACTERS && remember(this.storage, this.keyOf(this.id), text);
    if (isNew) this.prune();
    this.onChange();
  }

  /** The box was emptied: its text was sent, or discarded. What was typed elsewhere meanwhile stays. */
  clear() {
    this.save(EMPTY);
  }

  /**
   * Another tab has written or removed something under `key` (null: everything). Returns what the box is to show now,
   * {body, reply}; null where it stays as it is.
   */
  storageChanged(key, oldText) {
    if (key !== null && key !== this.base && !key.startsWith(`${this.base}.`)) return null;
    const before = this.id === null ? null : parse(this.id, oldText);
    const isSent = this.id !== null && key === this.keyOf(this.id) && this.read(this.id) === null;
    // Sent from there as it stands here.
    if (isSent && before !== null && isEqual(before, this.shown)) this.isOwn = false;
    return this.isOwn ? null : (this.follow() ?? this.set(null, EMPTY, false));
  }

  /** Take up the draft that was typed last; returns it, null without one. */
  follow() {
    const drafts = [this.base, ...keysWith(this.storage, `${this.base}.`)].map((key) => this.read(this.idOf(key)));
    const [latest] = drafts.filter((one) => one !== null).sort((one, other) => other.at - one.at);
    return latest === undefined ? null : this.set(latest.id, { body: latest.body, reply: latest.reply }, false);
  }

  set(id, shown, isOwn) {
    Object.assign(this, { id, shown, isOwn });
    return shown;
  }

  /** Forget the oldest drafts of this user where there are too many. */
  prune() {
    const drafts = keysWith(this.storage, this.ofUser)
      .map((key) => ({ key, text: recall(this.storage, key) ?? "" }))
      .map(({ key, text }) => ({ key, size: text.length, at: parse("", text).at }))
      .sort((one, other) => other.at - one.at);
    let room = MOST_CHARACTERS;
    drafts.forEach(({ key, size, at }, index) => {
      room -= size;
      const isOld = at > 0 && at < this.now() - MOST_AGE;
      const isMine = this.id !== null && key === this.keyOf(this.id);
      if (!isMine && (isOld || index >= MOST || room < 0)) remember(this.storage, key, null);
    });
  }

  read(id) {
    return parse(id, recall(this.storage, this.keyOf(id)));
  }

  keyOf(id) {
    return id === "" ? this.base : `${this.base}.${id}`;
  }

  idOf(key) {
    return key.slice(this.base.length + 1);
  }
}
