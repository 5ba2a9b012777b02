// What people are called now, wherever their names stand on the page.
import { paintAvatar } from "../lib/avatars.js";
import { emit, on } from "../lib/bus.js";
import { text } from "../lib/text.js";
import { fetchPart, PageError } from "../net/fetch-page.js";

const SETTLE = 50; // ms: many names at once are one pass over the page
const MOST = 5000; // names that are remembered
const AVATARS = "[data-avatar-of], .message > .avatar, .member-item > .avatar"; // the others say themselves whose they are
const MOST_ASKED = 200; // at once; chats/views/chat_page.py has it too

/** Show what people are called, user id → name, on everything below `root`. */
export function showNames(root, names) {
  for (const element of root.querySelectorAll("[data-name-of]")) {
    const name = names.get(element.dataset.nameOf);
    if (name !== undefined && element.textContent !== name) element.textContent = name;
  }
  for (const element of root.querySelectorAll(AVATARS)) {
    const { authorId, userId } = element.parentElement.dataset;
    const whose = element.dataset.avatarOf ?? authorId ?? userId;
    const name = names.get(whose);
    if (name !== undefined) paintAvatar(element, whose, name);
  }
}

export class People {
  constructor({ clock, signal }) {
    this.clock = clock;
    this.known = new Map(); // user id → their latest name
    this.changed = new Map(); // of these, what the page does not show yet
    this.timer = null;
    for (const type of ["user.changed", "me.changed"]) {
      on(type, ({ data }) => this.learn([[data.id, data.display_name]]), signal);
    }
    const forget = ({ name }) => {
      if (name !== "connected") this.known.clear(); // what comes after the loss may be newer
    };
    on("socket.state", forget, signal);
  }

  /** What somebody is called: a message may have been made before they changed their name, and come after it. */
  nameOf(userId, name) {
    return this.known.get(userId) ?? name;
  }

  /** Show what these people are called, [[id, name]]; then "names.shown" tells the rest of the page. */
  learn(entries) {
    for (const [userId, name] of entries) {
      this.known.delete(userId);
      this.known.set(userId, name);
      this.changed.set(userId, name);
    }
    for (const userId of this.known.keys()) {
      if (this.known.size <= MOST) break;
      this.known.delete(userId);
    }
    this.timer ??= this.clock.setTimeout(() => this.show(), SETTLE);
  }

  /** Ask what these people of a chat are called now; where they are too many, the last of them. */
  async load({ chatId, userIds, signal }) {
    if (userIds.length === 0) return;
    const path = `/chats/${chatId}/names/?ids=${userIds.slice(-MOST_ASKED).join(",")}`;
    try {
      this.learn(Object.entries(JSON.parse(await fetchPart(path, signal))));
    } catch (error) {
      if (!(error instanceof PageError)) throw error; // else they are loaded when the connection is back
    }
  }

  show() {
    this.timer = null;
    const names = new Map(this.changed);
    this.changed.clear();
    showNames(document, names);
    const menu = document.querySelector("#user-menu > summary");
    const own = names.get(document.body.dataset.userId);
    if (menu !== null && own !== undefined) menu.setAttribute("aria-label", text("account_menu", { name: own }));
    emit("names.shown", names);
  }
}
