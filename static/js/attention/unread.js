// Unread counts in the list of chats and in the title.
import { on } from "../lib/bus.js";
import { text } from "../lib/text.js";

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

/** Returns a new .count, or .count.sign: a number, and the words for it. */
function countElement(unread, mentions, { isSign = false, key = "unread_count" } = {}) {
  const count = document.createElement("span");
  count.className = isSign ? "count sign" : "count";
  count.classList.toggle("mentions", mentions > 0);
  const shown = count.appendChild(document.createElement("span"));
  shown.setAttribute("aria-hidden", "true");
  shown.textContent = mentions > 0 ? `${isSign ? "" : "@ "}${badge(mentions)}` : badge(unread);
  const spoken = count.appendChild(document.createElement("span"));
  spoken.className = "visually-hidden";
  spoken.textContent = text(key, { count: spokenCount(unread) });
  return count;
}

/** Have the number in one of the navbar's signs, none without unread messages. */
function paintSign(id, { unread, mentions }, key) {
  const sign = document.getElementById(id);
  const fresh = unread > 0 ? [countElement(unread, mentions, { isSign: true, key })] : [];
  if (sign !== null && sign.textContent !== (fresh[0]?.textContent ?? "")) sign.replaceChildren(...fresh);
}

const numbersOf = ({ dataset }) => ({ unread: Number(dataset.unread ?? 0), mentions: Number(dataset.mentions ?? 0) });

export class Unread {
  /** `sidebar` see sidebar/start.js: it follows the counts, and fetches those of the other workspaces. */
  constructor({ sidebar, signal }) {
    this.sidebar = sidebar;
    const follow = (frame) => {
      if (!this.set(frame.chat_id, frame.unread_count, frame.mention_count)) this.sidebar.refreshCounts();
    };
    on("chat.unread", follow, signal);
    for (const type of ["sidebar.shown", "header.shown", "chat.opened"]) on(type, () => this.showTotal(), signal);
    this.showTotal();
  }

  /** Show a chat's counts; returns false where the list does not have it. */
  set(chatId, unread, mentions) {
    const room = roomOf(chatId);
    if (room === null) return false;
    this.sidebar.changedHere();
    const before = numbersOf(room);
    if (before.unread === unread && before.mentions === mentions) return true;
    room.dataset.unread = String(unread);
    room.dataset.mentions = String(mentions);
    room.classList.toggle("unread", unread > 0);
    room.querySelector(".count")?.remove();
    if (unread > 0) room.append(countElement(unread, mentions));
    this.sidebar.counted(room, unread > before.unread);
    this.showTotal();
    return true;
  }

  /** How many messages of a chat are unread, as the list of chats has it; null where it does not have the chat. */
  count(chatId) {
    const room = roomOf(chatId);
    return room === null ? null : Number(room.dataset.unread);
  }

  /** How many of a chat's unread messages mention the reader, as the list of chats has it. */
  mentions(chatId) {
    return Number(roomOf(chatId)?.dataset.mentions ?? 0);
  }

  /** Show the sums: here, in the other workspaces, and all of them in the title. */
  showTotal() {
    const here = { unread: 0, mentions: 0 };
    for (const room of document.querySelectorAll("#sidebar-list a.room.unread")) {
      const { unread, mentions } = numbersOf(room);
      here.unread += unread;
      here.mentions += mentions;
    }
    const choices = document.getElementById("workspace-choices");
    const elsewhere = choices === null ? { unread: 0, mentions: 0 } : numbersOf(choices);
    const total = here.unread + elsewhere.unread;
    const list = document.getElementById("sidebar-list");
    if (list !== null) list.dataset.totalUnread = String(total);
    for (const id of ["sidebar-sign", "chat-sign"]) paintSign(id, here, "unread_count"); // on a phone the chat has its own
    paintSign("workspace-sign", elsewhere, "unread_elsewhere");
    document.title = titleWith(document.title, total);
  }
}
