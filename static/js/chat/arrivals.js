// What the socket brings of the open chat's messages: one by one, as a catch-up, or by loading the page anew.
import { text } from "../lib/text.js";
import { localizeTimes } from "../lib/times.js";
import { makeReload } from "../net/reload.js";

const CHANGES = ["chat.message.posted", "chat.message.edited", "chat.message.deleted"];

export class Arrivals {
  /**
   * `userId` is the reader; `timeline`, `scroll`, `jump` and `marker` see their modules; `here` see onChat. `onAuthors(ids)` is
   * told whose messages have come, `onUnread()` is called when the chat's unread count may be another one, and `onReload()`
   * when the page was loaded anew.
   */
  constructor({ chatId, userId, timeline, scroll, jump, marker, socket, here, clock, signal, onAuthors, onUnread, onReload }) {
    Object.assign(this, { chatId, userId, timeline, scroll, jump, marker, socket, onAuthors, onUnread, onReload });
    this.missed = null; // frames of a catch-up, shown together at its end
    this.resetFrom = null; // the last message that was known when a reset came
    const path = () => `/chats/${chatId}/`;
    this.reload = makeReload({ path, show: (page) => this.replace(page), clock, signal });
    for (const type of CHANGES) {
      here(type, (frame) => {
        if (this.missed === null) this.show([frame.data]);
        else this.missed.push(frame.data);
      });
    }
    here("catchup.begin", () => {
      this.missed = [];
    });
    here("catchup.end", () => {
      this.show(this.missed, { isCatchUp: true });
      this.missed = null;
    });
    here("chat.reset", () => {
      this.resetFrom ??= timeline.completeSeq;
      this.reload.start();
    });
    signal.addEventListener("abort", () => this.reload.cancel());
  }

  /** Show messages in their order; what a catch-up brings is laid out once and summed up for screen readers. */
  show(messages, { isCatchUp = false } = {}) {
    const { timeline, marker } = this;
    const wasReading = marker.isReading;
    const upTo = isCatchUp ? timeline.completeSeq : timeline.latestSeq;
    const authors = [];
    let written = 0; // the last of one's own that are new here: with it all above it is read
    const showAll = () => {
      for (const data of messages) {
        const isOwn = data.author.id === this.userId;
        if (isOwn) marker.wrote(data.seq);
        if (isOwn && data.seq > timeline.latestSeq) written = Math.max(written, data.seq);
        if (timeline.apply(data) && data.deleted_at === null) authors.push(data.author.id);
      }
    };
    if (isCatchUp) timeline.batch(showAll);
    else showAll();
    if (written > (timeline.readUpTo ?? written)) timeline.setReadUpTo(null);
    if (!wasReading) this.onUnread();
    const news = authors.length;
    if (news === 0) return;
    this.onAuthors(authors);
    if ((!wasReading || isCatchUp) && timeline.readUpTo === null) timeline.setReadUpTo(Math.max(upTo, written));
    if (!this.scroll.isAtEnd()) this.jump.count(news);
    if (isCatchUp) summarize(news);
    marker.check();
  }

  /** Show the latest messages as a page that was just loaded has them, instead of all that are shown. */
  replace(page) {
    const { timeline } = this;
    const fresh = JSON.parse(page.getElementById("bootstrap").textContent);
    const fragment = document.createDocumentFragment();
    fragment.append(...page.getElementById("messages").children);
    localizeTimes(fragment);
    // Own messages, and live ones, may have come while the page was fetched.
    const isOwnNew = ({ dataset }) => Number(dataset.seq) > this.resetFrom;
    const own = [...fragment.querySelectorAll(".message.own")].filter(isOwnNew).length;
    const news = Math.max(fresh.seq - this.resetFrom - own, 0);
    if (news > 0 && timeline.readUpTo === null) timeline.readUpTo = this.resetFrom;
    this.resetFrom = null;
    timeline.replace(fragment, fresh.seq);
    document.querySelector("a.jump-latest")?.remove(); // no older stretch any more
    this.onReload();
    if (news > 0) summarize(news);
    this.jump.count(news);
    this.marker.check();
    this.socket.follow(this.chatId, fresh.revision);
  }
}

/** Say in one sentence what the screen reader was spared. */
function summarize(news) {
  document.getElementById("summary").textContent = text(news === 1 ? "missed_one" : "missed_many", { count: news });
}
