// What stands in the place of a chat that cannot be had yet: its name, what it waits for, and a box with the chat's draft. What
// is sent from it goes into the outbox, as from the chat itself.
import { Drafts } from "../outbox/drafts.js";
import { isSendKey } from "../composer/writing-keys.js";
import { on } from "../lib/bus.js";
import { lifetime } from "../lib/clock.js";
import { isComposing } from "../lib/keys.js";
import { text } from "../lib/text.js";
import { newId } from "../lib/uuid.js";

const number = (value) => value.toLocaleString(document.documentElement.lang || undefined);

export class Frame {
  /** `app` is what startApp returns; `userId` the reader; `label` what the chat is called, "" where that is not known. */
  constructor({ app, chatId, userId, label }) {
    const { signal, clock, stop } = lifetime(app.clock, app.signal);
    Object.assign(this, { app, chatId, label, stop });
    this.isOver = false; // whether it waits for nothing any more
    const main = document.getElementById("chat-frame").content.firstElementChild.cloneNode(true);
    const aside = document.createElement("aside");
    Object.assign(aside, { id: "members", className: "pane members" });
    this.nodes = { main, aside, data: null };
    main.dataset.chatId = chatId;
    main.querySelector("h1").dir = "auto";
    this.area = main.querySelector("textarea");
    this.area.placeholder = label && text("message_to", { label });
    this.drafts = new Drafts({ storage: localStorage, userId, chatId, now: clock.now });
    const { body, reply } = this.drafts.start();
    this.reply = reply;
    this.area.value = body;
    const form = main.querySelector("form");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    }, { signal });
    this.area.addEventListener("input", () => this.drafts.save({ body: this.area.value, reply: this.reply }), { signal });
    this.area.addEventListener("keydown", (event) => {
      if (isComposing(event) || !isSendKey(event)) return;
      event.preventDefault();
      this.send();
    }, { signal });
    this.written = new Map(app.outbox.of(chatId).map((entry) => [entry.client_id, entry])); // and what was sent since
    on("outbox.changed", ({ entry }) => {
      if (entry.chat_id !== chatId) return;
      if (entry.status === "gone") this.written.delete(entry.client_id);
      else this.written.set(entry.client_id, entry);
      this.showWritten();
    }, signal);
    on("written.forgotten", () => this.empty(), signal);
    app.setOpen({ chatId, isSafe: () => this.drafts.isSafe }, signal);
    this.showWritten();
  }

  /** Say what is waited for; nothing is waited for where `isOver`. With `link` {href, label} there is a way on. Returns the title. */
  say(words, { link = null, isOver = false, canWrite = true } = {}) {
    const { main } = this.nodes;
    const hadFocus = this.cursor !== null;
    this.isOver = isOver;
    const title = this.label || text(isOver ? "not_opened" : "opening");
    main.querySelector("h1").textContent = title;
    main.querySelector(".frame-note").textContent = words;
    main.querySelector(".skeleton").hidden = isOver;
    main.setAttribute("aria-busy", String(!isOver));
    main.querySelector("form").hidden = !canWrite && this.area.value.trim() === "";
    const anchor = main.querySelector(".frame > a");
    anchor.hidden = link === null;
    if (link !== null) Object.assign(anchor, { href: link.href, textContent: link.label });
    if (hadFocus && !canWrite) anchor.focus();
    return title;
  }

  focus() {
    this.area.focus();
  }

  /** Where the cursor is in the box; null where the focus is elsewhere. */
  get cursor() {
    return document.activeElement === this.area ? [this.area.selectionStart, this.area.selectionEnd] : null;
  }

  send() {
    const body = this.area.value;
    const { toasts, outbox } = this.app;
    if (body.trim() === "") return;
    const most = Number(this.area.dataset.most);
    const excess = [...body].length - most;
    if (excess > 0) {
      toasts.show(text("too_long", { most: number(most), excess: number(excess) }), { level: "error" });
      return;
    }
    const kept = outbox.add({ body, client_id: newId(), reply_to: this.reply?.id ?? null, chat_id: this.chatId });
    if (kept === null) {
      toasts.show(text("outbox_full", { count: outbox.entries.length }), { level: "error" });
      return;
    }
    this.empty();
  }

  empty() {
    this.area.value = "";
    this.reply = null;
    this.drafts.clear();
  }

  showWritten() {
    const items = [...this.written.values()].map(({ body, status }) => {
      const item = document.createElement("li");
      item.className = "message own";
      if (status !== "sent") item.dataset.status = status === "failed" ? "failed" : "pending";
      const words = document.createElement("p");
      Object.assign(words, { className: "message-body", dir: "auto", textContent: body });
      item.append(words);
      return item;
    });
    this.nodes.main.querySelector(".frame-written").replaceChildren(...items);
  }
}
