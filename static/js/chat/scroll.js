// The reader's place in the timeline. CSS lays it out from the bottom (column-reverse), so its end is at
// scrollTop 0 and older messages on top move nothing. Nobody who reads further up is scrolled away.

const NEAR = 48; // px: closer to the end than this counts as being there

const DAY = 36; // px: how high the label of a day is, chat.css

/** Hide the label of a day that sticks to the top from when the next one touches it. */
export function watchDays(scroller, list) {
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
  scroller.addEventListener("scroll", ask, { passive: true });
  new MutationObserver(ask).observe(list, { childList: true });
  ask();
}

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

  firstVisible() {
    const top = this.scroller.getBoundingClientRect().top;
    for (const node of this.list.querySelectorAll(":scope > .message")) {
      if (node.getBoundingClientRect().bottom > top) return node;
    }
    return null;
  }
}
