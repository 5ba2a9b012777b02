// The bell: rings when something wants attention, counts what the server counts, and forgets what was read elsewhere.
import { emit, on } from "../lib/bus.js";
import { FreshPage, loadPage } from "../chat/reload.js";
import { Gathered } from "./chat-toasts.js";
import { text } from "../lib/text.js";
import { localizeTimes } from "../lib/times.js";
import { badge } from "./unread.js";

const SETTLE = 150; // ms: several at once are one look at the server
// After these the notifications of a chat or workspace may be listed no more.
const LEAVING = ["chat.deleted", "chat.member_removed", "workspace.deleted", "workspace.member_removed"];

export class Notifications {
  /** `isSeen(notification)`: whether the reader is looking at what it is about; `clock` see socket.js. */
  constructor(bell, isSeen, clock) {
    this.bell = bell;
    this.isSeen = isSeen;
    this.timer = null;
    this.gathered = new Gathered();
    this.page = new FreshPage({
      load: () => loadPage(`${location.pathname}${location.search}`),
      show: (page) => this.showList(page),
      clock,
    });
    on("notification.new", (frame) => this.ring(frame.data));
    on("notification.read", (frame) => this.read(frame));
    for (const type of LEAVING) on(type, () => this.recount());
    bell.addEventListener("animationend", () => bell.classList.remove("bell-ring"));
  }

  ring(notification) {
    this.bell.classList.add("bell-ring");
    this.recount();
    if (!this.isSeen(notification)) this.gathered.add(notification);
  }

  /** Some were read, or are gone with their message. */
  read({ ids, unread_count }) {
    this.gathered.read(ids);
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
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      emit("bell.refresh", {});
      if (this.bell.open) emit("bell.list", {});
      if (document.getElementById("notification-list") !== null) this.page.fetch();
    }, SETTLE);
  }

  /** Show the page of notifications as it is now; whoever was on one of them stays there. */
  showList(page) {
    const list = document.getElementById("notification-list");
    const fresh = page.getElementById("notification-list");
    const focused = list.contains(document.activeElement) ? document.activeElement.dataset.notificationId : null;
    localizeTimes(fresh);
    list.replaceChildren(...fresh.childNodes);
    if (focused) list.querySelector(`[data-notification-id="${CSS.escape(focused)}"]`)?.focus();
  }
}
