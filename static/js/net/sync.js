// Catch-up: up to which revision each followed chat has all changes, and asking for the rest. docs/protocol.md, "Losing
// nothing". Pure: time is given, and what is to be sent or shown goes out through callbacks.
import { retryDelay } from "./backoff.js";

const GAP_STANDS = 2000; // ms: events may overtake each other, so a younger gap may close by itself
const MOST_HELD = 1000; // messages; the server sends up to 500, the rest are live events. With more the chat is loaded anew
const MOST_AHEAD = 1000; // revisions beyond a gap: then it is asked for at once
const TEMPORARY = new Set(["rate_limited", "internal"]);
const CHANGES = new Set(["chat.message.posted", "chat.message.edited", "chat.message.deleted"]);

class Chat {
  constructor(revision, isBackground) {
    this.contiguous = revision; // every change up to it has come
    this.isBackground = isBackground; // followed without typing and presence
    this.ahead = new Set(); // revisions that have come beyond a gap
    this.gapUntil = null; // when the gap has stood long enough
    this.question = null; // the catch-up under way
    this.isAskedAgain = false; // another one was asked for meanwhile: this one may have read an older state
    this.retryAt = null;
    this.refusals = 0;
    this.held = new Map(); // message id → its newest change, until the catch-up is done
    this.isOverflown = false;
  }

  isKnown(revision) {
    return revision <= this.contiguous || this.ahead.has(revision);
  }

  add(revision, now) {
    if (this.isKnown(revision)) return;
    this.ahead.add(revision);
    this.close(now);
  }

  /** Go on to the end of what is contiguous; what is left stands behind a gap. */
  close(now) {
    const before = this.contiguous;
    while (this.ahead.delete(this.contiguous + 1)) this.contiguous += 1;
    if (this.ahead.size === 0) this.gapUntil = null;
    else if (this.ahead.size > MOST_AHEAD) this.gapUntil = now;
    else if (this.gapUntil === null || this.contiguous > before) this.gapUntil = now + GAP_STANDS;
  }

  hold(frame) {
    const { id, revision } = frame.data;
    if (revision <= (this.held.get(id)?.data.revision ?? 0)) return;
    this.held.set(id, frame);
    if (this.held.size > MOST_HELD) {
      this.isOverflown = true;
      this.held.clear();
    }
  }

  release() {
    const frames = [...this.held.values()].filter(({ data }) => !this.isKnown(data.revision));
    this.held.clear();
    this.isOverflown = false;
    return frames.sort((one, other) => one.data.revision - other.data.revision);
  }
}

export class Sync {
  /**
   * `ask(chatId, {since, isBackground}, done, failed)` sends `subscribe` and calls `done(ack)` or `failed(Refused)` once;
   * `deliver(frame)` shows a change, each once. What a catch-up brings comes between `begin(chatId)` and
   * `end(chatId)`. `reset(chatId)`: the chat has to be loaded anew, and followed again from there;
   * `refused(chatId, code)`: it cannot be followed any more; `broken()`: the server does not answer.
   */
  constructor({ ask, deliver, begin, end, reset, refused, broken }) {
    Object.assign(this, { ask, deliver, begin, end, reset, refused, broken });
    this.chats = new Map();
    this.isOpen = false;
  }

  /**
   * Bring the changes of a chat after `revision`, now and after every reconnect. A chat that goes into the background or comes
   * from there goes on where it is.
   */
  follow(chatId, revision, now, isBackground = false) {
    let chat = this.chats.get(chatId);
    if (chat === undefined || chat.isBackground === isBackground) chat = new Chat(revision, isBackground);
    chat.isBackground = isBackground;
    this.chats.set(chatId, chat);
    if (this.isOpen) this.question(chatId, chat, now);
  }

  /** Returns whether it was followed. */
  unfollow(chatId) {
    return this.chats.delete(chatId);
  }

  /** The server has sent its welcome: ask for what every chat has missed. */
  open(now) {
    this.isOpen = true;
    this.again(now);
  }

  /** The connection is closed. What was held comes again with the next catch-up. */
  pause() {
    this.isOpen = false;
    for (const chat of this.chats.values()) {
      Object.assign(chat, { question: null, isAskedAgain: false, retryAt: null, refusals: 0 });
      chat.release();
    }
  }

  /** Something may have been missed, in any chat: first the one that is read. */
  again(now) {
    const inOrder = [...this.chats].sort(([, one], [, other]) => Number(one.isBackground) - Number(other.isBackground));
    for (const [chatId, chat] of inOrder) this.question(chatId, chat, now);
  }

  /** Whether a catch-up of the chat is under way. */
  isAsking(chatId) {
    return (this.chats.get(chatId)?.question ?? null) !== null;
  }

  /** Whether every chat has caught up. */
  get isDone() {
    return [...this.chats.values()].every(({ question, retryAt }) => question === null && retryAt === null);
  }

  /** Take a frame; returns whether it is a change of a chat that is followed, and thus this one's to deliver. */
  take(frame, now) {
    const chat = CHANGES.has(frame.type) ? this.chats.get(frame.chat_id) : undefined;
    if (chat === undefined) return false;
    const { revision } = frame.data;
    if (chat.question !== null || chat.retryAt !== null) {
      chat.hold(frame);
    } else if (!chat.isKnown(revision)) {
      chat.add(revision, now);
      this.deliver(frame);
    }
    return true;
  }

  /** When `tick` has something to do; null where nothing is waited for. */
  get deadline() {
    let earliest = null;
    for (const { question, retryAt, gapUntil } of this.isOpen ? this.chats.values() : []) {
      const at = question !== null ? null : (retryAt ?? gapUntil);
      if (at !== null && (earliest === null || at < earliest)) earliest = at;
    }
    return earliest;
  }

  tick(now) {
    for (const [chatId, chat] of this.isOpen ? [...this.chats] : []) {
      const at = chat.retryAt ?? chat.gapUntil;
      if (chat.question === null && at !== null && at <= now) this.question(chatId, chat, now);
    }
  }

  question(chatId, chat, now) {
    if (chat.question !== null) {
      chat.isAskedAgain = true;
      return;
    }
    const question = {};
    Object.assign(chat, { question, isAskedAgain: false, retryAt: null, gapUntil: null });
    const isCurrent = () => chat.question === question && this.chats.get(chatId) === chat;
    this.ask(
      chatId,
      { since: chat.contiguous, isBackground: chat.isBackground },
      (ack, at) => isCurrent() && this.caughtUp(chatId, chat, ack, at),
      (error, at) => isCurrent() && this.failed(chatId, chat, error, at),
    );
  }

  caughtUp(chatId, chat, ack, now) {
    Object.assign(chat, { question: null, refusals: 0 });
    if (ack.reset || chat.isOverflown) {
      chat.release();
      chat.ahead.clear();
      chat.contiguous = ack.revision; // also where that is less: a backup was restored
      this.reset(chatId);
      return;
    }
    const frames = chat.release();
    for (const { data } of frames) if (data.revision > ack.revision) chat.ahead.add(data.revision);
    for (const revision of chat.ahead) if (revision <= ack.revision) chat.ahead.delete(revision);
    chat.contiguous = Math.max(chat.contiguous, ack.revision);
    chat.close(now);
    if (frames.length > 0) {
      this.begin(chatId);
      for (const frame of frames) this.deliver(frame);
      this.end(chatId);
    }
    if (chat.isAskedAgain) this.question(chatId, chat, now);
  }

  failed(chatId, chat, { code, frame }, now) {
    chat.question = null;
    if (TEMPORARY.has(code)) {
      chat.retryAt = now + Math.max(retryDelay(chat.refusals), (frame.retry_after ?? 0) * 1000);
      chat.refusals += 1;
    } else if (code === "lost") {
      this.broken();
    } else {
      this.chats.delete(chatId);
      this.refused(chatId, code);
    }
  }
}
