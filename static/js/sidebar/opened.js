// The chats that were opened in this tab, latest first: ids only, in sessionStorage.
import { recall, remember } from "../lib/storage.js";

const MOST = 20;

export class Opened {
  constructor({ storage, userId }) {
    Object.assign(this, { storage, key: `flowra.recent.${userId}` });
    this.ids = (recall(storage, this.key) ?? "").split(" ").filter((id) => id !== "").slice(0, MOST);
  }

  note(chatId) {
    this.ids = [chatId, ...this.ids.filter((id) => id !== chatId)].slice(0, MOST);
    remember(this.storage, this.key, this.ids.join(" "));
  }
}

/**
 * The order in which the quick switcher offers `rooms`, a list of {id, at, unread}: as they were opened, then by their
 * latest messages; not the open chat. So the first is the one before it.
 */
export function offered(rooms, { recent, openId }) {
  const place = new Map(recent.map((id, index) => [id, index]));
  const placeOf = ({ id }) => place.get(id) ?? Infinity;
  return rooms
    .filter(({ id }) => id !== openId)
    .sort((one, other) => (placeOf(one) === placeOf(other) ? other.at - one.at : placeOf(one) - placeOf(other)));
}
