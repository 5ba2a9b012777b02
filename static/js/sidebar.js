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
    this.isFetching = false;
    this.isStale = false; // something changed meanwhile: the answer may be too old to know it
    for (const type of CHANGES) on(type, () => this.refresh());
    for (const type of ["chat.member_added", "chat.member_removed"]) {
      on(type, (frame) => {
        if (frame.data.user_id === userId) this.refresh();
      });
    }
  }

  refresh() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.fetch(), SETTLE);
  }

  /** A count was shown that a list on its way may not have. */
  counted() {
    this.isStale = this.isFetching;
  }

  async fetch() {
    this.isStale = this.isFetching;
    if (this.isFetching) return;
    this.isFetching = true;
    // The pane is the source because requests of one source wait for each other, and may be forgotten: dialogs have <body>.
    const place = { source: "#sidebar", target: "#sidebar-list", swap: "outerHTML" };
    try {
      await this.htmx.ajax("GET", `/sidebar/?chat=${this.chatId}`, place);
    } catch {
      // The old list stays; app.js says nothing of it.
    }
    this.isFetching = false;
    if (this.isStale) this.refresh();
  }
}
