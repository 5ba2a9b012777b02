// Older messages when the reader scrolls up. The log is silent meanwhile: history is no news.
import { hush } from "../lib/aria-live.js";

const AHEAD = "600px 0px 0px 0px"; // begin to load before the top is reached

export class History {
  /** `prepend(fragment)` puts them on the page. */
  constructor({ scroller, list, chatId, prepend }) {
    Object.assign(this, { scroller, list, chatId, prepend });
    this.observer = null;
    this.loading = false;
  }

  start() {
    this.observer = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) this.load();
    }, { root: this.scroller, rootMargin: AHEAD });
    this.list.addEventListener("click", (event) => {
      if (!event.target.closest?.("#older a")) return;
      event.preventDefault();
      this.load();
    });
    this.watch();
  }

  stop() {
    this.observer?.disconnect();
  }

  get sentinel() {
    return document.getElementById("older");
  }

  watch() {
    this.observer.disconnect();
    if (this.sentinel !== null) this.observer.observe(this.sentinel);
  }

  async load() {
    const sentinel = this.sentinel;
    if (this.loading || sentinel === null) return;
    this.loading = true;
    sentinel.classList.add("loading");
    const speak = hush(this.list);
    try {
      const url = `/chats/${this.chatId}/?before=${sentinel.dataset.before}`;
      const response = await fetch(url, { headers: { "X-Requested-With": "fetch" }, credentials: "same-origin" });
      if (!response.ok || response.redirected) throw new Error(`HTTP ${response.status}`);
      const template = document.createElement("template");
      template.innerHTML = await response.text();
      sentinel.remove();
      this.prepend(template.content);
    } catch {
      // The link stays where it is: a click, or scrolling up again, tries once more.
      sentinel.classList.remove("loading");
    } finally {
      this.loading = false;
      speak();
    }
    if (this.sentinel !== null && this.sentinel !== sentinel) this.watch();
  }
}
