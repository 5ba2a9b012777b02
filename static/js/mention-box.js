// Completes @names from the member list while one types: arrow keys, Enter or Tab, Esc.
import { matching, partialMention } from "./mentions.js";
import { paintAvatar } from "./names.js";

export class MentionBox {
  /** `people()` returns [{id, username, name}]; `onPick()` is called after the text changed. */
  constructor({ textarea, list, people, onPick }) {
    Object.assign(this, { textarea, list, people, onPick });
    this.options = [];
    this.active = 0;
    this.partial = null;
    textarea.setAttribute("aria-controls", list.id);
    textarea.setAttribute("aria-autocomplete", "list");
    textarea.addEventListener("input", () => this.update());
    textarea.addEventListener("blur", () => this.close());
    list.addEventListener("pointerdown", (event) => {
      event.preventDefault(); // the box keeps the focus
      const item = event.target.closest("li");
      if (item !== null) this.pick([...list.children].indexOf(item));
    });
  }

  get isOpen() {
    return !this.list.hidden;
  }

  update() {
    this.partial = partialMention(this.textarea.value, this.textarea.selectionStart);
    this.options = this.partial === null ? [] : matching(this.people(), this.partial.query);
    this.active = 0;
    this.list.hidden = this.options.length === 0;
    this.list.replaceChildren(...this.options.map((person, index) => this.item(person, index)));
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
    name.textContent = person.name;
    const username = document.createElement("span");
    username.className = "muted";
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
    if (!this.isOpen) return false;
    const last = this.options.length - 1;
    // A name that is written out already needs no completion: Enter then sends, as without the list.
    const isWritten = this.options[this.active].username.toLowerCase() === this.partial.query.toLowerCase();
    if (event.key === "Enter" && isWritten) {
      this.close();
      return false;
    }
    if (event.key === "ArrowDown") this.active = this.active === last ? 0 : this.active + 1;
    else if (event.key === "ArrowUp") this.active = this.active === 0 ? last : this.active - 1;
    else if (event.key === "Enter" || event.key === "Tab") this.pick(this.active);
    else if (event.key === "Escape") this.close();
    else return false;
    event.preventDefault();
    event.stopPropagation();
    this.mark();
    return true;
  }

  pick(index) {
    const { start } = this.partial;
    const end = this.textarea.selectionStart;
    this.textarea.setRangeText(`@${this.options[index].username} `, start, end, "end");
    this.close();
    this.onPick();
  }
}
