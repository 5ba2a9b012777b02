// One notice for each chat with notifications: what came last, and how many there are.
import { text } from "../lib/text.js";

const WORDS = { mention: "mentioned", reply: "replied", added: "added", invited: "invited" };
const MOST = 100; // notifications of one chat that are counted

/** The chat that a notification is about; invitations are about none. */
function keyOf(notification) {
  return notification.chat_id ?? "invitations";
}

function hrefOf({ chat_id, seq }) {
  if (chat_id === null) return "/invitations/";
  return `/chats/${chat_id}/${seq === null ? "" : `?at=${seq}#message-${seq}`}`;
}

/** What a notice of these notifications of one chat says; the last one is the latest. */
function wordsOf(notifications) {
  const latest = notifications.at(-1);
  const name = latest.actor?.display_name ?? text("somebody");
  const told = text(WORDS[latest.kind], { name, chat: latest.chat_label });
  if (notifications.length === 1) return { message: told, detail: latest.excerpt };
  const message = text("gathered", { count: notifications.length, chat: latest.chat_label });
  const by = { name, chat: latest.chat_label, excerpt: latest.excerpt };
  return { message, detail: latest.excerpt ? text("gathered_latest", by) : told };
}

export class ChatToasts {
  /** `toasts` see toasts.js. */
  constructor(toasts) {
    this.toasts = toasts;
    this.notices = new Map(); // by chat: {element, notifications}
  }

  add(notification) {
    const key = keyOf(notification);
    const notice = this.notices.get(key);
    if (notice === undefined || !notice.element?.isConnected) {
      this.notices.set(key, { notifications: [notification], element: this.show([notification]) });
      return;
    }
    notice.notifications = [...notice.notifications, notification].slice(-MOST);
    this.change(notice);
  }

  /** Those of `ids`, or all, were read, or are gone. */
  read(ids) {
    for (const [key, notice] of this.notices) {
      const left = notice.notifications.filter(({ id }) => ids !== undefined && !ids.includes(id));
      if (left.length === 0 || !notice.element?.isConnected) {
        notice.element?.remove();
        this.notices.delete(key);
      } else if (left.length < notice.notifications.length) {
        notice.notifications = left;
        this.change(notice);
      }
    }
  }

  show(notifications) {
    const { message, detail } = wordsOf(notifications);
    const link = { href: hrefOf(notifications.at(-1)), label: text("show") };
    return this.toasts.show(message, { link, detail });
  }

  change({ element, notifications }) {
    const { message, detail } = wordsOf(notifications);
    const link = { href: hrefOf(notifications.at(-1)), label: text("show") };
    this.toasts.change(element, message, { link, detail });
  }
}
