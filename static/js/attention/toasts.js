// Short notices in the corner. They wait while somebody points at them; errors stay until closed.
import { text } from "../lib/text.js";

const STAY = 6000; // ms
const MOST = 4;

export class Toasts {
  /** `box` is the element that holds them. */
  constructor({ box, clock, signal }) {
    Object.assign(this, { box, clock, signal });
    this.restarts = new WeakMap(); // by notice: what begins its time anew
  }

  /**
   * Show a notice and return its element; `level` is "info", "warning" or "error". With `link` {href, label} it leads
   * somewhere; `detail` is what somebody wrote, below it. `isSpoken` is false where a screen reader is told by another way.
   */
  show(message, { level = "info", link = null, detail = "", sticky = level === "error", isSpoken = true } = {}) {
    const { box } = this;
    const element = document.createElement("div");
    element.className = "toast";
    element.dataset.level = level;
    if (isSpoken) element.setAttribute("role", level === "error" ? "alert" : "status");
    const words = document.createElement("p");
    fill(words, message, link, detail);
    // A repeated notice stands once, as the latest: a server that is down fails many requests.
    [...box.children].find((other) => other.dataset.level === level && other.firstElementChild.isEqualNode(words))?.remove();
    element.append(words, this.closeButton(element));
    box.append(element);
    while (box.children.length > MOST) box.firstElementChild.remove();
    if (!sticky) this.leaveLater(element);
    return element;
  }

  /** Replace the words of a notice, which stays as long as a new one; it is not spoken again. */
  change(element, message, { link = null, detail = "" } = {}) {
    element.removeAttribute("role");
    const hadFocus = element.querySelector("a") === document.activeElement;
    fill(element.firstElementChild, message, link, detail);
    if (hadFocus) element.querySelector("a")?.focus();
    this.restarts.get(element)?.();
  }

  /** Remove the notices with these words: they are no longer true. */
  remove(message) {
    for (const element of [...this.box.children]) {
      if (element.firstElementChild.textContent === message) element.remove();
    }
  }

  closeButton(element) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "link-button";
    button.textContent = text("close");
    button.addEventListener("click", () => element.remove(), { signal: this.signal });
    return button;
  }

  leaveLater(element) {
    const held = new Set(); // by the pointer, by the focus: it waits until both have left
    let timer = null;
    const settle = () => {
      this.clock.clearTimeout(timer);
      if (held.size === 0) timer = this.clock.setTimeout(() => element.remove(), STAY);
    };
    const listen = (type, change) => {
      const changed = () => {
        change();
        settle();
      };
      element.addEventListener(type, changed, { signal: this.signal });
    };
    for (const [begins, ends] of [["pointerenter", "pointerleave"], ["focusin", "focusout"]]) {
      listen(begins, () => held.add(begins));
      listen(ends, () => held.delete(begins));
    }
    settle();
    this.restarts.set(element, settle);
  }
}

function fill(words, message, link, detail) {
  words.replaceChildren(message);
  if (link !== null) words.append(" ", anchor(link));
  if (detail === "") return;
  const written = document.createElement("span");
  written.className = "toast-detail";
  written.dir = "auto";
  written.textContent = detail;
  words.append(written);
}

function anchor({ href, label }) {
  const element = document.createElement("a");
  element.href = href;
  element.textContent = label;
  return element;
}
