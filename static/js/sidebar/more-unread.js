// Pills at the edges of the list of chats: how many unread chats are out of sight above and below.
import { text } from "../lib/text.js";

/**
 * Count the unread chats out of sight. `places` is a list of {top, bottom, mentions} from above, `edges` {top, bottom} what
 * is seen of the list; a chat is seen if its middle is. Returns {above, below}, each {count, mentions, next}: `next` is the
 * index of the nearest one, -1 without any.
 */
export function outOfSight(places, edges) {
  const sides = { above: { count: 0, mentions: 0, next: -1 }, below: { count: 0, mentions: 0, next: -1 } };
  places.forEach(({ top, bottom, mentions }, index) => {
    const middle = (top + bottom) / 2;
    if (middle >= edges.top && middle <= edges.bottom) return;
    const side = middle < edges.top ? sides.above : sides.below;
    side.count += 1;
    side.mentions += mentions;
    if (side === sides.above || side.next < 0) side.next = index;
  });
  return sides;
}

export class MoreUnread {
  /** `pane` is what scrolls. */
  constructor({ pane, signal }) {
    this.pane = pane;
    this.pills = [...pane.querySelectorAll(".more-unread")];
    this.next = {};
    for (const pill of this.pills) pill.addEventListener("click", () => this.go(pill), { signal });
  }

  show() {
    const rooms = [...this.pane.querySelectorAll("a.room.unread")].filter((room) => room.offsetParent !== null);
    const places = rooms.map((room) => {
      const { top, bottom } = room.getBoundingClientRect();
      return { top, bottom, mentions: Number(room.dataset.mentions ?? 0) };
    });
    const edges = this.pane.getBoundingClientRect();
    const tools = this.pane.querySelector(".room-tools")?.getBoundingClientRect();
    const sides = outOfSight(places, { top: Math.max(edges.top, tools?.bottom ?? 0), bottom: edges.bottom });
    for (const pill of this.pills) {
      const { count, mentions, next } = sides[pill.dataset.where];
      this.next[pill.dataset.where] = rooms[next];
      pill.hidden = count === 0;
      pill.classList.toggle("mentions", mentions > 0);
      const words = text(`more_unread_${pill.dataset.where}`, { count });
      if (count > 0 && pill.textContent !== words) pill.textContent = words;
    }
  }

  go({ dataset }) {
    const room = this.next[dataset.where];
    room?.scrollIntoView({ block: "center" });
    room?.focus({ preventScroll: true });
  }
}
