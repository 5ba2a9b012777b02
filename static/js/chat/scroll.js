// The reader's place in the timeline. CSS lays it out from the bottom (column-reverse), so its end is at scrollTop 0, and
// what changes above the reader moves nothing. Nobody who reads further up is scrolled away.
import { text } from "../lib/text.js";

const NEAR = 48; // px: closer to the end than this counts as being there
const FLASH = 2400; // ms, unread-bar.css
const DAY = 32; // px: how high the label of a day is, tokens.css
const RESTS = 1500; // ms without scrolling, after which the label of a day is out of the way

export class Scroll {
  constructor(scroller, list) {
    this.scroller = scroller;
    this.list = list;
  }

  /** Whether the list ends with the chat's last message: there is nothing newer to load. */
  get isLive() {
    return this.list.querySelector(":scope > #newer") === null;
  }

  /** Whether the reader is at the end of the chat. */
  isAtEnd() {
    return this.isLive && this.isAtBottom();
  }

  /** Whether the reader is at the end of what is shown. */
  isAtBottom() {
    return Math.abs(this.scroller.scrollTop) < NEAR;
  }

  toEnd() {
    this.scroller.scrollTop = 0;
  }

  /** Change the list and leave what the reader sees where it is; at the end, stay at the end. */
  keep(change) {
    const restore = this.hold();
    change();
    restore();
  }

  /** Remember the reader's place; returns a function that goes back to it after the list has changed. */
  hold() {
    const atEnd = this.isAtEnd();
    const anchor = atEnd ? null : this.firstVisible();
    const id = anchor?.dataset.messageId;
    const box = anchor?.getBoundingClientRect();
    // Its end where that is on the screen: the name above it may come or go.
    const edge = box?.bottom < this.scroller.getBoundingClientRect().bottom ? "bottom" : "top";
    return () => {
      if (atEnd) this.toEnd();
      // The list may have been loaded anew: then the same message is another element.
      const node = anchor?.isConnected ? anchor : id && this.list.querySelector(`:scope > [data-message-id="${id}"]`);
      if (node) this.moveBy(node.getBoundingClientRect()[edge] - box[edge]);
    };
  }

  /** Scroll by px, downwards; not at all where it is nothing, which would end a scrolling that is under way. */
  moveBy(distance) {
    if (Math.abs(distance) >= 0.1) this.scroller.scrollTop += distance;
  }

  firstVisible() {
    const top = this.scroller.getBoundingClientRect().top;
    for (const node of this.list.querySelectorAll(":scope > .message")) {
      if (node.getBoundingClientRect().bottom > top) return node;
    }
    return null;
  }

  /** The first and the last of `rows`, from top to bottom, that are on the screen, by their index; null where none is. */
  visibleOf(rows) {
    const { top, bottom } = this.scroller.getBoundingClientRect();
    const boxes = rows.map((row) => row.getBoundingClientRect());
    const isVisible = (box) => box.bottom > top && box.top < bottom;
    const first = boxes.findIndex(isVisible);
    return first < 0 ? null : { first, last: boxes.findLastIndex(isVisible) };
  }

  rowOf(seq) {
    return this.list.querySelector(`:scope > .message[data-seq="${seq}"]`);
  }

  /**
   * Where the reader is: {seq, offset} of the first stored message on the screen, null at the end of the chat. `offset` is in px
   * from the top of what holds the timeline and the bar above it.
   */
  place() {
    if (this.isLive && Math.abs(this.scroller.scrollTop) < 1) return null;
    const { top } = this.scroller.getBoundingClientRect();
    const rows = [...this.list.querySelectorAll(":scope > .message[data-seq]")];
    const row = rows.find((node) => node.getBoundingClientRect().bottom > top);
    return row === undefined ? null : { seq: Number(row.dataset.seq), offset: this.offsetOf(row) };
  }

  /** Go to a place as `place()` returns it; returns false where its message is not in the list. */
  restore(place) {
    if (place === null) {
      this.toEnd();
      return this.isLive;
    }
    const row = this.rowOf(place.seq);
    if (row === null) return false;
    this.moveBy(this.offsetOf(row) - place.offset);
    return true;
  }

  offsetOf(row) {
    return row.getBoundingClientRect().top - this.scroller.parentElement.getBoundingClientRect().top;
  }

  /** Bring a message to the middle, one that is higher than the timeline to its top; below the label of the day. */
  center(row) {
    const view = this.scroller.getBoundingClientRect();
    const box = row.getBoundingClientRect();
    const room = view.height - DAY;
    this.moveBy(box.top - (view.top + DAY + Math.max((room - box.height) / 2, 0)));
  }
}

/** Goes to a place in the chat, and loads what is around it where it is not shown. */
export class Landing {
  /**
   * `timeline`, `scroll`, `history` see their modules; `onArrived()` is called at the place, `onFailed()` where its rows
   * cannot be had.
   */
  constructor({ timeline, scroll, history, clock, signal, onArrived, onFailed }) {
    Object.assign(this, { timeline, scroll, history, clock, onArrived, onFailed });
    signal.addEventListener("abort", () => this.unmark()); // else it flashes when the chat is shown again
    this.turn = 0; // the last one to begin is the one that ends
    this.marked = null; // the timer of the mark
    this.failed = null; // what could not be had: {again, top}; `top` is where the reader was then
  }

  /** Go to a message, or to the nearest one if it is gone; `hasFocus`: whether it gets the focus. */
  land(seq, { hasFocus = true } = {}) {
    const arrive = () => {
      const row = this.timeline.nearest(seq);
      if (row === null) return;
      this.scroll.center(row);
      if (hasFocus) {
        row.focus({ preventScroll: true });
        row.dispatchEvent(new CustomEvent("message.landed", { bubbles: true }));
      }
      this.flash(row);
    };
    const isShown = () => this.timeline.nearest(seq) !== null;
    return this.go({ isShown, load: () => this.history.around(seq), arrive });
  }

  /** Go to where the reader was: scroll.place(). */
  restore(place) {
    if (place === null) return this.toEnd();
    const arrive = () => {
      if (this.scroll.restore(place)) return;
      const row = this.timeline.nearest(place.seq);
      if (row !== null) this.scroll.center(row);
    };
    const isShown = () => this.scroll.rowOf(place.seq) !== null;
    return this.go({ isShown, load: () => this.history.around(place.seq), arrive });
  }

  toEnd() {
    const arrive = () => this.scroll.toEnd();
    return this.go({ isShown: () => this.timeline.isLive, load: () => this.history.latest(), arrive, isEnd: true });
  }

  /** The connection is back: whoever has waited, and not read on elsewhere, gets there. */
  retry() {
    if (this.failed !== null && Math.abs(this.scroll.scroller.scrollTop - this.failed.top) < NEAR) this.failed.again();
  }

  /** Arrive, at once if that is possible, unless the reader goes elsewhere meanwhile. */
  async go(goal) {
    const { isShown, load, arrive, isEnd = false } = goal;
    const turn = ++this.turn;
    this.failed = null;
    if (isShown()) this.history.stop(); // on its way elsewhere
    const isThere = isShown() || await load();
    if (turn !== this.turn) return;
    if (isThere) {
      arrive();
      this.onArrived();
      return;
    }
    if (isEnd) arrive(); // to what is not sent yet
    this.failed = { again: () => this.go(goal), top: this.scroll.scroller.scrollTop };
    this.onFailed();
  }

  /** Mark the message for a moment. */
  flash(row) {
    this.unmark();
    row.getBoundingClientRect(); // laid out without the class, it flashes anew
    row.classList.add("found");
    this.marked = this.clock.setTimeout(() => this.unmark(), FLASH);
  }

  unmark() {
    this.clock.clearTimeout(this.marked);
    for (const row of this.timeline.list.querySelectorAll(":scope > .found")) row.classList.remove("found");
  }
}

/** "Jump to the latest", with how many came while the reader was further up. */
export class JumpButton {
  /** `onJump()` goes to the end of the chat. */
  constructor({ button, scroll, onJump, signal }) {
    Object.assign(this, { button, scroll });
    this.missed = 0;
    button.addEventListener("click", () => {
      onJump();
      // A keyboard that comes up on a touch screen would cover what one went to.
      if (matchMedia("(hover: hover)").matches) document.getElementById("composer-body")?.focus();
    }, { signal });
  }

  count(news) {
    this.missed += news;
    this.update();
  }

  update() {
    const atEnd = this.scroll.isAtEnd();
    if (atEnd) this.missed = 0;
    this.button.hidden = atEnd;
    this.button.classList.toggle("has-new", this.missed > 0);
    const key = this.missed === 0 ? "jump" : this.missed === 1 ? "jump_one" : "jump_many";
    this.button.querySelector("span").textContent = text(key, { count: this.missed });
  }
}

/**
 * Hide the label of a day that sticks to the top from when the next one touches it, and while nobody scrolls: it lies over
 * what is read.
 */
export function watchDays({ scroller, list, clock, signal }) {
  let isAsked = false;
  let timer = null;
  const look = () => {
    isAsked = false;
    const { top } = scroller.getBoundingClientRect();
    const days = [...list.querySelectorAll(":scope > .day")];
    const places = days.map((day) => day.getBoundingClientRect());
    const below = days.map((day) => day.nextElementSibling?.getBoundingClientRect().top ?? Infinity);
    days.forEach((day, index) => {
      day.classList.toggle("passed", places[index + 1]?.top < top + DAY);
      day.classList.toggle("floating", below[index] < places[index].bottom - 1);
    });
  };
  const ask = () => {
    if (!isAsked) requestAnimationFrame(look);
    isAsked = true;
  };
  const moved = () => {
    ask();
    list.classList.remove("resting");
    clock.clearTimeout(timer);
    timer = clock.setTimeout(() => list.classList.add("resting"), RESTS);
  };
  scroller.addEventListener("scroll", moved, { passive: true, signal });
  const observer = new MutationObserver(ask);
  observer.observe(list, { childList: true });
  signal.addEventListener("abort", () => observer.disconnect());
  moved();
}
