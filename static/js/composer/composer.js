// The box in which messages are written.
import { isComposing } from "../lib/keys.js";
import { isolate, isolatedText } from "../lib/direction.js";
import { emphasize, toggleCode } from "./formatting.js";
import { MentionBox } from "./mention-box.js";
import { Preview } from "./preview.js";
import { text } from "../lib/text.js";
import { replaceText } from "./text-edit.js";
import { newId } from "../lib/uuid.js";
import { format, handleFormatting, isPreviewKey, isSendKey, isTouch } from "./writing-keys.js";

/** The words above the box while a message {author, body} is answered. */
export const replyWords = ({ author, body }) => `${text("replying_to", { name: author })}: ${isolate(body)}`;

const number = (value) => value.toLocaleString(document.documentElement.lang || undefined);

export class Composer {
  /**
   * `onSend({body, client_id, reply_to})` returns whether the message was taken; `onInput(isEmpty)`, `onLeave()`, `onEditLast()`;
   * `drafts` see drafts.js; `complete()` see preview.js; `people()`, `recent()`, `onQuery()` see mention-box.js.
   */
  constructor({ form, drafts, complete, people, recent, onQuery, onSend, onInput, onLeave, onEditLast, signal }) {
    Object.assign(this, { form, drafts, onSend, onInput, onLeave, onEditLast, signal });
    this.textarea = form.elements.body;
    this.sendButton = form.querySelector("[type=submit]");
    this.isLocked = form.hidden; // the chat was closed before
    // The browser would cut off what is pasted beyond it without a word, and count an emoji twice.
    this.most = this.textarea.maxLength;
    this.textarea.removeAttribute("maxlength");
    signal.addEventListener("abort", () => this.textarea.setAttribute("maxlength", this.most));
    this.textarea.enterKeyHint = isTouch() ? "enter" : "send";
    this.replyBar = form.querySelector("#reply-bar");
    this.mentions = new MentionBox({
      textarea: this.textarea,
      list: form.querySelector("#mention-list"),
      people,
      recent,
      onQuery,
      signal,
    });
    this.preview = new Preview({
      button: form.querySelector("#composer-preview-button"),
      panel: form.querySelector("#composer-preview"),
      area: this.textarea,
      complete,
      onFault: (words) => this.showFault(words),
      signal,
    });
    const { body, reply } = this.draft; // as the server has rendered it
    const kept = drafts.start({ isTaken: body !== "" });
    if (body === "") this.show({ body: kept.body, reply: reply ?? kept.reply });
    this.listen();
    this.fit();
  }

  listen() {
    const { form, textarea, signal } = this;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    }, { signal });
    textarea.addEventListener("keydown", (event) => this.key(event), { signal });
    textarea.addEventListener("input", () => this.changed(), { signal });
    textarea.addEventListener("blur", () => this.onLeave(), { signal });
    form.querySelector("#reply-cancel").addEventListener("click", (event) => {
      event.preventDefault();
      this.setReply(null);
    }, { signal });
    this.tool("composer-mention", () => this.insertMention());
    this.tool("composer-bold", () => format(this.textarea, (selected) => emphasize(selected, "**")));
    this.tool("composer-code", () => format(this.textarea, toggleCode));
  }

  tool(id, action) {
    const button = this.form.querySelector(`#${id}`);
    button.hidden = false;
    button.addEventListener("click", () => {
      this.textarea.focus();
      action();
    }, { signal: this.signal });
  }

  key(event) {
    if (isComposing(event) || this.mentions.handle(event) || handleFormatting(event)) return;
    if (isSendKey(event)) {
      event.preventDefault();
      this.submit();
    } else if (isPreviewKey(event)) {
      event.preventDefault();
      this.preview.toggle();
    } else if (event.key === "ArrowUp" && this.textarea.value === "" && !event.altKey) {
      if (this.onEditLast()) event.preventDefault();
    } else if (event.key === "Escape" && this.preview.isOpen) {
      this.preview.close();
    } else if (event.key === "Escape" && this.replyTo) {
      this.setReply(null);
    }
  }

  changed() {
    this.fit();
    if (this.excess === 0) this.showFault("");
    this.drafts.save(this.draft);
    this.onInput(this.textarea.value.trim() === "");
  }

  /** How many characters are too many, as the server counts them. */
  get excess() {
    return Math.max([...this.textarea.value].length - this.most, 0);
  }

  /** Say why the message cannot be sent; without words the fault is removed. */
  showFault(words) {
    this.form.querySelector(".errors")?.remove();
    if (words === "") return;
    const fault = document.createElement("p");
    fault.className = "errors";
    fault.setAttribute("role", "alert");
    fault.textContent = words;
    this.replyBar.after(fault);
  }

  get replyTo() {
    return this.form.elements.reply_to.value;
  }

  /** What is in the box, as drafts.js keeps it: {body, reply}. */
  get draft() {
    const words = isolatedText(this.replyBar.querySelector(".reply-text"));
    return { body: this.textarea.value, reply: this.replyTo === "" ? null : { id: this.replyTo, words } };
  }

  /** Show a draft. */
  show({ body, reply }) {
    if (this.textarea.value !== body) this.textarea.value = body;
    this.showReply(reply);
    if (this.excess === 0) this.showFault("");
    if (this.isLocked) this.lock(true); // there is something to be read now, or nothing any more
    this.fit();
  }

  showReply(reply) {
    this.form.elements.reply_to.value = reply?.id ?? "";
    this.replyBar.hidden = reply === null;
    this.replyBar.querySelector(".reply-text").textContent = reply?.words ?? "";
  }

  /** Answer a message {id, author, body}; null for none. */
  setReply(message) {
    this.showReply(message && { id: message.id, words: replyWords(message) });
    this.drafts.save(this.draft);
    if (message !== null) this.textarea.focus();
  }

  /** The message was deleted: it cannot be answered any more, and what was typed stays. */
  dropReply(messageId) {
    if (this.replyTo === messageId) this.setReply(null);
  }

  /** Put {body, reply} back into the box; what was begun there stays below it. */
  putBack({ body, reply }) {
    const begun = this.draft;
    const isEmpty = begun.body.trim() === "";
    this.show({ body: isEmpty ? body : `${body}\n\n${begun.body}`, reply: begun.reply ?? reply });
    this.changed();
    this.textarea.focus();
  }

  /** Show the new name of whoever is answered. */
  renameReply({ author, body }) {
    this.replyBar.querySelector(".reply-text").textContent = replyWords({ author, body });
  }

  /** While nobody can write here the text can be read and copied; an empty box is hidden. */
  lock(isLocked) {
    this.isLocked = isLocked;
    this.form.hidden = isLocked && this.textarea.value.trim() === "";
    this.textarea.readOnly = isLocked;
    for (const button of this.form.querySelectorAll("button")) button.disabled = isLocked;
    if (isLocked) {
      this.textarea.setAttribute("aria-describedby", "closed-note");
      this.onLeave();
    } else this.textarea.removeAttribute("aria-describedby");
  }

  submit() {
    const body = this.textarea.value;
    if (this.isLocked || body.trim() === "") return;
    if (this.excess > 0) {
      this.showFault(text("too_long", { most: number(this.most), excess: number(this.excess) }));
      return;
    }
    // The id the server put into the page may have been used; every message sent by script gets its own.
    const isTaken = this.onSend({ body, client_id: newId(), reply_to: this.replyTo || null });
    if (!isTaken) return; // what was written stays where it is
    this.clear();
    this.textarea.focus();
  }

  /** The chat is left: its draft is shown again from where it is kept. What cannot be kept stays in the box. */
  rest() {
    this.mentions.close();
    this.preview.close();
    if (!this.drafts.isSafe) return;
    this.textarea.value = "";
    this.showReply(null);
  }

  /** Empty the box, and discard its draft. */
  clear() {
    this.textarea.value = "";
    this.showReply(null);
    this.drafts.clear();
    this.preview.close();
    this.showFault("");
    this.fit();
  }

  /** Put words where the cursor is. */
  insert(words) {
    const { selectionStart: start, selectionEnd: end } = this.textarea;
    replaceText(this.textarea, { start, end, words });
  }

  insertMention() {
    const { selectionStart: start, value } = this.textarea;
    const gap = start > 0 && !/\s/.test(value[start - 1]) ? " " : "";
    this.insert(`${gap}@`);
  }

  /** Grey the button while there is nothing to send; grow with the text, where CSS cannot do it (`field-sizing`). */
  fit() {
    this.sendButton.setAttribute("aria-disabled", String(this.textarea.value.trim() === ""));
    if (CSS.supports("field-sizing", "content")) return;
    this.textarea.style.height = "auto";
    this.textarea.style.height = `${this.textarea.scrollHeight}px`;
  }
}
