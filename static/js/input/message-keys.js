// The timeline with the keyboard: it is one stop of the Tab key. The arrow keys walk the messages, Enter leads into what one
// has inside (links, code, tools), Escape back out. On a message that was reached so, and only there, single keys act.
import { isComposing, isField, letterOf } from "../lib/keys.js";
import { toolOf } from "./message-tools.js";
import { stepOf } from "./roving.js";

const MESSAGE = ":scope > .message";
const INSIDE = ".message :is(a[href], button, pre, summary)"; // what can have the focus in a message
const EDITOR = ".edit-box"; // while it is open its parts are stops like those of every form
const ACTIONS = { r: "reply", e: "edit" };

const quiet = (root) => {
  const parts = [...root.querySelectorAll(INSIDE), ...(root.matches(INSIDE) ? [root] : [])];
  for (const part of parts) if (part.closest(EDITOR) === null) part.tabIndex = -1;
};

export class MessageKeys {
  /**
   * `list` has the messages, `scroller` shows a part of it; `describe(node)` returns what a screen reader says of a message;
   * `onLeave()` is called on Escape.
   */
  constructor({ list, scroller, describe, onLeave, clock, signal }) {
    Object.assign(this, { list, scroller, describe, onLeave });
    this.stop = null; // the message that Tab leads to
    this.held = null; // what has the focus in the list
    this.opened = null; // the message in which Tab walks
    this.isPointing = false; // the mouse gives the focus
    this.isPointed = false; // the mouse has given it to a message: whoever types now writes
    this.isByMouse = false; // what was used last
    document.addEventListener("pointerdown", () => (this.isByMouse = true), { capture: true, signal });
    document.addEventListener("keydown", (event) => (this.isByMouse &&= isComposing(event)), { capture: true, signal });
    this.isAsked = false;
    const on = (target, type, handler) => target.addEventListener(type, handler, { signal });
    on(list, "mousedown", () => {
      this.isPointing = this.isPointed = true;
      clock.setTimeout(() => (this.isPointing = false), 0);
    });
    on(list, "focusin", ({ target }) => this.entered(target));
    on(list, "message.landed", () => (this.isPointed = this.isByMouse));
    on(list, "focusout", ({ target, relatedTarget }) => {
      this.left(target, relatedTarget);
      // Later: what is taken out of the page loses the focus too, and changed() has to know what it was.
      clock.setTimeout(() => {
        if (!list.contains(document.activeElement)) this.held = null;
      }, 0);
    });
    list.addEventListener("keydown", (event) => this.key(event), { signal });
    on(scroller, "scroll", () => this.ask());
    const observer = new MutationObserver((changes) => this.changed(changes));
    observer.observe(list, { childList: true, subtree: true });
    signal.addEventListener("abort", () => observer.disconnect());
    this.signal = signal;
    quiet(list);
    this.ask(); // not yet: it measures, and the other parts of the chat still change what is shown
  }

  messages() {
    return [...this.list.querySelectorAll(MESSAGE)];
  }

  /** The stop is the last message in sight, so that Tab scrolls nobody away. */
  settle() {
    if (this.signal.aborted || this.list.contains(document.activeElement)) return;
    const { bottom } = this.scroller.getBoundingClientRect();
    const nodes = this.messages();
    this.setStop(nodes.findLast((node) => node.getBoundingClientRect().top < bottom - 1) ?? nodes.at(-1) ?? null);
  }

  ask() {
    if (this.isAsked) return;
    this.isAsked = true;
    requestAnimationFrame(() => {
      this.isAsked = false;
      this.settle();
    });
  }

  setStop(node) {
    if (this.stop === node) return;
    if (this.stop !== null) this.stop.tabIndex = -1;
    this.stop = node;
    if (node !== null) node.tabIndex = 0;
  }

  /** Have Tab walk what is inside `node`, and nothing inside any other; null for none. */
  open(node) {
    if (this.opened !== null && this.opened !== node) quiet(this.opened);
    this.opened = node;
    if (node !== null) for (const part of node.querySelectorAll(INSIDE)) part.tabIndex = 0;
  }

  entered(target) {
    const node = target.closest(".message");
    if (node === null) return;
    if (this.held !== target || this.isPointing) this.isPointed = this.isPointing; // not where the window has the focus again
    this.held = target;
    this.setStop(node);
    this.open(target === node || target.closest(EDITOR) !== null ? null : node);
    if (target === node) node.setAttribute("aria-label", this.describe(node));
  }

  left(target, next) {
    if (!this.list.contains(next)) this.open(null);
    target.closest(".message")?.removeAttribute("aria-label");
  }

  changed(changes) {
    for (const { addedNodes } of changes) {
      for (const node of addedNodes) if (node.nodeType === Node.ELEMENT_NODE) quiet(node);
    }
    const { held } = this;
    const isLost = held !== null && document.activeElement === document.body;
    const isGone = ({ removedNodes }) => [...removedNodes].some((node) => node.contains(held));
    if (isLost && changes.some(isGone)) this.recover(held);
    else if (held !== null && document.activeElement === held) this.entered(held); // what it says, or has inside, may be new
    this.ask();
  }

  /** What had the focus was taken out, or put in anew: go on with it, its successor, or the message nearest to it. */
  recover(held) {
    if (held.isConnected) {
      held.focus({ preventScroll: true });
      return;
    }
    const { dataset } = held.closest(".message") ?? this.stop;
    const nodes = this.messages();
    const same = (node) => node.dataset.messageId !== undefined && node.dataset.messageId === dataset.messageId;
    const after = (node) => Number(node.dataset.seq || Infinity) >= Number(dataset.seq || Infinity);
    const node = nodes.find(same) ?? nodes.find(after) ?? nodes.at(-1);
    if (node === undefined) this.onLeave();
    else node.focus({ preventScroll: true });
  }

  key(event) {
    if (isComposing(event) || event.ctrlKey || event.metaKey || event.altKey) return;
    const { target } = event;
    const node = target.closest(".message");
    if (node === null || isField(target) || target.closest(EDITOR) !== null) return;
    const isHandled = target === node ? this.keyOn(node, event) : this.keyInside(node, event);
    if (isHandled) event.preventDefault();
  }

  /** Returns whether the key means something where a message has the focus. */
  keyOn(node, event) {
    const { key } = event;
    if (key === "Enter" || key === "ArrowRight") {
      const [first] = this.inside(node);
      first?.focus();
      return first !== undefined;
    }
    if (key === "Escape") {
      this.onLeave();
      return !this.isPointed; // the page may mean something with it
    }
    if (this.walk(node, key)) return true;
    if (this.isPointed) return false;
    const action = key === "Delete" ? "delete" : ACTIONS[letterOf(event)];
    if (action !== undefined) toolOf(node, action)?.click();
    return action !== undefined || key === "+"; // to be a reaction; it is no text here
  }

  /** Returns whether it means something where a link or tool of a message has it. */
  keyInside(node, { key, target }) {
    const parts = this.inside(node);
    const index = parts.indexOf(target);
    if (key === "Escape" || (key === "ArrowLeft" && index === 0 && target.tagName !== "PRE")) {
      node.focus({ preventScroll: true });
      return true;
    }
    if ((key === "ArrowLeft" || key === "ArrowRight") && target.tagName !== "PRE") {
      parts[index + (key === "ArrowLeft" ? -1 : 1)]?.focus();
      return true;
    }
    return /^Arrow(Up|Down)$/.test(key) && this.walk(node, key);
  }

  inside(node) {
    return [...node.querySelectorAll(INSIDE)].filter((part) => part.checkVisibility());
  }

  /** Go to the message that a key leads to; what is higher than the timeline is scrolled through first. */
  walk(node, key) {
    const view = this.scroller.getBoundingClientRect();
    const place = node.getBoundingClientRect();
    if (key === "ArrowDown" && place.bottom > view.bottom + 1 && place.top < view.bottom) return this.scrollBy(view.height / 2);
    if (key === "ArrowUp" && place.top < view.top && place.bottom > view.top + 1) return this.scrollBy(-view.height / 2);
    const nodes = this.messages();
    const page = Math.max(Math.floor(view.height / Math.max(this.list.scrollHeight / nodes.length, 1)) - 1, 1);
    const to = stepOf(key, nodes.indexOf(node), nodes.length, page);
    if (to === null) return false;
    this.isPointed = false;
    nodes[to].focus({ preventScroll: true });
    nodes[to].scrollIntoView({ block: "nearest" });
    return true;
  }

  scrollBy(top) {
    this.scroller.scrollBy({ top, behavior: "instant" });
    return true;
  }
}
