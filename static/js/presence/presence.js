// Who of a chat's members is online: a snapshot plus changes. Pure. docs/protocol.md, "Presence".
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
    this.members = new Set(); // who is listed, and so counted
    this.states = new Map(); // user id → entry, also of people the list does not have yet
    this.waiting = new Map(); // user id → the latest change that came before the snapshot
  }

  /** The list was written by the server: these are the members. Where it knew who is online, it is a snapshot too. */
  seed(entries, isKnown) {
    this.members = new Set(entries.map(({ user_id }) => user_id));
    if (!isKnown) return;
    if (!this.isHeld) this.snapshot(entries);
    else if (this.isKnown) this.merge(entries); // the snapshot after the next subscription is still to come
  }

  /** Take a snapshot, then the changes that waited for it. */
  snapshot(entries) {
    if (this.isHeld) this.states.clear(); // it is newer than all that was known before the loss
    this.isHeld = false;
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

  /** The connection is lost: what is known stays shown until the next snapshot; changes wait for it. */
  hold() {
    this.isHeld = true;
    this.waiting.clear();
  }

  /** Nothing is known any more; the next snapshot counts as it is. */
  lose() {
    this.isKnown = false;
    this.isHeld = false;
    this.states.clear();
    this.waiting.clear();
  }

  /** The entry of a user; null where it is not known. */
  stateOf(userId) {
    return (this.isKnown && this.states.get(userId)) || null;
  }

  /** How many of those listed are online; null where it is not known. */
  get count() {
    if (!this.isKnown) return null;
    let count = 0;
    for (const userId of this.members) if (this.states.get(userId)?.is_online) count += 1;
    return count;
  }

  versionOf(userId) {
    return this.states.get(userId)?.version ?? -1;
  }
}
