// What the socket brings of the open chat's messages: one by one, as a catch-up, or by loading the page anew.
import { text } from "../lib/text.js";
import { makeReload } from "../net/reload.js";
import { parseLines } from "./history.js";

const CHANGES = ["chat.message.posted", "chat.message.edited", "chat.message.deleted"];

export class Arrivals {
  /**
   * `userId` is the reader; `timeline`, `stretch`, `scroll`, `jump`, `marker`, `unreadHere` see their modules; `here` see onChat.
   * `onAuthors(ids)` is told whose messages have come, `onReload()` is called when rows were loaded anew.
   */
  constructor({ clock, signal, here, ...parts }) {
    Object.assign(this, parts);
    const { chatId, timeline } = this;
    this.missed = null; // frames of a catch-up, shown together at its end
    this.resetFrom = null; // the last message that was known when a reset came
    const path = () => `/chats/${chatId}/lines/${this.query()}`;
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
    const wasCaughtUp = marker.isCaughtUp;
    const upTo = isCatchUp ? timeline.completeSeq : timeline.latestSeq;
    const news = []; // of others
    let written = 0; // the last of one's own that are new here: with it all above it is read
    const showAll = () => {
      for (const data of messages) {
        const isOwn = data.author.id === this.userId;
        if (isOwn) marker.wrote(data.seq);
        if (isOwn && data.seq > timeline.latestSeq) written = Math.max(written, data.seq);
        if (timeline.apply(data) && data.deleted_at === null) news.push(data);
      }
    };
    if (isCatchUp) timeline.batch(showAll);
    else showAll();
    if (written > (timeline.readUpTo ?? written)) timeline.setReadUpTo(null);
    if (news.length > 0) {
      this.onAuthors(news.map(({ author }) => author.id));
      if ((!wasReading || isCatchUp) && (timeline.readUpTo === null || wasCaughtUp)) this.begin(Math.max(upTo, written), news[0]);
      this.count(news.length);
      if (isCatchUp) summarize(news.length);
    }
    this.stretch.trim();
    marker.check();
    if (wasReading && marker.isReading) this.unreadHere.paint();
    else this.unreadHere.show();
    this.jump.update();
  }

  /** "New" stands above what comes after `upTo`; `first` is its first message, if that is known. */
  begin(upTo, first) {
    this.timeline.setReadUpTo(upTo);
    this.unreadHere.begin(first);
  }

  /** So many messages of others have come. */
  count(news) {
    this.unreadHere.add(news);
    if (!this.scroll.isAtEnd()) this.jump.count(news);
  }

  /** Rows were loaded, with `news` messages of others that had not come before. */
  shown(news, { isJoined }) {
    if (news > 0) this.count(news);
    if (isJoined) this.marker.check();
    this.unreadHere.show();
  }

  /** Which rows to load anew: those around the reader, or the last ones. */
  query() {
    const place = this.scroll.place();
    return place === null ? "" : `?at=${place.seq}`;
  }

  /** Show rows that were just loaded, instead of all that are shown. */
  replace(page) {
    const { timeline } = this;
    const { fragment, state } = parseLines(page);
    // Own messages, and live ones, may have come while the rows were fetched.
    const isOwnNew = ({ dataset }) => Number(dataset.seq) > this.resetFrom;
    const own = [...fragment.querySelectorAll(".message.own")].filter(isOwnNew).length;
    const news = Math.max(state.seq - this.resetFrom - own, 0);
    if (news > 0 && (timeline.readUpTo === null || this.marker.isCaughtUp)) this.begin(this.resetFrom);
    this.resetFrom = null;
    this.stretch.replace(fragment);
    timeline.latestSeq = Math.max(timeline.latestSeq, state.seq);
    this.onReload();
    if (news > 0) summarize(news);
    this.jump.count(news);
    this.unreadHere.add(news);
    this.marker.check();
    this.unreadHere.show();
    this.socket.follow(this.chatId, state.revision);
  }
}

/** Say in one sentence what the screen reader was spared. */
function summarize(news) {
  document.getElementById("summary").textContent = text(news === 1 ? "missed_one" : "missed_many", { count: news });
}
