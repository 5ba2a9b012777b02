// Favourites: the star beside a chat in the list, and the entry of the chat's menu, which is a plain form without scripts.
import { on } from "../lib/bus.js";
import { text } from "../lib/text.js";
import { callApi, RestError } from "../net/rest.js";
import { nameOf, roomOf } from "./room-list.js";

export class Favourites {
  /** `onChange(room)` is called when a chat of the list has become a favourite or is none any more. */
  constructor({ pane, toasts, onChange, signal }) {
    Object.assign(this, { toasts, onChange });
    this.star = pane.querySelector(".room-star"); // one for all chats: it stands where the pointer or the focus is
    const show = ({ target }) => this.offer(target.closest?.("#sidebar-list li")?.querySelector("a.room") ?? null);
    // Never below a finger: it would be tapped where the chat is meant.
    pane.addEventListener("pointerover", (event) => {
      if (event.pointerType !== "touch") show(event);
    }, { signal });
    pane.addEventListener("focusin", (event) => {
      if (event.target.matches(":focus-visible")) show(event);
    }, { signal });
    this.star?.addEventListener("click", () => this.toggle(this.star.parentElement.querySelector("a.room")), { signal });
    document.addEventListener("submit", (event) => {
      const { chatId } = event.target.dataset;
      if (!event.target.matches("[data-favourite-form]")) return;
      event.preventDefault();
      event.target.closest("details")?.removeAttribute("open");
      this.ask(chatId, event.target.elements.is_favourite.value === "true");
    }, { signal });
    on("chat.settings", ({ chat_id: chatId, data }) => this.set(chatId, data.is_favourite), signal);
    const opened = ({ chat_id: chatId }) => {
      const room = roomOf(chatId);
      if (room !== null) showInMenu(chatId, "favourite" in room.dataset); // its header may be from before
    };
    on("chat.opened", opened, signal);
  }

  /** Put the star into the line of a chat. */
  offer(room) {
    if (room === null || this.star === null) return;
    if (this.star.parentElement !== room.parentElement) room.after(this.star);
    this.star.hidden = false;
    const isFavourite = "favourite" in room.dataset;
    this.star.setAttribute("aria-pressed", String(isFavourite));
    this.star.setAttribute("aria-label", text("favourite_of", { name: nameOf(room) }));
    this.star.title = text(isFavourite ? "unfavourite" : "favourite");
  }

  toggle(room) {
    this.ask(room.dataset.chatId, !("favourite" in room.dataset));
  }

  async ask(chatId, isFavourite) {
    this.set(chatId, isFavourite);
    try {
      await callApi("PATCH", `/chats/${chatId}/me`, { is_favourite: isFavourite });
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
      this.set(chatId, !isFavourite);
      this.toasts.show(error.message, { level: "error" });
    }
  }

  /** Show what a chat is now. */
  set(chatId, isFavourite) {
    showInMenu(chatId, isFavourite);
    const room = roomOf(chatId);
    if (room === null || "favourite" in room.dataset === isFavourite) return;
    room.toggleAttribute("data-favourite", isFavourite);
    if (this.star?.parentElement === room.parentElement) this.offer(room);
    this.onChange(room);
  }
}

function showInMenu(chatId, isFavourite) {
  const form = document.querySelector(`[data-favourite-form][data-chat-id="${CSS.escape(chatId)}"]`);
  if (form === null) return;
  form.elements.is_favourite.value = String(!isFavourite);
  form.querySelector(".favourite-words").textContent = text(isFavourite ? "unfavourite" : "favourite");
}
