// Marks on the chats in which something was written and not sent: a pencil for a draft, a warning sign for messages that
// were refused or wait for the connection.
import { on } from "../lib/bus.js";
import { perFrame } from "../lib/paced.js";
import { chatsWithDrafts } from "../outbox/drafts.js";
import { rooms } from "./room-list.js";

/** The chats of the outbox' entries that are not simply on their way: a set of ids. */
export function chatsNotSent(entries, isOnline) {
  return new Set(entries.filter(({ status }) => status === "failed" || !isOnline).map(({ chat_id }) => chat_id));
}

export class Marks {
  constructor({ userId, outbox, signal }) {
    Object.assign(this, { userId, outbox });
    this.isOnline = true; // false from a loss until the connection is back, whatever is tried meanwhile
    const soon = perFrame(() => this.show(), signal);
    for (const type of ["drafts.changed", "written.forgotten", "outbox.changed"]) on(type, soon, signal);
    on("socket.state", ({ state }) => {
      if (state !== "connecting" && state !== "syncing") this.isOnline = state === "online";
      soon();
    }, signal);
    window.addEventListener("storage", ({ storageArea }) => {
      if (storageArea === localStorage) soon();
    }, { signal });
    soon();
  }

  show() {
    const unsent = chatsNotSent(this.outbox.entries, this.isOnline);
    const drafts = chatsWithDrafts(localStorage, this.userId);
    for (const room of rooms()) {
      const { chatId } = room.dataset;
      paint(room, unsent.has(chatId) ? "unsent" : drafts.has(chatId) ? "draft" : "");
    }
  }
}

function paint(room, mark) {
  if ((room.dataset.mark ?? "") === mark) return;
  room.querySelector(".room-mark")?.remove();
  if (mark === "") delete room.dataset.mark;
  else {
    room.dataset.mark = mark;
    room.querySelector(".room-name").after(document.getElementById(`${mark}-mark`).content.cloneNode(true));
  }
}
