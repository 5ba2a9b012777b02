// The bell: rings for a new notification, counts what the server counts, and follows what was read elsewhere.
import { emit, on } from "../lib/bus.js";
import { text } from "../lib/text.js";
import { localizeTimes } from "../lib/times.js";
import { makeReload } from "../net/reload.js";
import { ChatToasts } from "./chat-toasts.js";
import { badge } from "./unread.js";

const SETTLE = 150; // ms: several at once are one request
// After these the notifications of a chat or workspace may be listed no more.
const LEAVING = ["chat.deleted", "chat.member_removed", "workspace.deleted", "workspace.member_removed"];

export class Notifications {
  /** `isSeen(notification)`: whether the reader is looking at what it is about; `toasts` see toasts.js. */
  constructor({ bell, isSeen, toasts, clock, signal }) {
    Object.assign(this, { bell, isSeen, clock });
    this.timer = null;
    this.chatToasts = new ChatToasts(toasts);
    const path = () => location.pathname + location.search;
    this.page = makeReload({ path, show: (page) => this.showList(page), clock, signal });
    on("notification.new", (frame) => this.ring(frame.data), signal);
    on("notification.read", (frame) => this.read(frame), signal);
    for (const type of LEAVING) on(type, () => this.recount(), signal);
    bell.addEventListener("animationend", () => bell.classList.remove("bell-ring"), { signal });
  }

  ring(notification) {
    this.bell.classList.add("bell-ring");
    this.recount();
    if (!this.isSeen(notification)) this.chatToasts.add(notification);
  }

  /** Some were read, or deleted with their message; without `ids` all. */
  read({ ids, unread_count }) {
    this.chatToasts.read(ids);
    this.paint(unread_count);
    const isRead = ({ dataset }) => ids === undefined || ids.includes(dataset.notificationId);
    for (const entry of [...document.querySelectorAll(".notification.unread")].filter(isRead)) {
      entry.classList.remove("unread");
      entry.querySelector(".unread-dot").remove();
    }
    this.recount(); // the lists, too: of those that are gone
  }

  paint(count) {
    const box = document.getElementById("bell-badge");
    if (count === 0) {
      box.replaceChildren();
      return;
    }
    const [mark, shown, spoken] = [1, 2, 3].map(() => document.createElement("span"));
    mark.className = "badge";
    shown.setAttribute("aria-hidden", "true");
    shown.textContent = badge(count);
    spoken.className = "visually-hidden";
    spoken.textContent = text("unread_count", { count });
    mark.append(shown, spoken);
    box.replaceChildren(mark);
  }

  /** Fetch the badge and the lists that are on the screen again, soon. */
  recount() {
    this.clock.clearTimeout(this.timer);
    this.timer = this.clock.setTimeout(() => {
      emit("bell.refresh", {});
      if (this.bell.open) emit("bell.list", {});
      if (document.getElementById("notification-list") !== null) this.page.start();
    }, SETTLE);
  }

  /** Show the page of notifications as it is now; the focus stays on its notification. */
  showList(page) {
    const list = document.getElementById("notification-list");
    const fresh = page.getElementById("notification-list");
    const focused = list.contains(document.activeElement) ? document.activeElement.dataset.notificationId : null;
    localizeTimes(fresh);
    list.replaceChildren(...fresh.childNodes);
    if (focused) list.querySelector(`[data-notification-id="${CSS.escape(focused)}"]`)?.focus();
  }
}
