// The member list: fetched again when somebody comes or goes.
import { on } from "./bus.js";

const SETTLE = 300; // ms: a hundred people added at once are one look at the server

export class MembersView {
  constructor(htmx, chatId, userId) {
    this.htmx = htmx;
    this.timer = null;
    for (const type of ["chat.member_added", "chat.member_removed"]) {
      on(type, (frame) => {
        if (frame.chat_id !== chatId) return;
        if (type === "chat.member_removed" && frame.data.user_id === userId) this.stop();
        else this.refresh();
      });
    }
  }

  refresh() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.htmx.trigger("#member-list", "members.refresh"), SETTLE);
  }

  /** The reader is no member any more and may not look. */
  stop() {
    clearTimeout(this.timer);
    this.refresh = () => {};
  }

  /** Everybody who can be mentioned. */
  people() {
    return [...document.querySelectorAll("#member-list .member-item")].map(({ dataset }) => ({
      id: dataset.userId,
      username: dataset.username,
      name: dataset.name,
    }));
  }
}
