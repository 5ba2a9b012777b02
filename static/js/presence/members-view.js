// The member list: fetched again when somebody comes or goes; dots, times, counts and order follow presence.
import { on } from "../lib/bus.js";
import { nameKey } from "../lib/folding.js";
import { paced } from "../lib/paced.js";
import { text } from "../lib/text.js";
import { localizeTime } from "../lib/times.js";
import { MemberPages } from "./member-pages.js";
import { compareMembers } from "./presence.js";
import { reorder } from "./reorder.js";
import { lookOf, paintDot } from "./watch.js";

const ROOT = "member-list";
const HEADER = "chat-header";
const HIDDEN = { is_online: false, last_seen: null }; // of both in a direct chat in which one blocks the other
const MOST_WATCHED = 300; // rows, those around what is seen
const COUNTED = { settle: 1000, every: 15_000 }; // ms: a long list is fetched again where other members are online

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
   * `watch` (watch.js) is null where presence is switched off; `here` see onChat. `onOffline(userIds)` is told who is shown
   * offline; `onFailed()` is called where more of the list was asked for and cannot be had.
   */
  constructor({ chatId, userId, watch, here, clock, signal, onOffline, onFailed }) {
    Object.assign(this, { userId, watch, signal, onOffline });
    this.rows = new Map(); // user id → {item, dot, line, name}
    this.isOrderOwed = false;
    this.isPageOwed = false; // others are online than the page lists: it is fetched again once that disturbs nobody
    this.isOpen = false; // whether the list is seen
    this.wasShown = false; // the first answer corrects the page, which is no change: nothing glides
    this.online = null; // how many members are online, of all
    this.isHidden = false; // whether the server says of nobody here how they are
    this.isOut = false; // the reader is no member any more and may not look
    this.stillness = matchMedia("(prefers-reduced-motion: reduce)");
    this.hovers = matchMedia("(hover: hover)"); // without, :hover stays where one tapped last
    this.pane = document.getElementById("members");
    const onShown = () => {
      if (watch !== null && !this.isOut) this.seed();
    };
    this.pages = new MemberPages({ chatId, pane: this.pane, clock, signal, onShown, onFailed });
    here("chat.member_added", () => this.refresh());
    here("chat.member_removed", ({ data }) => {
      this.isOut ||= data.user_id === userId;
      this.refresh();
    });
    on("names.shown", (names) => this.rename(names), signal);
    if (watch !== null) this.follow(clock);
  }

  /** Follow presence: that of those whom the reader can see, and the count of all. */
  follow(clock) {
    const { pane, signal } = this;
    this.seed();
    this.fetchSlowly = paced(() => this.fetchFirst(), { ...COUNTED, clock });
    const headerShown = () => {
      this.wantPeer();
      this.showCounts();
    };
    on("header.shown", headerShown, signal);
    const settle = () => {
      if (this.isOrderOwed) this.sort(true);
      if (this.isPageOwed) this.fetchSlowly();
    };
    const left = ({ relatedTarget }) => {
      if (!this.list.contains(relatedTarget)) requestAnimationFrame(settle);
    };
    pane.addEventListener("pointerout", left, { signal });
    pane.addEventListener("focusout", left, { signal });
    document.addEventListener("visibilitychange", settle, { signal });
    pane.addEventListener("scroll", paced(() => this.wantRows(), { settle: 200, every: 1000, clock }), { signal });
    const seen = new IntersectionObserver((entries) => {
      this.isOpen = entries.at(-1).isIntersecting;
      this.wantRows();
      settle();
    });
    seen.observe(pane);
    signal.addEventListener("abort", () => {
      seen.disconnect();
      this.wantNobody();
    });
  }

  /** In a direct chat the header shows the other one. */
  wantPeer() {
    const peer = document.querySelector(`#${HEADER} .peer-state`);
    this.watch.want("header", peer === null || !this.mayKnow ? [] : [peer.dataset.userId]);
  }

  /** Watch the rows that are seen, and those around them. */
  wantRows() {
    const ids = this.isOpen && this.mayKnow ? [...this.list.children].map(({ dataset }) => dataset.userId) : [];
    const seen = ids.length > MOST_WATCHED ? Math.floor((this.pane.scrollTop / this.pane.scrollHeight) * ids.length) : 0;
    const from = Math.max(Math.min(seen - MOST_WATCHED / 3, ids.length - MOST_WATCHED), 0);
    this.watch.want("members", ids.slice(from, from + MOST_WATCHED));
  }

  wantNobody() {
    for (const key of ["members", "header"]) this.watch.want(key, []);
  }

  /** The reader is no member any more: they may not know. */
  end() {
    this.isOut = true;
    this.wantNobody();
    this.show();
  }

  get isKnown() {
    return !this.isOut && this.watch.isKnown;
  }

  get mayKnow() {
    return !this.isOut && !this.isHidden;
  }

  stateOf(userId) {
    if (this.isHidden && this.isKnown) return HIDDEN;
    return this.isOut ? null : this.watch.stateOf(userId);
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
    if (count === null) return;
    this.pages.root.dataset.online = count;
    if (this.isPartial) this.fetchSlowly();
  }

  /** Fetch a long list again, in which others come first now, when nobody is disturbed by that. */
  fetchFirst() {
    this.isPageOwed = !this.isOpen || this.isHeld || document.visibilityState !== "visible";
    if (!this.isPageOwed) this.refresh();
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
    if (isListed && this.watch !== null) this.sort(false);
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
    this.isHidden = presence === "hidden";
    const isKnown = presence === "known" || this.isHidden;
    this.online = isKnown ? Number(online) : null;
    const items = [...this.list.children];
    this.rows = new Map(items.map((item) => [item.dataset.userId, {
      item,
      dot: item.querySelector(".presence-dot"),
      line: item.querySelector("small"),
      name: nameKey(item.dataset.name),
    }]));
    const entries = items.map((item) => ({
      user_id: item.dataset.userId,
      is_online: this.rows.get(item.dataset.userId).dot.classList.contains("online"),
      last_seen: item.dataset.lastSeen || null,
      version: Number(item.dataset.version),
    }));
    if (isKnown) this.watch.seed(this.isHidden ? [] : entries);
    this.wantPeer();
    this.wantRows();
    this.show();
  }

  /** Something is known of these users, of all without `userIds`: show it; the order may be seen to change. */
  know(userIds) {
    this.show(userIds ?? undefined, { animate: this.wasShown });
    this.wasShown = true;
  }

  /** Show the presence of these users, of all without `userIds`; `animate` says whether the order may be seen to change. */
  show(userIds = [...this.rows.keys()], { animate = false } = {}) {
    const offline = [];
    for (const userId of userIds) {
      const row = this.rows.get(userId);
      const state = row === undefined ? undefined : this.stateOf(userId); // not listed yet: the list is on its way
      if (state === undefined) continue;
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
    paintDot(dot, look);
    if (item.dataset.userId === this.userId) return; // "You", whatever happens
    if (look === "online") line.textContent = text("online");
    else if (lastSeen !== "") line.replaceChildren(...lastSeenLine(lastSeen));
    else line.textContent = `@${item.dataset.username}`;
  }

  showCounts() {
    const online = this.isHidden ? 0 : this.online;
    const count = this.isKnown ? online : null;
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
    const state = this.stateOf(line.dataset.userId);
    if (state === undefined) return; // as the server wrote it
    const look = lookOf(state);
    line.hidden = look === "unknown";
    if (line.hidden) return;
    paintDot(line.firstElementChild, look);
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
    if (this.signal.aborted || !this.isKnown) return; // there is no better order than the one that stands
    this.isOrderOwed = this.isHeld;
    if (this.isOrderOwed) return;
    const people = [...this.rows].map(([id, { item, dot, name }]) => ({
      id,
      item,
      name,
      isOnline: dot.classList.contains("online"),
    }));
    const wanted = people.sort(compareMembers).map(({ item }) => item);
    reorder(this.list, wanted, { animate: animate && !this.stillness.matches });
  }
}
