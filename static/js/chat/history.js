// Which stretch of the chat is shown. It grows at both ends when the reader comes near them, makes room at the far one, and
// another one takes its place. Screen readers do not read what is loaded.
import { silence } from "../lib/aria-live.js";
import { on } from "../lib/bus.js";
import { text } from "../lib/text.js";
import { localizeTimes } from "../lib/times.js";
import { fetchPart, PageError, parsePage } from "../net/fetch-page.js";
import { MOST_HELD } from "./timeline.js";

const AHEAD = "600px 0px 600px 0px"; // begin to load before the end is reached
const SIDES = { older: "before", newer: "after" };
const MOST_ROWS = 300; // messages of the chat that are in the document
const ROWS_LEFT = 260; // of them when some have been taken out
const ROWS_NEAR = 40; // those this near to the screen stay

/**
 * Which of `count` rows go where there are too many, `first` and `last` of them being on the screen: {side, number}, of "older"
 * from the top or of "newer" from the end, on the side that reaches further.
 */
export function chooseTrim({ count, first, last }) {
  const [above, below] = [first, count - 1 - last];
  const excess = count > MOST_ROWS ? count - ROWS_LEFT : 0;
  const number = Math.max(Math.min(excess, Math.max(above, below) - ROWS_NEAR), 0);
  return { side: above >= below ? "older" : "newer", number };
}

export class Stretch {
  /** `timeline` has the messages, `scroll` keeps the reader's place. */
  constructor({ timeline, scroll, chatId }) {
    Object.assign(this, { timeline, list: timeline.list, scroll, chatId });
    this.onEnds = () => {}; // called when a sentinel may be another one
    this.aside = new Map(); // messages that are being edited and whose place is not shown, by id
  }

  /** Hold what comes from now on, beside showing what can be shown: rows that are fetched may have been read before it. */
  hold() {
    this.timeline.held = [];
  }

  /**
   * Have `show()` show rows that were fetched, and apply to them what was held; returns whether that was done. It is not if too
   * much has come.
   */
  release(show) {
    const { held } = this.timeline;
    this.timeline.held = null;
    if (held.length === MOST_HELD) return false;
    show();
    for (const data of held) this.timeline.apply(data);
    return true;
  }

  /** Show another stretch, as the server has just rendered it, instead of the present one. What is not sent stays at its end. */
  replace(fragment) {
    const { list, timeline } = this;
    const restore = silence(list);
    this.scroll.keep(() => {
      for (const edited of list.querySelectorAll(":scope > .editing")) this.aside.set(edited.dataset.messageId, edited);
      this.prepare(fragment);
      const unsent = timeline.messages().filter((node) => !node.dataset.seq);
      list.replaceChildren(fragment, ...unsent);
      timeline.raise();
      timeline.decorate();
    });
    restore();
    this.onEnds();
  }

  /** Put rows that follow on the present ones in the place of the sentinel there. */
  join(side, fragment) {
    const { timeline } = this;
    for (const node of fragment.querySelectorAll(".message")) {
      if (timeline.byId(node.dataset.messageId) !== null) node.remove();
    }
    this.scroll.keep(() => {
      this.prepare(fragment);
      timeline.sentinel(side).replaceWith(fragment);
      timeline.raise();
      timeline.decorate();
    });
    this.trim();
    this.onEnds();
  }

  /** Complete what the server rendered, and take over what is here and not there. */
  prepare(fragment) {
    localizeTimes(fragment);
    for (const [id, edited] of this.aside) {
      const row = fragment.querySelector(`[data-message-id="${CSS.escape(id)}"]`);
      if (row === null) continue;
      row.replaceWith(edited);
      this.aside.delete(id);
    }
    this.timeline.markMine(fragment);
    for (const node of fragment.querySelectorAll(".message.own")) {
      const pending = this.timeline.byClientId(node.dataset.clientId);
      if (pending !== null && !pending.dataset.messageId) pending.remove(); // it is stored
    }
  }

  /** Take rows out of the document that are far from the screen, where there are too many. */
  trim() {
    const rows = this.timeline.rows();
    if (rows.length <= MOST_ROWS) return;
    const shown = this.scroll.visibleOf(rows) ?? { first: rows.length - 1, last: rows.length - 1 };
    const { side, number } = chooseTrim({ count: rows.length, ...shown });
    const far = side === "older" ? rows.slice(0, number) : rows.slice(rows.length - number).reverse();
    const stays = far.findIndex((row) => row.classList.contains("editing"));
    const gone = stays < 0 ? far : far.slice(0, stays);
    if (gone.length === 0) return;
    const hasFocus = gone.some((row) => row.contains(document.activeElement));
    const edge = side === "older" ? rows[gone.length] : rows[rows.length - 1 - gone.length];
    this.scroll.keep(() => {
      this.timeline.sentinel(side)?.remove();
      for (const row of gone) row.remove();
      edge[side === "older" ? "before" : "after"](this.makeSentinel(side, edge.dataset.seq));
      this.timeline.decorate();
    });
    if (hasFocus) this.scroll.scroller.focus({ preventScroll: true });
    this.onEnds();
  }

  makeSentinel(side, seq) {
    const name = side === "older" ? "before" : "after";
    const element = document.createElement("div");
    element.className = element.id = side;
    element.dataset[name] = seq;
    const link = document.createElement("a");
    link.className = "button button-small";
    link.href = `/chats/${this.chatId}/?${name}=${seq}`;
    link.textContent = text(side);
    element.append(link);
    return element;
  }
}

/** The rows of what /lines/ has answered, and `{seq, revision}` of its chat. */
export function parseLines(page) {
  const state = page.getElementById("lines-state");
  state.remove();
  const fragment = document.createDocumentFragment();
  fragment.append(...page.body.children);
  return { fragment, state: JSON.parse(state.textContent) };
}

export class History {
  /**
   * `onShown(news, {isJoined})` is called when rows were loaded: `news` messages among them had not come before; `isJoined`:
   * beside those that were shown.
   */
  constructor({ scroller, list, chatId, timeline, stretch, onShown, signal }) {
    Object.assign(this, { list, chatId, timeline, stretch, onShown, signal });
    this.running = null; // what ends the present request
    this.isElsewhere = false; // whether that is for another stretch
    this.observer = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) if (isIntersecting) this.load(target.id);
    }, { root: scroller, rootMargin: AHEAD });
    signal.addEventListener("abort", () => this.observer.disconnect());
    list.addEventListener("click", (event) => {
      const link = event.target.closest?.("#older a, #newer a") ?? null;
      if (link === null) return;
      event.preventDefault();
      this.load(link.parentElement.id);
    }, { signal });
    const connected = ({ state }) => {
      if (state === "online") this.watchAgain();
    };
    on("socket.state", connected, signal);
    this.watched = [];
    stretch.onEnds = () => this.watch();
    this.watch();
  }

  /** Watch the sentinels that there are now. */
  watch() {
    if (this.signal.aborted) return;
    const present = Object.keys(SIDES).map((side) => this.timeline.sentinel(side)).filter((sentinel) => sentinel !== null);
    for (const gone of this.watched.filter((sentinel) => !present.includes(sentinel))) this.observer.unobserve(gone);
    for (const fresh of present.filter((sentinel) => !this.watched.includes(sentinel))) this.observer.observe(fresh);
    this.watched = present;
  }

  /** Ask once more whether they are near the screen. */
  watchAgain() {
    this.observer.disconnect();
    this.watched = [];
    this.watch();
  }

  /** Load what follows on one side. */
  async load(side) {
    const sentinel = this.timeline.sentinel(side);
    if (this.running !== null || sentinel === null) return;
    const name = SIDES[side];
    const from = sentinel.dataset[name];
    sentinel.classList.add("loading");
    this.isElsewhere = false;
    const isLoaded = await this.fetch(`?${name}=${from}`, (fragment) => {
      if (this.timeline.sentinel(side)?.dataset[name] === from) this.stretch.join(side, fragment);
    });
    // Else the link stays where it is: a click, scrolling there again, or the next connection tries once more.
    sentinel.classList.remove("loading");
    if (isLoaded) this.watchAgain();
  }

  /** Show the rows around a message instead; returns whether they could be had. */
  around(seq) {
    return this.elsewhere(`?at=${seq}`);
  }

  /** Show the last rows instead. */
  latest() {
    return this.elsewhere("");
  }

  async elsewhere(query) {
    this.isElsewhere = true;
    const asked = this.fetch(query, (fragment) => this.stretch.replace(fragment));
    const { running } = this;
    const isShown = await asked;
    if (this.running === null || this.running === running) {
      this.isElsewhere = false;
      this.watchAgain();
    }
    return isShown;
  }

  /** End the request for another stretch, if one is under way. */
  stop() {
    if (this.isElsewhere) this.running?.abort();
  }

  /** Ask for rows, in the place of what was asked before, and show them; returns whether they could be had. */
  async fetch(query, show) {
    this.running?.abort();
    const running = new AbortController();
    this.running = running;
    const restore = silence(this.list);
    this.stretch.hold();
    try {
      const path = `/chats/${this.chatId}/lines/${query}`;
      const html = await fetchPart(path, AbortSignal.any([this.signal, running.signal]));
      if (this.running !== running || this.signal.aborted) return false;
      const { fragment } = parseLines(parsePage(html));
      const news = this.newsIn(fragment);
      if (!this.stretch.release(() => show(fragment))) return false;
      this.onShown(news, { isJoined: !this.isElsewhere });
      return true;
    } catch (error) {
      if (!(error instanceof PageError)) throw error;
      return false;
    } finally {
      if (this.running === running) {
        this.running = null;
        this.timeline.held = null;
      }
      restore();
    }
  }

  newsIn(fragment) {
    const isNews = ({ dataset, classList }) =>
      Number(dataset.seq) > this.timeline.latestSeq && !classList.contains("own") && !classList.contains("deleted");
    return [...fragment.querySelectorAll(".message")].filter(isNews).length;
  }
}
