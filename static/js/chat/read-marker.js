// How far the reader has read: reported to the server when the latest message is on the screen of a visible page.
import { on } from "../lib/bus.js";
import { callApi } from "../net/rest.js";

const MOST_UNREAD = 999; // as the server counts
const SETTLE = 250; // ms: a burst of messages is one report
const RETRY = 5000; // ms, where the server puts it off
const LATER = new Set(["rate_limited", "internal", "unavailable"]);

export class ReadMarker {
  /**
   * `isAtEnd()`, `isVisible()`: whether the latest message is seen; `latestSeq()`: its place;
   * `report(seq)`: tells the server, returns a promise.
   */
  constructor({ lastReadSeq, isAtEnd, isVisible, latestSeq, report, clock }) {
    Object.assign(this, { isAtEnd, isVisible, latestSeq, report, clock });
    this.readSeq = lastReadSeq;
    this.timer = null;
  }

  get isReading() {
    return this.isVisible() && this.isAtEnd();
  }

  get unread() {
    return Math.max(this.latestSeq() - this.readSeq, 0);
  }

  /** Own messages count as read. */
  wrote(seq) {
    this.readSeq = Math.max(this.readSeq, seq);
  }

  /** Report soon what was read since; to be called when the list, the page or the connection has changed. */
  check(wait = SETTLE) {
    if (!this.isReading || this.unread === 0 || this.timer !== null) return;
    this.timer = this.clock.setTimeout(() => this.tell(), wait);
  }

  /** Report once more what was read before. */
  async reportAgain(seq) {
    if (seq > this.readSeq) return; // it is told soon
    try {
      await this.report(seq);
    } catch (error) {
      if (error.code === undefined) throw error; // a refusal, or no connection: the bell says that it is unread, as it is
    }
  }

  async tell() {
    const seq = this.latestSeq();
    const before = this.readSeq;
    let wait = SETTLE; // what came while this was told
    if (this.isReading && seq > before) {
      this.readSeq = seq;
      try {
        await this.report(seq);
      } catch ({ code }) {
        this.readSeq = Math.min(this.readSeq, before);
        wait = LATER.has(code) ? RETRY : null; // null: when the connection is back, or never
      }
    }
    this.timer = null;
    if (wait !== null) this.check(wait);
  }
}

/**
 * The read marker of the open chat: `timeline`, `scroll`, `unread` see their modules, `here` see onChat. Returns {marker,
 * showUnread}; `showUnread()` shows in the list of chats what is unread here.
 */
export function startReadMarker({ chatId, lastReadSeq, timeline, scroll, unread, socket, here, clock, signal }) {
  const main = document.getElementById("main");
  const showUnread = () => {
    const count = timeline.standingAfter(marker.readSeq) ?? Math.min(marker.unread, MOST_UNREAD);
    unread.set(chatId, count, count === 0 ? 0 : unread.mentions(chatId)); // mentions are counted by the server
  };
  const marker = new ReadMarker({
    lastReadSeq,
    isAtEnd: () => timeline.isLive && scroll.isAtEnd(),
    // On a phone the list of chats may lie over it.
    isVisible: () => document.visibilityState === "visible" && main.checkVisibility({ visibilityProperty: true }),
    latestSeq: () => timeline.latestSeq,
    report: async (seq) => {
      if (socket.isOpen) await socket.request({ type: "chat.read", chat_id: chatId, seq });
      else await callApi("POST", `/chats/${chatId}/read`, { seq });
      showUnread();
    },
    clock,
  });
  const notified = ({ data }) => {
    // An edit mentions the reader in a message that they have read: reporting it again marks the notification as read.
    if (data.chat_id === chatId && marker.isReading && data.seq !== null) marker.reportAgain(data.seq);
  };
  on("notification.new", notified, signal);
  here("ack", ({ action }) => {
    if (action === "subscribed") marker.check();
  });
  here("chat.unread", (frame) => marker.wrote(Math.min(frame.last_read_seq, timeline.latestSeq)));
  document.addEventListener("visibilitychange", () => marker.check(), { signal });
  on("screen.shown", () => marker.check(), signal);
  return { marker, showUnread };
}
