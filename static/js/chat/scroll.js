// The reader's place in the timeline. CSS lays it out from the bottom (column-reverse), so its end is at scrollTop 0, and
// older messages on top move nothing. Nobody who reads further up is scrolled away.
import { text } from "../lib/text.js";

const NEAR = 48; // px: closer to the end than this counts as being there
const DAY = 32; // px: how high the label of a day is, tokens.css

export class Scroll {
  constructor(scroller, list) {
    this.scroller = scroller;
    this.list = list;
  }

  isAtEnd() {
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
    const before = anchor?.getBoundingClientRect().top;
    return () => {
      if (atEnd) this.toEnd();
      // The list may have been loaded anew: then the same message is another element.
      const node = anchor?.isConnected ? anchor : id && this.list.querySelector(`:scope > [data-message-id="${id}"]`);
      if (node) this.scroller.scrollTop += node.getBoundingClientRect().top - before;
    };
  }

  /** Where the reader is: {seq, offset} of the first message in sight, null at the end. `offset` is in px from the top. */
  place() {
    const node = this.isAtEnd() ? null : this.firstVisible();
    if (!node?.dataset.seq) return null;
    return { seq: Number(node.dataset.seq), offset: node.getBoundingClientRect().top - this.scroller.getBoundingClientRect().top };
  }

  /** Go to a place that `place()` returned; to the end where its message is not shown. */
  restore(place) {
    const node = place && this.list.querySelector(`:scope > .message[data-seq="${place.seq}"]`);
    this.toEnd();
    if (!node) return;
    const top = node.getBoundingClientRect().top - this.scroller.getBoundingClientRect().top;
    this.scroller.scrollTop += top - place.offset;
  }

  firstVisible() {
    const top = this.scroller.getBoundingClientRect().top;
    for (const node of this.list.querySelectorAll(":scope > .message")) {
      if (node.getBoundingClientRect().bottom > top) return node;
    }
    return null;
  }
}

/** "Jump to the latest", with how many came while the reader was further up. */
export class JumpButton {
  /** `isLive()`: whether the page reaches the last message; an older stretch has a link there instead. */
  constructor({ button, scroll, isLive, signal }) {
    Object.assign(this, { button, scroll, isLive });
    this.missed = 0;
    button.addEventListener("click", () => {
      scroll.toEnd();
      this.update();
      document.getElementById("composer-body")?.focus();
    }, { signal });
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

/** Hide the label of a day that sticks to the top from when the next one touches it. */
export function watchDays({ scroller, list, signal }) {
  let isAsked = false;
  const look = () => {
    isAsked = false;
    const { top } = scroller.getBoundingClientRect();
    const days = [...list.querySelectorAll(":scope > .day")];
    const places = days.map((day) => day.getBoundingClientRect().top);
    days.forEach((day, index) => day.classList.toggle("passed", places[index + 1] < top + DAY));
  };
  const ask = () => {
    if (!isAsked) requestAnimationFrame(look);
    isAsked = true;
  };
  scroller.addEventListener("scroll", ask, { passive: true, signal });
  const observer = new MutationObserver(ask);
  observer.observe(list, { childList: true });
  signal.addEventListener("abort", () => observer.disconnect());
  ask();
}
