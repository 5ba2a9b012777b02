// The list of chats, and with it the menu of workspaces: fetched again when one comes, goes or changes.
import { on } from "../lib/bus.js";
import { paced } from "../lib/paced.js";

const SETTLE = 200; // ms
const EVERY = 1000; // ms between two looks at the server
const CHANGES = ["chat.created", "chat.renamed", "chat.closed", "chat.reopened", "chat.deleted"];
// What changes it if it is told of the reader.
const OWN = ["chat", "workspace"].flatMap((what) => [`${what}.member_added`, `${what}.member_removed`]);
OWN.push("workspace.role_changed");

export class Sidebar {
  /** `chatId` is the open chat, "" for none; `userId` the reader; `clock` see socket.js. */
  constructor(htmx, { chatId, userId, clock }) {
    this.htmx = htmx;
    this.chatId = chatId;
    this.refresh = paced(() => this.fetch(), { settle: SETTLE, every: EVERY, clock });
    this.isFetching = false;
    this.isStale = false; // something changed meanwhile: the answer may be too old to know it
    for (const type of CHANGES) on(type, () => this.refresh());
    for (const type of ["workspace.changed", "workspace.deleted"]) on(type, () => this.refresh());
    for (const type of OWN) {
      on(type, (frame) => {
        if (frame.data.user_id === userId) this.refresh();
      });
    }
    on("names.shown", (names) => {
      const peers = [...document.querySelectorAll("#sidebar-list [data-peer-id]")];
      if (peers.some(({ dataset }) => names.has(dataset.peerId))) this.refresh(); // they are sorted by name
    });
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
      const workspaceId = document.getElementById("sidebar-list").dataset.workspaceId ?? "";
      await this.htmx.ajax("GET", `/sidebar/?chat=${this.chatId}&workspace=${workspaceId}`, place);
    } catch {
      // The old list stays; app.js says nothing of it.
    }
    this.isFetching = false;
    if (this.isStale) this.refresh();
  }
}
