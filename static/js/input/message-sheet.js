// What can be done with a message, as a sheet at the bottom of a screen that is touched: its "…" button opens it, and a long
// press beside its words and links, which the browser selects and opens by itself.

const HOLD = 500; // ms: as long as browsers wait
const SLIP = 10; // px that a finger may move meanwhile
const CLOSE = 70; // px: the sheet was pulled down
const NATIVE = "a, button, input, textarea, summary, pre";

/** Whether a point is on words of the page. */
function isOnWords(x, y) {
  const node = document.caretPositionFromPoint?.(x, y)?.offsetNode ?? document.caretRangeFromPoint?.(x, y)?.startContainer;
  if (node?.nodeType !== Node.TEXT_NODE) return false;
  const range = document.createRange();
  range.selectNodeContents(node);
  return [...range.getClientRects()].some(({ left, right, top, bottom }) => x >= left && x <= right && y >= top && y <= bottom);
}

export class MessageSheet {
  /**
   * `list` has the messages. `can(name, node)`: whether something is offered for a message, `choose(name, node)` carries it out;
   * `excerpt(node)` is the beginning of what the message says.
   */
  constructor({ dialog, list, can, choose, excerpt, clock, signal }) {
    Object.assign(this, { dialog, can, choose, excerpt, clock });
    this.node = null; // the message
    this.press = null; // the finger that is down on one: {timer, x, y}
    this.isHeld = false; // it has opened the sheet and is down still
    this.pull = null; // the finger that is down on the sheet: where it began
    const on = (target, type, handler, options) => target.addEventListener(type, handler, { ...options, signal });
    on(list, "pointerdown", (event) => this.down(event));
    on(list, "pointermove", (event) => this.moved(event));
    for (const type of ["pointerup", "pointercancel", "pointerleave"]) on(list, type, () => this.up());
    on(list, "contextmenu", (event) => {
      if (this.press !== null || this.isHeld) event.preventDefault();
    });
    // The finger that has opened the sheet chooses nothing there when it is lifted.
    on(document, "pointerdown", () => (this.isHeld = false), { capture: true });
    on(document, "click", (event) => this.isHeld && event.stopPropagation(), { capture: true });
    on(dialog, "click", ({ target }) => this.chosen(target.closest("[data-choice]")?.dataset.choice));
    on(dialog, "pointerdown", ({ pointerType, clientY }) => (this.pull = pointerType === "mouse" ? null : clientY));
    on(dialog, "pointermove", ({ clientY }) => this.pulled(clientY));
    for (const type of ["pointerup", "pointercancel"]) on(dialog, type, ({ clientY }) => this.released(clientY));
    on(dialog, "close", () => (this.node = null));
    signal.addEventListener("abort", () => {
      this.up();
      if (this.node !== null) dialog.close();
    });
  }

  /** Show what can be done with a message; nothing where that is nothing. */
  open(node) {
    const choices = [...this.dialog.querySelectorAll("[data-choice]")];
    for (const choice of choices) choice.hidden = !this.can(choice.dataset.choice, node);
    if (this.dialog.open || choices.every(({ hidden }) => hidden)) return;
    this.node = node;
    this.dialog.querySelector(".sheet-excerpt").textContent = this.excerpt(node);
    this.dialog.showModal();
  }

  chosen(name) {
    const { node } = this;
    if (name === undefined || node === null) return;
    this.dialog.close();
    this.choose(name, node);
  }

  down({ target, pointerType, isPrimary, clientX: x, clientY: y }) {
    this.up();
    const node = target.closest(".message");
    if (node === null || pointerType !== "touch" || !isPrimary || target.closest(NATIVE) !== null) return;
    if (!getSelection().isCollapsed || isOnWords(x, y)) return;
    const timer = this.clock.setTimeout(() => {
      this.press = null;
      if (!getSelection().isCollapsed) return;
      this.isHeld = true;
      this.open(node);
    }, HOLD);
    this.press = { timer, x, y };
  }

  moved({ clientX, clientY }) {
    if (this.press !== null && Math.hypot(clientX - this.press.x, clientY - this.press.y) > SLIP) this.up();
  }

  up() {
    if (this.press !== null) this.clock.clearTimeout(this.press.timer);
    this.press = null;
  }

  /** The sheet follows the finger down. */
  pulled(y) {
    if (this.pull !== null) this.dialog.style.translate = `0 ${Math.max(y - this.pull, 0)}px`;
  }

  released(y) {
    if (this.pull === null) return;
    const isFar = y - this.pull > CLOSE;
    this.pull = null;
    this.dialog.style.translate = "";
    if (isFar) this.dialog.close();
  }
}
