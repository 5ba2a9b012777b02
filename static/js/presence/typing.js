// Who is typing, until when; and when to send that the reader is. Pure: time is given. docs/protocol.md, "Typing".

export const SAY_EVERY = 2000; // ms between two frames

/** The others. */
export class Typing {
  /** `timeout` in ms: an indicator that is not renewed goes. */
  constructor(selfId, timeout) {
    this.selfId = selfId;
    this.timeout = timeout;
    this.people = new Map(); // user id → {name, until}
  }

  receive({ user_id, display_name, is_typing }, now) {
    if (user_id === this.selfId) return;
    if (is_typing) this.people.set(user_id, { name: display_name, until: now + this.timeout });
    else this.people.delete(user_id);
  }

  /** Somebody has another name now. */
  rename(userId, name) {
    const person = this.people.get(userId);
    if (person !== undefined) person.name = name;
  }

  /** Somebody sent what they typed, or left. */
  forget(userId) {
    this.people.delete(userId);
  }

  clear() {
    this.people.clear();
  }

  /** Names of those who type now, in the order they began. */
  names(now) {
    for (const [id, { until }] of this.people) if (until <= now) this.people.delete(id);
    return [...this.people.values()].map(({ name }) => name);
  }

  /** When the next indicator goes; null without any. */
  nextChange() {
    const ends = [...this.people.values()].map(({ until }) => until);
    return ends.length > 0 ? Math.min(...ends) : null;
  }
}

/**
 * The reader. At most one "is typing" in SAY_EVERY ms; what is typed sooner is sent when that time is over, so that
 * somebody who writes a second message at once is shown too.
 */
export class OwnTyping {
  constructor() {
    this.isShown = false; // whether the others see us typing
    this.saidAt = -Infinity;
    this.isOwed = false; // something was typed that could not be told yet
  }

  /** The text changed; returns true or false to be sent as `is_typing`, or null for nothing to say now. */
  changed(isEmpty, now) {
    if (isEmpty) return this.left();
    this.isOwed = true;
    return this.tick(now);
  }

  /** Time passed; returns as `changed`. */
  tick(now) {
    if (!this.isOwed || Math.abs(now - this.saidAt) < SAY_EVERY) return null; // further on, the clock was set back
    this.isOwed = false;
    this.isShown = true;
    this.saidAt = now;
    return true;
  }

  /** When to call `tick`; null where there is nothing to tell. */
  nextTick() {
    return this.isOwed ? this.saidAt + SAY_EVERY : null;
  }

  /** The box was emptied or left; returns as `changed`. */
  left() {
    this.isOwed = false;
    if (!this.isShown) return null;
    this.isShown = false;
    return false;
  }

  /** The message was sent, which ends it for the others by itself. */
  sent() {
    this.isOwed = false;
    this.isShown = false;
  }
}

/** The sentence for these names; `text` see text.js. */
export function typingText(names, text) {
  const first = names.map((name) => name.split(" ")[0]);
  if (first.length === 0) return "";
  if (first.length === 1) return text("typing_one", { name: first[0] });
  if (first.length === 2) return text("typing_two", { name: first[0], other: first[1] });
  return text("typing_many");
}
