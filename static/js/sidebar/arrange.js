// The sections of the list of chats, and their order. Pure.
// The twin of chats/views/room_list.py; tests/cases/rooms.json holds both to the same.
import { compareKeys } from "../lib/folding.js";

export const SECTIONS = ["unread", "favourites", "chats", "work", "direct", "archived"];
export const ALWAYS = new Set(["chats", "work", "direct"]); // shown without a chat in them, too

const compareIds = ({ id: one }, { id: other }) => (one < other ? -1 : one > other ? 1 : 0);
const byName = (one, other) => compareKeys(one.key, other.key) || compareIds(one, other);
const byTime = (one, other) => other.at - one.at || compareIds(one, other);
const ORDERS = { unread: byTime, work: compareIds };

/** The section of a chat without what is unread in it. */
function homeOf({ kind, isFavourite, isClosed }) {
  if (isClosed) return "archived";
  if (isFavourite) return "favourites";
  return { discussion: "chats", direct: "direct" }[kind] ?? "work";
}

/**
 * Arrange `rooms`, a list of {id, kind, key (folded name), at (time of the latest message), unread, isFavourite, isClosed}.
 * Returns a map from section to ids. `kept` {id, isUnread} is the open chat: with unread chats first it stays among them, or
 * among the others, while it is open, whatever is read or written in it.
 */
export function arrange(rooms, { unreadFirst, kept = null }) {
  const inside = new Map(SECTIONS.map((name) => [name, []]));
  for (const room of rooms) {
    const isUnread = room.id === kept?.id ? kept.isUnread : room.unread > 0;
    inside.get(unreadFirst && isUnread ? "unread" : homeOf(room)).push(room);
  }
  return new Map([...inside].map(([name, found]) => [name, found.sort(ORDERS[name] ?? byName).map(({ id }) => id)]));
}

/** `wanted`, but with the chats that are shown where they are, in `shown`: only what is new is added, at the ends. */
export function withoutMoves(shown, wanted) {
  const known = new Set([...shown.values()].flat());
  const exists = new Set([...wanted.values()].flat());
  return new Map(SECTIONS.map((name) => [name, [
    ...(shown.get(name) ?? []).filter((id) => exists.has(id)),
    ...wanted.get(name).filter((id) => !known.has(id)),
  ]]));
}

/** Whether both are the same arrangement. */
export function isSame(one, other) {
  const asText = (arranged) => SECTIONS.map((name) => (arranged.get(name) ?? []).join()).join("|");
  return asText(one) === asText(other);
}
