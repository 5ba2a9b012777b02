// The list of chats: fetched again when a chat comes, goes or changes.
import { on } from "./bus.js";

const SETTLE = 200; // ms
const CHANGES = ["chat.created", "chat.renamed", "chat.closed", "chat.reopened", "chat.deleted"];

export class Sidebar {
  /** `chatId` is the open chat, "" for none; `userId` the reader. */
  constructor(htmx, { chatId, userId }) {
    this.htmx = htmx;
    this.chatId = chatId;
    this.timer = null;
    for (const type of CHANGES) on(type, () => this.refresh());
    for (const type of ["chat.member_added", "chat.member_removed"]) {
      on(type, (frame) => {
        if (frame.data.user_id === userId) this.refresh();
      });
    }
  }

  refresh() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const place = { target: "#sidebar-list", swap: "outerHTML" };
      this.htmx.ajax("GET", `/sidebar/?chat=${this.chatId}`, place).catch(() => {}); // the old list stays, app.js
    }, SETTLE);
  }
}
