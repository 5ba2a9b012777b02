// The bar above the timeline: how many messages are new, and since when; to go there, or to mark them as read.
import { text } from "../lib/text.js";
import { momentLabel } from "../lib/times.js";
import { spokenCount } from "./unread.js";

export class UnreadBar {
  /** `onGo()` goes to the first of them, `onRead()` marks all as read. */
  constructor({ element, onGo, onRead, signal }) {
    this.element = element;
    this.words = element.querySelector(".unread-since");
    this.words.addEventListener("click", onGo, { signal });
    element.querySelector(".unread-read").addEventListener("click", onRead, { signal });
  }

  /** `since` is null where it is not known; without anything new the bar is hidden. */
  show(news) {
    this.element.hidden = news === null;
    if (news === null) return;
    const count = spokenCount(news.count);
    const words = news.since === null
      ? text("new_count", { count })
      : text("new_since", { count, time: momentLabel(news.since, new Date()) });
    if (this.words.textContent !== words) this.words.textContent = words;
  }
}
