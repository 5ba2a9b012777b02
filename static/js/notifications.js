// The bell: rings when something wants attention, and counts what the server counts.
import { emit, on } from "./bus.js";
import { text } from "./text.js";
import { toast } from "./toasts.js";

const SETTLE = 150; // ms: several at once are one look at the server

const WORDS = { mention: "mentioned", reply: "replied", added: "added", invited: "invited" };

export class Notifications {
  /** `isSeen(notification)`: whether the reader is looking at what it is about. */
  constructor(bell, isSeen) {
    this.bell = bell;
    this.isSeen = isSeen;
    this.timer = null;
    on("notification.new", (frame) => this.ring(frame.data));
    for (const type of ["ack", "chat.unread"]) {
      on(type, (frame) => {
        if (type === "chat.unread" || frame.action === "read") this.recount();
      });
    }
    bell.addEventListener("animationend", () => bell.classList.remove("bell-ring"));
  }

  ring(notification) {
    this.bell.classList.add("bell-ring");
    this.recount();
    if (this.isSeen(notification)) return;
    const name = notification.actor?.display_name ?? text("somebody");
    const place = notification.seq === null ? "" : `?at=${notification.seq}#message-${notification.seq}`;
    const href = notification.chat_id === null ? "/invitations/" : `/chats/${notification.chat_id}/${place}`;
    toast(text(WORDS[notification.kind], { name, chat: notification.chat_label }), {
      link: { href, label: text("show") },
    });
  }

  /** Fetch the badge again, soon. */
  recount() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => emit("bell.refresh", {}), SETTLE);
  }
}
