// The field above the list of chats: it shows those whose names have the words that are typed.
import { nameMatcher } from "../lib/folding.js";
import { isComposing } from "../lib/keys.js";
import { nameOf, rooms } from "./room-list.js";

export class Filter {
  /** `onShow()` is called when other chats are shown. */
  constructor({ pane, list, onShow, signal }) {
    Object.assign(this, { pane, list, onShow });
    this.input = document.getElementById("room-filter");
    this.none = document.getElementById("rooms-none");
    if (this.input === null) return;
    this.input.addEventListener("input", () => this.changed(), { signal });
    this.input.addEventListener("keydown", (event) => this.key(event), { signal });
    pane.addEventListener("keydown", (event) => {
      if (isComposing(event)) return;
      if (event.key === "Escape" && this.input.value !== "" && event.target.matches?.("a.room, .room-star")) this.clear(event);
    }, { signal });
  }

  changed() {
    this.pane.scrollTop = 0;
    this.apply();
    this.onShow();
  }

  /** Show what the field asks for. */
  apply() {
    const query = this.input?.value ?? "";
    const isFiltered = query.trim() !== "";
    const isFound = nameMatcher(query);
    let found = 0;
    for (const room of rooms()) {
      const isShown = !isFiltered || isFound(nameOf(room));
      room.parentElement.hidden = !isShown;
      found += Number(isShown);
    }
    this.pane.classList.toggle("filtered", isFiltered);
    if (this.none !== null) this.none.hidden = !isFiltered || found > 0;
  }

  clear(event) {
    event.preventDefault();
    event.stopPropagation(); // a drawer stays open
    this.input.value = "";
    this.changed();
    this.input.focus();
  }

  key(event) {
    if (isComposing(event)) return;
    if (event.key === "Escape" && this.input.value !== "") this.clear(event);
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const shown = this.list.visible();
      const room = event.key === "ArrowDown" ? shown[0] : shown.at(-1);
      room?.focus();
    } else if (event.key === "Enter") {
      event.preventDefault();
      const [first] = this.list.visible();
      if (!first || this.input.value.trim() === "") return;
      this.input.value = "";
      this.apply();
      this.onShow();
      first.click();
    }
  }
}
