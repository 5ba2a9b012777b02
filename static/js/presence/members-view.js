// The member list: fetched again when somebody comes or goes; dots, times, counts and order follow presence.
import { on } from "../lib/bus.js";
import { nameKey } from "../lib/folding.js";
import { text } from "../lib/text.js";
import { localizeTime } from "../lib/times.js";
import { MemberPages } from "./member-pages.js";
import { compareMembers } from "./presence.js";
import { reorder } from "./reorder.js";

const ROOT = "member-list";
const HEADER = "chat-header";

const lookOf = (state) => (state === null ? "unknown" : state.is_online ? "online" : "offline");
const WORDS = { online: "dot_online", offline: "dot_offline" };

function lastSeenLine(at) {
  const time = document.createElement("time");
  time.dateTime = at;
  time.dataset.style = "ago";
  localizeTime(time);
  const [before, after = ""] = text("last_seen").split("{time}");
  return [before, time, after];
}

export class MembersView {
  /**
   * `presence` (presence.js) is null where it is switched off; `here` see onChat. `onOffline(userIds)` is told who is shown
   * offline; `onStale()` is called where the server could not say who is online, `onFailed()` where more of the list was
   * asked for and cannot be had.
   */
  constructor({ chatId, userId, presence, here, clock, signal, onOffline, onStale, onFailed }) {
    Object.assign(this, { userId, presence, signal, onOffline, onStale });
    this.rows = new Map(); // user id → {item, dot, line, name}
    this.isOrderOwed = false;
    this.online = null; // how many members are online, of all
    this.isOut = false; // the reader is no member any more and may not look
    this.stillness = matchMedia("(prefers-reduced-motion: reduce)");
    this.hovers = matchMedia("(hover: hover)"); // without, :hover stays where one tapped last
    const pane = document.getElementById("members");
    const onShown = () => {
      if (this.presence !== null && !this.isOut) this.seed();
    };
    this.pages = new MemberPages({ chatId, pane, clock, signal, onShown, onFailed });
    here("chat.member_added", () => this.refresh());
    here("chat.member_removed", ({ data }) => {
      this.isOut ||= data.user_id === userId;
      this.refresh();
    });
    on("names.shown", (names) => this.rename(names), signal);
    if (presence === null) return;
    this.seed();
    on("header.shown", () => this.showCounts(), signal);
    const left = ({ relatedTarget }) => {
      if (this.isOrderOwed && !this.list.contains(relatedTarget)) requestAnimationFrame(() => this.sort(true));
    };
    pane.addEventListener("pointerout", left, { signal });
    pane.addEventListener("focusout", left, { signal });
  }

  /** Fetch the list again, soon. */
  refresh() {
    if (!this.isOut) this.pages.refresh();
  }

  /** How many members are online, as the socket has it; null where it is not known. */
  countOnline(count) {
    if (count === this.online) return;
    this.online = count;
    this.pages.changedHere(); // a list on its way may have been counted before
    this.showCounts();
  }

  /** Show what people are called now, in the order of the names; what it says of them otherwise comes with the list. */
  rename(names) {
    let isListed = false;
    for (const item of document.querySelectorAll(`#${ROOT} .member-item`)) {
      const name = names.get(item.dataset.userId);
      if (name === undefined || name === item.dataset.name) continue;
      isListed = true;
      item.dataset.name = name;
      const remove = item.querySelector(".member-remove");
      if (remove !== null) remove.setAttribute("aria-label", text("remove_member", { name }));
      const row = this.rows.get(item.dataset.userId);
      if (row !== undefined) row.name = nameKey(name);
    }
    if (isListed && this.presence !== null) this.sort(false);
  }

  /** Everybody who can be mentioned. */
  people() {
    return [...document.querySelectorAll(`#${ROOT} .member-item`)].map(({ dataset }) => ({
      id: dataset.userId,
      username: dataset.username,
      name: dataset.name,
    }));
  }

  /** Whether the chat has members whom the page does not list. */
  get isPartial() {
    return this.pages.isPartial;
  }

  get list() {
    return this.pages.list;
  }

  /** Start from what the server wrote into the list. */
  seed() {
    const { presence, online } = this.pages.root.dataset;
    const isKnown = presence === "known";
    this.online = isKnown ? Number(online) : null;
    const items = [...this.list.children];
    this.rows = new Map(items.map((item) => [item.dataset.userId, {
      item,
      dot: item.querySelector(".presence-dot"),
      line: item.querySelector("small"),
      name: nameKey(item.dataset.name),
    }]));
    this.presence.seed(items.map((item) => ({
      user_id: item.dataset.userId,
      is_online: this.rows.get(item.dataset.userId).dot.classList.contains("online"),
      last_seen: item.dataset.lastSeen ?? null,
      version: Number(item.dataset.version ?? -1),
    })), isKnown);
    this.show();
    if (!isKnown) this.onStale();
  }

  /** Show the presence of these users, of all without `userIds`; `animate` says whether the order may be seen to change. */
  show(userIds = [...this.rows.keys()], { animate = false } = {}) {
    const offline = [];
    for (const userId of userIds) {
      const row = this.rows.get(userId);
      if (row === undefined) continue; // not listed yet: the list is on its way
      const state = this.presence.stateOf(userId);
      this.paint(row, state);
      if (lookOf(state) === "offline") offline.push(userId);
    }
    this.showCounts();
    this.sort(animate);
    this.onOffline(offline);
  }

  paint({ item, dot, line }, state) {
    const look = lookOf(state);
    const lastSeen = (look === "offline" && state.last_seen) || "";
    if (dot.classList.contains(look) && (item.dataset.lastSeen ?? "") === lastSeen) return;
    item.dataset.lastSeen = lastSeen;
    dot.className = `presence-dot ${look}`;
    dot.firstElementChild.textContent = look in WORDS ? text(WORDS[look]) : "";
    if (item.dataset.userId === this.userId) return; // "You", whatever happens
    if (look === "online") line.textContent = text("online");
    else if (lastSeen !== "") line.replaceChildren(...lastSeenLine(lastSeen));
    else line.textContent = `@${item.dataset.username}`;
  }

  showCounts() {
    const count = this.presence.isKnown ? this.online : null;
    const title = document.querySelector(`#${ROOT} .member-count`);
    title.textContent =
      count === null ? text("members_total", { count: document.getElementById(ROOT).dataset.total }) : text("members_online", { count });
    this.showPeer(document.querySelector(`#${HEADER} .peer-state`));
    const badge = document.querySelector(`#${HEADER} .online-count`);
    if (badge === null) return;
    badge.hidden = count === null;
    if (count !== null) badge.lastElementChild.textContent = text("online_count", { count });
  }

  /** In a direct chat the header has the state of the other one, null elsewhere; nothing while it is not known. */
  showPeer(line) {
    if (line === null) return;
    const state = this.presence.stateOf(line.dataset.userId);
    const look = lookOf(state);
    line.hidden = look === "unknown";
    if (line.hidden) return;
    line.firstElementChild.className = `presence-dot ${look}`;
    if (look === "online") line.lastElementChild.textContent = text("online");
    else if (state.last_seen) line.lastElementChild.replaceChildren(...lastSeenLine(state.last_seen));
    else line.lastElementChild.textContent = text("offline");
  }

  /** Whether the pointer or the focus is in the list: nothing moves below them, the order waits until they have left. */
  get isHeld() {
    const { list } = this;
    return (this.hovers.matches && list.matches(":hover")) || list.contains(document.activeElement);
  }

  sort(animate) {
    if (this.signal.aborted || !this.presence.isKnown) return; // there is no better order than the one that stands
    this.isOrderOwed = this.isHeld;
    if (this.isOrderOwed) return;
    const people = [...this.rows].map(([id, { item, name }]) => ({
      id,
      item,
      name,
      isOnline: this.presence.stateOf(id)?.is_online === true,
    }));
    const wanted = people.sort(compareMembers).map(({ item }) => item);
    reorder(this.list, wanted, { animate: animate && !this.stillness.matches });
  }
}
