// "Jump to the latest", with how many came while the reader was further up.
import { text } from "../lib/text.js";

export class JumpButton {
  /** `isLive()`: whether the page reaches the last message; an older stretch has a link there instead. */
  constructor(button, scroll, isLive) {
    Object.assign(this, { button, scroll, isLive });
    this.missed = 0;
    button.addEventListener("click", () => {
      scroll.toEnd();
      this.update();
      document.getElementById("composer-body")?.focus();
    });
  }

  count(news) {
    this.missed += news;
    this.update();
  }

  update() {
    const atEnd = this.scroll.isAtEnd();
    if (atEnd) this.missed = 0;
    this.button.hidden = atEnd || !this.isLive();
    this.button.classList.toggle("has-new", this.missed > 0);
    const key = this.missed === 0 ? "jump" : this.missed === 1 ? "jump_one" : "jump_many";
    this.button.querySelector("span").textContent = text(key, { count: this.missed });
  }
}
