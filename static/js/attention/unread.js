// Unread counts in the list of chats and in the title.
import { on } from "../lib/bus.js";

const MOST = 99;
const COUNT = /^\(\d+\+?\) /; // at the beginning of a title
const MOST_COUNTED = 999; // "or more"; chats/selectors/unread.py has it too

/** A count as a badge shows it. */
export function badge(count) {
  return count > MOST ? `${MOST}+` : String(count);
}

/** A count as it is spoken: the server counts up to 999. */
export function spokenCount(count) {
  return count >= MOST_COUNTED ? `${MOST_COUNTED}+` : String(count);
}

/** "(2) general · Flowra"; the bare title without unread messages. */
export function titleWith(title, total) {
  const bare = title.replace(COUNT, "");
  return total > 0 ? `(${badge(total)}) ${bare}` : bare;
}

/** Give the page another title, with the count that the present one has. */
export function retitle(bare) {
  document.title = (COUNT.exec(document.title)?.[0] ?? "") + bare;
}

function roomOf(chatId) {
  return document.querySelector(`.sidebar a.room[data-chat-id="${CSS.escape(chatId)}"]`);
}

export class Unread {
  /** `sidebar` (sidebar.js) fetches the list of chats again: for a chat that it does not show. */
  constructor({ sidebar, signal }) {
    this.sidebar = sidebar;
    const follow = (frame) => {
      if (!this.set(frame.chat_id, frame.unread_count, frame.mention_count)) this.sidebar.refresh();
    };
    on("chat.unread", follow, signal);
    on("sidebar.shown", () => this.showTotal(), signal);
    this.showTotal();
  }

  /** Show a chat's counts; returns false where the list does not have it. */
  set(chatId, unread, mentions) {
    const room = roomOf(chatId);
    const list = document.getElementById("sidebar-list");
    if (room === null || list === null) return false;
    this.sidebar.changedHere();
    const total = Number(list.dataset.totalUnread) + unread - Number(room.dataset.unread);
    list.dataset.totalUnread = String(Math.max(total, 0));
    room.dataset.unread = String(unread);
    room.dataset.mentions = String(mentions);
    this.paint(room, unread, mentions);
    this.showTotal();
    return true;
  }

  /** How many of a chat's unread messages mention the reader, as the list of chats has it. */
  mentions(chatId) {
    return Number(roomOf(chatId)?.dataset.mentions ?? 0);
  }

  paint(room, unread, mentions) {
    const count = room.querySelector(".count");
    const [shown, spoken] = count.children;
    room.classList.toggle("unread", unread > 0);
    count.hidden = unread === 0;
    count.classList.toggle("mentions", mentions > 0);
    shown.textContent = mentions > 0 ? `@ ${badge(mentions)}` : badge(unread);
    spoken.textContent = spoken.textContent.replace(/^\d*\+?/, spokenCount(unread));
  }

  showTotal() {
    const total = Number(document.getElementById("sidebar-list")?.dataset.totalUnread ?? 0);
    document.title = titleWith(document.title, total);
  }
}
