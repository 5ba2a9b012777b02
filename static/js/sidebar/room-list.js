// The list of chats as it stands on the page: it moves with what is unread, and keeps still below the pointer and the focus.
import { nameKey } from "../lib/folding.js";
import { reorder } from "../presence/reorder.js";
import { ALWAYS, arrange, isSame, SECTIONS, withoutMoves } from "./arrange.js";
import { ListStyle } from "./list-style.js";

const list = () => document.getElementById("sidebar-list");

/** All chats of the list as links. */
export const rooms = () => [...document.querySelectorAll("#sidebar-list a.room")];

/** The link of a chat, or null. */
export const roomOf = (chatId) => document.querySelector(`#sidebar-list a.room[data-chat-id="${CSS.escape(chatId)}"]`);

/** What a chat is called. */
export const nameOf = (room) => room.querySelector(".room-name").textContent;

function setFolded(section, isFolded) {
  section.classList.toggle("folded", isFolded);
  section.querySelector(".fold").setAttribute("aria-expanded", String(!isFolded));
}

export class RoomList {
  /** `pane` is what scrolls; `onShow()` is called after something moved, was folded or unfolded. */
  constructor({ pane, onShow, signal }) {
    Object.assign(this, { pane, onShow });
    this.keys = new Map(); // name → what it is sorted by
    this.opened = null; // {id, isUnread} of the open chat, see arrange()
    this.isOwed = false;
    this.style = new ListStyle({ onChange: (style) => this.setStyle(style), signal });
    this.hovers = matchMedia("(hover: hover)"); // without, :hover stays where one tapped last
    const listen = (type, handler) => pane.addEventListener(type, handler, { signal });
    listen("pointerout", (event) => this.left(event));
    listen("focusout", (event) => this.left(event));
    listen("click", ({ target }) => {
      const button = target.closest?.(".fold");
      if (button) this.fold(button);
    });
    listen("change", ({ target }) => {
      if (target.name === "room-order") this.setOrder(target.value);
    });
    const current = rooms().find((room) => room.hasAttribute("aria-current"));
    if (current) this.open(current.dataset.chatId);
  }

  /** A chat was opened, "" for none: it is the current one, and stays where it is until another is opened. */
  open(chatId) {
    if (this.opened?.id !== chatId) {
      const section = roomOf(chatId)?.closest(".room-section");
      this.opened = section ? { id: chatId, isUnread: section.dataset.section === "unread" } : null;
    }
    for (const room of rooms()) {
      if (room.dataset.chatId === chatId) room.setAttribute("aria-current", "page");
      else room.removeAttribute("aria-current");
    }
    this.arrange();
  }

  get unreadFirst() {
    return "unreadFirst" in (list()?.dataset ?? {});
  }

  facts() {
    return rooms().map((room) => {
      const { chatId: id, kind, at, unread = "0" } = room.dataset;
      return {
        id, kind, key: this.keyOf(nameOf(room)), at: Number(at), unread: Number(unread),
        isFavourite: "favourite" in room.dataset, isClosed: "closed" in room.dataset,
      };
    });
  }

  keyOf(name) {
    if (!this.keys.has(name)) {
      if (this.keys.size > 2000) this.keys.clear();
      this.keys.set(name, nameKey(name));
    }
    return this.keys.get(name);
  }

  /** The arrangement that stands on the page. */
  shown() {
    return new Map(SECTIONS.map((name) => {
      const section = list()?.querySelector(`[data-section=${name}]`);
      return [name, [...(section?.querySelectorAll("a.room") ?? [])].map(({ dataset }) => dataset.chatId)];
    }));
  }

  /** Whether the pointer is in the list, or the focus of somebody at the keyboard. */
  get isHeld() {
    return list() !== null && ((this.hovers.matches && list().matches(":hover")) || list().querySelector(":focus-visible") !== null);
  }

  /** Bring the list into its order: now, where `before` (an arrangement) was on the screen as far as it can stay. */
  arrange({ isAsked = false, before = null } = {}) {
    if (list() === null) return;
    const wanted = arrange(this.facts(), { unreadFirst: this.unreadFirst, kept: this.opened });
    this.isOwed = !isAsked && this.isHeld;
    const shown = this.shown();
    const next = this.isOwed ? withoutMoves(before ?? shown, wanted) : wanted;
    if (!isSame(next, shown)) this.put(next);
    if (this.isOwed && isSame(next, wanted)) this.isOwed = false;
    this.onShow();
  }

  put(arranged) {
    const { scrollTop } = this.pane;
    const items = new Map(rooms().map((room) => [room.dataset.chatId, room.parentElement]));
    const focused = document.activeElement;
    for (const [name, ids] of arranged) {
      const section = list().querySelector(`[data-section=${name}]`);
      if (section === null) continue;
      reorder(section.querySelector(".rooms"), ids.map((id) => items.get(id)), { animate: false });
      section.hidden = ids.length === 0 && !ALWAYS.has(name);
      section.querySelector(".section-size").textContent = String(ids.length);
    }
    this.pane.scrollTop = scrollTop;
    if (document.activeElement !== focused) focused?.focus({ preventScroll: true }); // it was moved
  }

  left({ relatedTarget }) {
    if (this.isOwed && !list()?.contains(relatedTarget)) requestAnimationFrame(() => this.arrange());
  }

  fold(button) {
    const section = button.closest(".room-section");
    setFolded(section, !section.classList.contains("folded"));
    this.remember();
    this.onShow();
  }

  /** The list was fetched again: in another tab its order may have been chosen anew. */
  replaced() {
    const order = this.pane.querySelector(`[name=room-order][value=${this.unreadFirst ? "unread" : "kind"}]`);
    if (order !== null) order.checked = true;
  }

  /** Another tab has chosen how the list is shown. */
  setStyle({ unreadFirst, folded }) {
    if (list() === null) return;
    for (const section of list().querySelectorAll(".room-section")) setFolded(section, folded.includes(section.dataset.section));
    this.putUnreadFirst(unreadFirst);
    this.replaced();
  }

  setOrder(order) {
    this.putUnreadFirst(order === "unread");
    this.pane.scrollTop = 0; // what is first now is what was asked for
    this.remember();
  }

  putUnreadFirst(unreadFirst) {
    list().toggleAttribute("data-unread-first", unreadFirst);
    this.opened = this.opened && { ...this.opened, isUnread: Number(roomOf(this.opened.id)?.dataset.unread ?? 0) > 0 };
    this.arrange({ isAsked: true });
  }

  remember() {
    const folded = [...list().querySelectorAll(".room-section.folded")].map(({ dataset }) => dataset.section);
    this.style.remember({ unreadFirst: this.unreadFirst, folded });
  }

  /** A message has come: among the unread chats this one is the first now, but for the open one. */
  bump(room) {
    if (room.dataset.chatId === this.opened?.id) return;
    room.dataset.at = String(1 + Math.max(...rooms().map(({ dataset }) => Number(dataset.at))));
  }

  /** The chats that are shown, from above. */
  visible() {
    return rooms().filter((room) => room.offsetParent !== null);
  }
}
