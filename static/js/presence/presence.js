// Who is online: what the server says of those who are watched, plus changes. Pure. docs/protocol.md, "Presence".
//
// Entries are as they come over the wire: {user_id, is_online, last_seen, version}. Of two changes of one user the
// one with the higher version counts, whatever order they arrive in.
import { compareKeys } from "../lib/folding.js";

/** Online first, then by name, as the server sorts: `isOnline`, `name` (its key, see folding.js) and `id` are given. */
export function compareMembers(a, b) {
  if (a.isOnline !== b.isOnline) return a.isOnline ? -1 : 1;
  return compareKeys(a.name, b.name) || compareKeys(a.id, b.id);
}

export class Presence {
  constructor() {
    this.isKnown = false; // whether a snapshot stands; without one nobody is online or offline
    this.isHeld = false; // whether changes wait for the next snapshot, although one stands
    this.states = new Map(); // user id → entry; null of whom the server says nothing
    this.waiting = new Map(); // user id → the latest change that came before the snapshot
  }

  /** What the server wrote into the page counts until a snapshot comes, unless that of a new connection is still to come. */
  seed(entries) {
    if (!this.isHeld) this.snapshot(entries);
    else if (this.isKnown) this.merge(entries);
  }

  /** Take a snapshot, then the changes that waited for it. Of those of `userIds` who are not in it nothing is known. */
  snapshot(entries, userIds = []) {
    if (this.isHeld) this.states.clear(); // it is newer than all that was known before the loss
    this.isHeld = false;
    const given = new Set(entries.map(({ user_id }) => user_id));
    for (const userId of userIds) if (!given.has(userId)) this.states.set(userId, null);
    this.merge(entries);
    const waiting = [...this.waiting.values()];
    this.waiting.clear();
    this.apply(waiting);
  }

  /** An entry replaces what has an equal or a lower version. */
  merge(entries) {
    for (const entry of entries) {
      if (entry.version >= this.versionOf(entry.user_id)) this.states.set(entry.user_id, entry);
    }
    this.isKnown = true;
  }

  /** Take changes; returns the ids of the users they changed. Before a snapshot they wait for it. */
  apply(entries) {
    const changed = [];
    for (const entry of entries) {
      const { user_id, version } = entry;
      if (!this.isKnown || this.isHeld) {
        if (version > (this.waiting.get(user_id)?.version ?? -1)) this.waiting.set(user_id, entry);
      } else if (version > this.versionOf(user_id)) {
        this.states.set(user_id, entry);
        changed.push(user_id);
      }
    }
    return changed;
  }

  /** Forget all but these users. */
  keep(userIds) {
    for (const userId of this.states.keys()) if (!userIds.has(userId)) this.states.delete(userId);
  }

  /** The connection is lost: what is known stays shown until the next snapshot; changes wait for it. */
  hold() {
    this.isHeld = true;
    this.waiting.clear();
  }

  /** Nothing is known any more, and will not be before the next snapshot. */
  lose() {
    this.isKnown = false;
    this.states.clear();
    this.hold();
  }

  /** The entry of a user; null where it is not known, undefined where nobody has asked yet. */
  stateOf(userId) {
    return this.isKnown ? this.states.get(userId) : null;
  }

  versionOf(userId) {
    return this.states.get(userId)?.version ?? -1;
  }
}
