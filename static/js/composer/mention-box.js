// Completes @names from the member list while one types: arrow keys, Enter or Tab, Esc.
import { isComposing } from "../lib/keys.js";
import { isWritten, matching, partialMention } from "./mentions.js";
import { paintAvatar } from "../lib/avatars.js";
import { replaceText } from "./text-edit.js";

const MOST_WORDS = 4; // of a name that is looked for

export class MentionBox {
  /**
   * `people()` returns [{id, username, name}], `recent()` the ids of those who have written here, the latest first. `onQuery(query)`
   * is told what is looked for, null for nothing; when there are more people for it, call `refresh`.
   */
  constructor({ textarea, list, people, recent, onQuery, signal }) {
    Object.assign(this, { textarea, list, people, recent, onQuery });
    this.dismissedAt = null; // the place of the @ for which the list was closed, until another one is typed
    this.options = [];
    this.active = 0;
    this.partial = null;
    textarea.setAttribute("aria-controls", list.id);
    textarea.setAttribute("aria-autocomplete", "list");
    textarea.addEventListener("input", () => this.update(), { signal });
    textarea.addEventListener("blur", () => this.close(), { signal });
    list.addEventListener("pointerdown", (event) => {
      event.preventDefault(); // the box keeps the focus
      const item = event.target.closest("li");
      if (item !== null) this.pick([...list.children].indexOf(item));
    }, { signal });
  }

  get isOpen() {
    return !this.list.hidden;
  }

  update() {
    const { value, selectionStart } = this.textarea;
    this.partial = partialMention(value, selectionStart, MOST_WORDS);
    if (this.partial?.query === "" || (this.partial ?? { start: this.dismissedAt }).start !== this.dismissedAt) this.dismissedAt = null;
    const isWanted = this.partial !== null && this.dismissedAt === null;
    this.onQuery(isWanted ? this.partial.query : null);
    this.show(isWanted ? this.matching() : []);
  }

  matching() {
    return matching(this.people(), this.partial.query, this.recent());
  }

  /** Offer the people who were found since, unless the list was closed. */
  refresh() {
    if (this.partial === null || this.dismissedAt !== null || document.activeElement !== this.textarea) return;
    const chosen = this.options[this.active]?.id;
    this.show(this.matching());
    this.active = Math.max(this.options.findIndex(({ id }) => id === chosen), 0);
    this.mark();
  }

  show(options) {
    this.options = options;
    this.active = 0;
    this.list.hidden = options.length === 0;
    this.list.replaceChildren(...options.map((person, index) => this.item(person, index)));
    this.mark();
  }

  item(person, index) {
    const item = document.createElement("li");
    item.id = `mention-option-${index}`;
    item.setAttribute("role", "option");
    const avatar = document.createElement("span");
    avatar.className = "avatar";
    avatar.setAttribute("aria-hidden", "true");
    paintAvatar(avatar, person.id, person.name);
    const name = document.createElement("span");
    name.dir = "auto";
    name.textContent = person.name;
    const username = document.createElement("span");
    username.className = "muted";
    username.dir = "auto";
    username.textContent = `@${person.username}`;
    item.append(avatar, name, username);
    return item;
  }

  mark() {
    [...this.list.children].forEach((item, index) => {
      item.setAttribute("aria-selected", String(index === this.active));
      if (index === this.active) item.scrollIntoView({ block: "nearest" });
    });
    if (this.isOpen) this.textarea.setAttribute("aria-activedescendant", `mention-option-${this.active}`);
    else this.textarea.removeAttribute("aria-activedescendant");
  }

  close() {
    this.list.hidden = true;
    this.mark();
  }

  /** Handle a key while the list is open; returns whether it was one for the list. */
  handle(event) {
    if (!this.isOpen || isComposing(event)) return false;
    const last = this.options.length - 1;
    // A name that is written out already needs no completion: Enter then sends, as without the list.
    if (event.key === "Enter" && isWritten(this.partial.query, this.options[this.active])) {
      this.close();
      return false;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return false;
    if (event.key === "ArrowDown") this.active = this.active === last ? 0 : this.active + 1;
    else if (event.key === "ArrowUp") this.active = this.active === 0 ? last : this.active - 1;
    else if (event.key === "Enter" || event.key === "Tab") this.pick(this.active);
    else if (event.key === "Escape") this.dismiss();
    else return false;
    event.preventDefault();
    event.stopPropagation();
    this.mark();
    return true;
  }

  /** Close the list, and do not open it again for this @. */
  dismiss() {
    this.dismissedAt = this.partial.start;
    this.close();
  }

  pick(index) {
    const { start } = this.partial;
    const { selectionStart: caret, value } = this.textarea;
    const words = `@${this.options[index].username} `;
    this.dismiss();
    const end = value[caret] === " " ? caret + 1 : caret; // one space is enough
    replaceText(this.textarea, { start, end, words });
  }
}
