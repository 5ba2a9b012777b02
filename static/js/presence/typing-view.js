// "Jane is typing..." under the messages.
import { typingText } from "./typing.js";
import { text } from "../lib/text.js";

export class TypingView {
  constructor(element, typing, clock) {
    Object.assign(this, { element, typing, clock });
    this.timer = null;
  }

  show() {
    this.clock.clearTimeout(this.timer);
    const now = this.clock.now();
    const words = typingText(this.typing.names(now), text);
    this.element.querySelector(".dots").hidden = words === "";
    this.element.querySelector(".typing-text").textContent = words;
    const next = this.typing.nextChange();
    if (next !== null) this.timer = this.clock.setTimeout(() => this.show(), Math.max(next - now, 0) + 10);
  }
}
