// The reader's place in the timeline. CSS lays it out from the bottom (column-reverse), so its end is at
// scrollTop 0 and older messages on top move nothing. Nobody who reads further up is scrolled away.

const NEAR = 48; // px: closer to the end than this counts as being there

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
    const atEnd = this.isAtEnd();
    const anchor = atEnd ? null : this.firstVisible();
    const before = anchor?.getBoundingClientRect().top;
    change();
    if (atEnd) this.toEnd();
    else if (anchor?.isConnected) this.scroller.scrollTop += anchor.getBoundingClientRect().top - before;
  }

  firstVisible() {
    const top = this.scroller.getBoundingClientRect().top;
    for (const node of this.list.querySelectorAll(":scope > .message")) {
      if (node.getBoundingClientRect().bottom > top) return node;
    }
    return null;
  }
}
