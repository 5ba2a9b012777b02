// How far the reader has read. A message is seen when its end was on the screen of a visible page; the mark moves up while all
// before it were seen, so that a jump to the end reads nothing between. What is unread stands in the bar above the timeline.
import { UnreadBar } from "../attention/unread-bar.js";
import { on } from "../lib/bus.js";
import { isComposing } from "../lib/keys.js";
import { callApi } from "../net/rest.js";

const MOST_UNREAD = 999; // as the server counts
const SETTLE = 250; // ms: a burst of messages is one report
const PASSING = 1000; // ms, where there is more to read
const RETRY = 5000; // ms, where the server puts it off
const LATER = new Set(["rate_limited", "internal", "unavailable"]);
const MOST_RANGES = 200; // as many jumps would it take
const SLACK = 4; // px of a message that may be out of sight
// Whoever has one of these open means it with Esc.
const TAKES_ESC =
  "dialog[open], details.menu[open], [data-drawer].open, .message.editing, #mention-list:not([hidden]), " +
  "#reply-bar:not([hidden]), #composer-preview:not([hidden]), #ws-status:is(:hover, :focus-visible) .tooltip:not(.dismissed)";

/** Numbers of messages, as ranges. */
export class Ranges {
  constructor() {
    this.ranges = []; // [from, to], sorted, with gaps between them
  }

  add(from, to) {
    const apart = this.ranges.filter(([first, last]) => last < from - 1 || first > to + 1);
    const touching = this.ranges.filter(([first, last]) => last >= from - 1 && first <= to + 1);
    const merged = [Math.min(from, ...touching.map(([first]) => first)), Math.max(to, ...touching.map(([, last]) => last))];
    this.ranges = [...apart, merged].sort(([one], [other]) => one - other).slice(0, MOST_RANGES);
  }

  has(number) {
    return this.ranges.some(([first, last]) => first <= number && number <= last);
  }

  /** The last number up to which none is missing after `number`; that itself where the next one is. */
  endAfter(number) {
    return this.ranges.find(([first, last]) => first <= number + 1 && number < last)?.[1] ?? number;
  }
}

export class ReadMarker {
  /**
   * `isAtEnd()`: whether the end of the chat is shown; `isVisible()`: whether the reader can see the page; `latestSeq()`: the
   * place of the last message; `look(marker)` adds to `marker.seen`; `report(seq)` tells the server, returns a promise.
   */
  constructor({ lastReadSeq, isAtEnd, isVisible, latestSeq, look, report, clock }) {
    Object.assign(this, { isAtEnd, isVisible, latestSeq, look, report, clock });
    this.readSeq = lastReadSeq; // as the server knows it, or is being told
    this.seen = new Ranges();
    this.timer = null;
    this.due = 0;
    this.isTelling = false; // one report at a time
  }

  /** Up to where all is read or seen. */
  get mark() {
    return this.seen.endAfter(this.readSeq);
  }

  get isCaughtUp() {
    return this.mark >= this.latestSeq();
  }

  /** Whether the latest message is seen. */
  get isAtLatest() {
    return this.isVisible() && this.isAtEnd();
  }

  get isReading() {
    return this.isAtLatest && this.isCaughtUp;
  }

  /** Up to `seq` it is read: by writing, or elsewhere. */
  wrote(seq) {
    this.readSeq = Math.max(this.readSeq, seq);
  }

  /** All is read, because the reader says so. */
  readAll() {
    this.seen.add(1, this.latestSeq());
    this.tellIn(0);
  }

  /** Look what is seen, and report it soon; to be called when the list, the page or the connection has changed. */
  check() {
    if (this.isVisible()) this.look(this);
    if (this.mark > this.readSeq) this.tellIn(this.isCaughtUp ? SETTLE : PASSING);
  }

  tellIn(wait) {
    const due = this.clock.now() + wait;
    if (this.isTelling) return; // it looks again
    if (this.timer !== null && this.due <= due) return;
    this.clock.clearTimeout(this.timer);
    this.due = due;
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
    const before = this.readSeq;
    const seq = this.mark;
    this.isTelling = true;
    let again = null;
    if (seq > before) {
      this.readSeq = seq;
      try {
        await this.report(seq);
      } catch ({ code }) {
        this.readSeq = Math.min(this.readSeq, before);
        again = LATER.has(code) ? RETRY : Infinity; // Infinity: when the connection is back, or never
      }
    }
    this.timer = null;
    this.isTelling = false;
    if (again === null) this.check(); // what was seen meanwhile
    else if (again !== Infinity) this.tellIn(again);
  }

  /** The chat is left: report now what is still to be reported. */
  leave() {
    if (this.mark <= this.readSeq) return;
    this.readSeq = this.mark;
    this.report(this.readSeq).catch((error) => {
      if (error.code === undefined) throw error;
    });
  }
}

/** Whether enough of a message is in `view`: its end, or so much that it fills most of it. Both as getBoundingClientRect() has them. */
export function isSeen(box, view) {
  if (box.bottom > view.top && box.bottom <= view.bottom + SLACK) return true;
  const visible = Math.min(box.bottom, view.bottom) - Math.max(box.top, view.top);
  return box.height > view.height && visible > view.height / 2;
}

function isInSight(scroller) {
  return scroller.closest("[inert]") === null && scroller.checkVisibility({ visibilityProperty: true });
}

/** Add to what the marker has seen the rows on the screen, and those that nobody has to see. */
function lookAt({ timeline, scroller }, marker) {
  if (marker.isCaughtUp) return;
  const { mark } = marker;
  const rows = timeline.rows();
  const view = scroller.getBoundingClientRect();
  rows.forEach((row, index) => {
    const seq = Number(row.dataset.seq);
    if (seq <= mark || marker.seen.has(seq)) return;
    const needless = row.classList.contains("own") || row.classList.contains("deleted");
    if (!needless && !isSeen(row.getBoundingClientRect(), view)) return;
    const isTop = timeline.sentinel("older") === null;
    const before = index > 0 ? Number(rows[index - 1].dataset.seq) : isTop ? 0 : seq - 1;
    marker.seen.add(before + 1, seq); // between two rows there are none
  });
}

/** How many messages are unread, and since when; as the bar and the list of chats show it. */
class UnreadHere {
  /**
   * `bootstrap` is what the server says of the chat; `bar` see unread-bar.js, `publish(count)` shows it in the list of chats, and
   * `listedCount()` is what that says, null where it does not have the chat.
   */
  constructor({ bootstrap, timeline, marker, bar, listedCount, publish }) {
    Object.assign(this, { timeline, marker, bar, listedCount, publish });
    this.count = bootstrap.unread_count;
    this.total = bootstrap.unread_count; // since "New" stands where it does
    this.since = bootstrap.first_unread_at ? new Date(bootstrap.first_unread_at) : null;
    this.firstSeq = bootstrap.first_unread_seq ?? null;
    this.toldSeq = bootstrap.last_read_seq; // as the server said last
  }

  /** "New" was put above other messages; `first` is the first one, if it is known. */
  begin(first) {
    Object.assign(this, { total: 0, since: first ? new Date(first.created_at) : null, firstSeq: first?.seq ?? null });
  }

  /** So many have come. */
  add(news) {
    this.count += news;
    this.total += news;
  }

  /** The server says how many there are, after what was read here or elsewhere, or was deleted. */
  told({ last_read_seq: seq, unread_count: count }) {
    if (seq > this.marker.readSeq) {
      this.marker.wrote(seq);
      this.timeline.setReadUpTo(seq);
      this.begin();
      this.total = count;
    } else if (seq === this.toldSeq) {
      this.total += count - this.count;
    }
    Object.assign(this, { count, toldSeq: seq });
    this.paint();
  }

  /** The list of chats was fetched anew, or counted while this chat was not open. */
  listed() {
    const count = this.listedCount();
    if (count === null) return;
    this.total += count - this.count;
    this.count = count;
    this.paint();
  }

  /** Count what is shown, where all of it is. */
  recount() {
    const { timeline, marker } = this;
    const standing = timeline.standingAfter(marker.readSeq);
    if (standing !== null) this.count = standing.length;
    else if (marker.readSeq >= timeline.latestSeq) this.count = 0;
    const upTo = timeline.readUpTo;
    if (upTo === null) return;
    this.total = timeline.standingAfter(upTo)?.length ?? this.total;
    const first = timeline.firstNew();
    if (first === null) return;
    this.since = new Date(first.querySelector(".message-time time").dateTime);
    this.firstSeq = Number(first.dataset.seq);
  }

  paint() {
    this.recount();
    const isUnread = this.count > 0 && !this.marker.isCaughtUp;
    this.bar.show(isUnread ? { count: Math.min(Math.max(this.total, 1), MOST_UNREAD), since: this.since } : null);
  }

  /** Show it in the list of chats, too. */
  show() {
    this.paint();
    this.publish(Math.min(this.count, MOST_UNREAD));
  }
}

/**
 * The read marker of the open chat: `bootstrap` is what the server says of it; `timeline`, `scroll`, `unread` see their modules,
 * `here` see onChat; `onGo(seq)` goes to the first unread message; `isPlaced()`: whether the reader is where they are to be.
 * Returns {marker, unreadHere, check}; `check()` looks what is seen now.
 */
export function startReadMarker({ chatId, bootstrap, timeline, scroll, scroller, unread, onGo, isPlaced, ...part }) {
  const { socket, here, clock, signal } = part;
  const marker = new ReadMarker({
    lastReadSeq: bootstrap.last_read_seq,
    isAtEnd: () => scroll.isAtEnd(),
    // On a phone the list of chats may lie over it.
    isVisible: () => isPlaced() && document.visibilityState === "visible" && isInSight(scroller),
    latestSeq: () => timeline.latestSeq,
    look: (it) => lookAt({ timeline, scroller }, it),
    report: async (seq) => {
      if (socket.isOpen) await socket.request({ type: "chat.read", chat_id: chatId, seq });
      else await callApi("POST", `/chats/${chatId}/read`, { seq });
      if (!signal.aborted) unreadHere.show();
    },
    clock,
  });
  const readAll = () => {
    marker.readAll();
    timeline.setReadUpTo(null);
    unreadHere.paint();
  };
  const bar = new UnreadBar({
    element: document.getElementById("unread-bar"),
    onGo: () => onGo(unreadHere.firstSeq ?? marker.readSeq + 1),
    onRead: () => {
      readAll();
      scroller.focus({ preventScroll: true });
    },
    signal,
  });
  // Mentions are counted by the server.
  const publish = (count) => unread.set(chatId, count, count === 0 ? 0 : unread.mentions(chatId));
  const unreadHere = new UnreadHere({ bootstrap, timeline, marker, bar, listedCount: () => unread.count(chatId), publish });
  const check = () => {
    marker.check();
    unreadHere.paint();
  };
  const notified = ({ data }) => {
    // An edit mentions the reader in a message that they have read: reporting it again marks the notification as read.
    if (data.chat_id === chatId && marker.isAtLatest && data.seq !== null) marker.reportAgain(data.seq);
  };
  on("notification.new", notified, signal);
  here("ack", ({ action }) => {
    if (action === "subscribed") check();
  });
  here("chat.unread", (frame) => unreadHere.told(frame));
  on("sidebar.shown", () => unreadHere.listed(), signal);
  for (const type of ["visibilitychange", "focusin"]) document.addEventListener(type, check, { signal });
  scroller.addEventListener("scroll", check, { signal });
  window.addEventListener("resize", check, { signal });
  on("screen.shown", check, signal);
  watchEscape({ onFree: () => marker.isVisible() && !marker.isCaughtUp && readAll(), signal });
  return { marker, unreadHere, check };
}

/** Call `onFree()` when Esc was pressed and nothing else takes it. */
function watchEscape({ onFree, signal }) {
  let isFree = false;
  // Before anybody else has closed what is open.
  document.addEventListener("keydown", (event) => {
    isFree = event.key === "Escape" && !event.repeat && !isComposing(event) && !isTaken(event.target);
  }, { capture: true, signal });
  document.addEventListener("keydown", (event) => {
    if (isFree && event.key === "Escape" && !isComposing(event) && !event.defaultPrevented) onFree();
  }, { signal });
}

/** Whether somebody else does something with Esc. */
function isTaken(target) {
  const box = target.closest?.("input, select, textarea") ?? null;
  return (box !== null && box.id !== "composer-body") || document.querySelector(TAKES_ESC) !== null;
}
