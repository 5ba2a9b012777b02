// Older messages when the reader scrolls up. Screen readers do not read them.
import { silence } from "../lib/aria-live.js";
import { fetchPart, PageError, parsePage } from "../net/fetch-page.js";

const AHEAD = "600px 0px 0px 0px"; // begin to load before the top is reached

export class History {
  /** `prepend(fragment)` puts them on the page. */
  constructor({ scroller, list, chatId, prepend, signal }) {
    Object.assign(this, { list, chatId, prepend, signal });
    this.loading = false;
    this.observer = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) this.load();
    }, { root: scroller, rootMargin: AHEAD });
    signal.addEventListener("abort", () => this.observer.disconnect());
    list.addEventListener("click", (event) => {
      if (!event.target.closest?.("#older a")) return;
      event.preventDefault();
      this.load();
    }, { signal });
    this.watch();
  }

  get sentinel() {
    return document.getElementById("older");
  }

  /** The list was loaded anew: watch its own link to older messages. */
  watch() {
    this.observer.disconnect();
    if (this.sentinel !== null && !this.signal.aborted) this.observer.observe(this.sentinel);
  }

  async load() {
    const sentinel = this.sentinel;
    if (this.loading || sentinel === null) return;
    this.loading = true;
    sentinel.classList.add("loading");
    const restore = silence(this.list);
    try {
      const html = await fetchPart(`/chats/${this.chatId}/lines/?before=${sentinel.dataset.before}`, this.signal);
      const fragment = document.createDocumentFragment();
      fragment.append(...parsePage(html).querySelectorAll("body > :not(script)"));
      sentinel.remove();
      this.prepend(fragment);
    } catch (error) {
      if (!(error instanceof PageError)) throw error;
      // The link stays where it is: a click, or scrolling up again, tries once more.
      sentinel.classList.remove("loading");
    } finally {
      this.loading = false;
      restore();
    }
    if (this.sentinel !== null && this.sentinel !== sentinel) this.watch();
  }
}
