// The messages of the open chat: puts each message in its place, whatever order they come in. What is shown is a stretch of the
// chat, see history.js; #older and #newer stand at the ends beyond which there is more.
import { arrange } from "./grouping.js";
import { completeBodies } from "./message-body.js";
import { factsOf, markMentions, MessageView, namesReader } from "./message-view.js";
import { silence } from "../lib/aria-live.js";
import { excerptOf, excerptOfHtml } from "./excerpt.js";
import { text } from "../lib/text.js";
import { dayKey, dayLabel } from "../lib/times.js";

export const MOST_HELD = 500; // messages that come while one request is under way

export class Timeline {
  /**
   * `list` is the log; `scroll` keeps the reader's place; `viewer` and `people` see MessageView, with its `author` payload;
   * `latestSeq`: of the last message of the chat that is known; `loadMessage(id)` fetches one that is quoted.
   */
  constructor({ list, scroll, template, viewer, people, latestSeq, loadMessage }) {
    Object.assign(this, { list, scroll, viewer, latestSeq, loadMessage });
    this.view = new MessageView({ template, viewer, people });
    this.readUpTo = null;
    this.isBatch = false;
    this.held = null; // what comes while rows are fetched, history.js
    this.markMine(list);
  }

  /** Whether what is shown reaches the chat's last message. */
  get isLive() {
    return this.scroll.isLive;
  }

  markMine(root) {
    markMentions(root, this.viewer.username);
    completeBodies(root);
    for (const node of root.querySelectorAll(".message")) {
      node.classList.toggle("mentions-me", namesReader(node));
    }
  }

  messages() {
    return [...this.list.querySelectorAll(":scope > .message")];
  }

  /** Those that are stored. */
  rows() {
    return [...this.list.querySelectorAll(":scope > .message[data-seq]")];
  }

  /** The element with which what is shown ends above ("older") or below ("newer"); null where there is nothing more. */
  sentinel(side) {
    return this.list.querySelector(`:scope > #${side}`);
  }

  /** The ids of those whose messages are on the page, the latest first. */
  recentAuthors() {
    return [...new Set(this.messages().reverse().map(({ dataset }) => dataset.authorId))];
  }

  byId(id) {
    return this.list.querySelector(`:scope > [data-message-id="${CSS.escape(id)}"]`);
  }

  byClientId(clientId) {
    return this.list.querySelector(`:scope > .own[data-client-id="${CSS.escape(clientId)}"]`);
  }

  lastOwn() {
    return this.messages().findLast((node) => node.dataset.body !== undefined && node.dataset.messageId);
  }

  /**
   * The message up to which none is missing. One's own, sent by REST while there was no socket, may
   * stand beyond what was missed meanwhile.
   */
  get completeSeq() {
    if (!this.isLive) return this.latestSeq;
    const shown = this.messages().map((node) => Number(node.dataset.seq)).filter((seq) => seq > 0);
    const gap = shown.findIndex((seq, index) => index > 0 && seq > shown[index - 1] + 1);
    return gap < 0 ? this.latestSeq : shown[gap - 1];
  }

  /** Whether what is shown goes up to the message after `seq`. */
  reachesUpTo(seq) {
    return this.sentinel("older") === null || Number(this.rows()[0]?.dataset.seq) <= seq + 1;
  }

  /** The messages of others after `seq` that still stand; null where the page does not show all of these. */
  standingAfter(seq) {
    if (!this.isLive || !this.reachesUpTo(seq) || this.completeSeq < this.latestSeq) return null;
    return this.rows().filter(({ dataset, classList }) => {
      return Number(dataset.seq) > seq && !classList.contains("own") && !classList.contains("deleted");
    });
  }

  /** The row at `seq`, or the nearest one; null where the page does not show its place. */
  nearest(seq) {
    const rows = this.rows();
    const [first, last] = [rows[0], rows.at(-1)].map((row) => Number(row?.dataset.seq));
    const isShown = (seq >= first || this.sentinel("older") === null) && (seq <= last || this.isLive);
    if (rows.length === 0 || !isShown) return null;
    const distance = ({ dataset }) => Math.abs(Number(dataset.seq) - seq);
    return rows.reduce((best, row) => (distance(row) < distance(best) ? row : best));
  }

  /** Apply a posted, edited or deleted message; returns whether it is a new one of somebody else. */
  apply(data) {
    if (this.held !== null && this.held.length < MOST_HELD) this.held.push(data);
    let isNew = data.seq > this.latestSeq;
    this.latestSeq = Math.max(this.latestSeq, data.seq);
    const own = data.author.id === this.viewer.id;
    const node = this.byId(data.id) ?? (own ? this.byClientId(data.client_id) : null);
    if (node !== null) {
      // Older and equal states come again after a reconnect, or were overtaken.
      if (Number(node.dataset.revision || 0) >= data.revision) return false;
      this.keep(() => this.update(node, data));
    } else if (this.belongs(data)) {
      isNew = true; // also where one's own was stored after it and is shown already
      this.keep(() => this.insert(data));
    }
    return isNew && !own;
  }

  keep(change) {
    if (this.isBatch) change();
    else this.scroll.keep(change);
  }

  /** Change much at once: laid out once, silently for screen readers. */
  batch(change) {
    const restore = silence(this.list);
    this.isBatch = true;
    this.scroll.keep(() => {
      try {
        change();
      } finally {
        this.isBatch = false;
        this.decorate();
      }
    });
    restore();
  }

  /** Rows were put into the list: they may be later than what was known. */
  raise() {
    this.latestSeq = Math.max(this.latestSeq, Number(this.rows().at(-1)?.dataset.seq ?? 0));
  }

  /** Whether a message that is not shown has its place in the stretch that is. */
  belongs(data) {
    const rows = this.rows();
    if (rows.length === 0) return this.isLive;
    // Above the first one stands what is loaded on scrolling up, but only where there is more to load.
    const isBelowTop = data.seq > Number(rows[0].dataset.seq) || this.sentinel("older") === null;
    return isBelowTop && (this.isLive || data.seq < Number(rows.at(-1).dataset.seq));
  }

  update(node, data) {
    const moved = node.dataset.seq === undefined;
    if (node.querySelector(".unrendered") !== null) node.setAttribute("aria-live", "off"); // it was read as it was typed
    this.view.setStatus(node, null);
    this.view.fill(node, data);
    if (moved) {
      node.querySelector(".message-time time").dateTime = data.created_at;
      this.place(node, data.seq);
    }
    this.requote(node, data);
    this.decorate();
  }

  insert(data) {
    const node = this.view.create(data);
    this.place(node, data.seq);
    this.quote(node, data.reply_to);
    this.decorate();
  }

  place(node, seq) {
    const nodes = this.messages();
    const before = nodes.findLast((other) => other !== node && Number(other.dataset.seq || Infinity) < seq);
    // Moved, it would be read by screen readers once more, and lose the focus.
    if (node.parentNode === this.list && nodes[nodes.indexOf(node) - 1] === before) return;
    if (before !== undefined) before.after(node);
    else {
      const first = nodes.find((other) => other !== node);
      if (first !== undefined) first.before(node);
      else this.list.append(node);
    }
  }

  /** Show what was typed at once; returns its element. */
  addPending(entry) {
    const known = this.byClientId(entry.client_id);
    if (known !== null) return known;
    const node = this.view.createPending({ ...entry, author: this.viewer.author });
    this.list.append(node);
    this.quote(node, entry.reply_to);
    this.decorate();
    return node;
  }

  /**
   * Say on an unsent message what is going on, or why it failed; `isFree`: whether it can be taken back, `canEdit`: whether
   * there is a box to put it into.
   */
  setPending({ client_id, status, reason }, words, { isFree, canEdit }) {
    const node = this.byClientId(client_id);
    if (node === null || node.dataset.messageId) return;
    const edit = { action: "take-back", label: text("edit") };
    const back = [...(canEdit ? [edit] : []), { action: "discard", label: text("discard") }];
    const again = { action: "retry", label: text("retry") };
    if (status === "failed") this.view.setStatus(node, "failed", `${text("failed")} ${reason}`, [again, ...back]);
    else this.view.setStatus(node, "pending", words, isFree ? back : []);
  }

  /** The client ids of the messages that are not known to be stored. */
  pendingIds() {
    return this.messages().filter(({ dataset }) => !dataset.messageId).map(({ dataset }) => dataset.clientId);
  }

  /** Note that a message is stored; the event with its HTML comes before or after. */
  confirm({ client_id, message_id, seq }) {
    const node = this.byClientId(client_id);
    if (node === null || node.dataset.messageId) return;
    const isElsewhere = this.byId(message_id) !== null || !this.belongs({ seq });
    this.latestSeq = Math.max(this.latestSeq, seq);
    if (isElsewhere) {
      node.remove();
    } else {
      this.view.identify(node, message_id, seq, 0); // revision 0: whatever comes is newer
      this.view.setStatus(node, null);
      this.place(node, seq);
    }
    this.decorate();
  }

  /** Remove an unsent message. */
  discard(clientId) {
    const node = this.byClientId(clientId);
    if (node === null || node.dataset.messageId) return;
    this.scroll.keep(() => node.remove());
    this.decorate();
  }

  /** The message below "New"; null where that is not shown. */
  firstNew() {
    return this.list.querySelector(":scope > .new-line")?.nextElementSibling ?? null;
  }

  /** Where "New" stands: above the first message of others after `seq`; null removes it. */
  setReadUpTo(seq) {
    if (this.readUpTo === seq) return;
    this.readUpTo = seq;
    this.keep(() => this.decorate());
  }

  /** Names, days and "New" around the messages as they stand now. */
  decorate() {
    if (this.isBatch) return; // once, at its end
    const old = new Set(this.list.querySelectorAll(":scope > .day, :scope > .new-line"));
    const nodes = this.messages();
    const facts = nodes.map(factsOf);
    const now = new Date();
    const words = { today: text("today"), yesterday: text("yesterday") };
    const reachesNew = this.readUpTo !== null && this.reachesUpTo(this.readUpTo);
    const places = arrange(facts, reachesNew ? this.readUpTo : null, dayKey);
    // Nothing new is left: what comes next begins with a line of its own.
    if (reachesNew && this.isLive && !places.some((place) => place.isFirstNew)) this.readUpTo = null;
    places.forEach((place, index) => {
      const node = nodes[index];
      node.classList.toggle("same", place.same);
      let below = node;
      if (place.isFirstNew) below = this.separate(below, "new-line", text("new"), old);
      if (place.startsDay) this.separate(below, "day", dayLabel(facts[index].time, now, words), old);
    });
    for (const line of old) line.remove();
    const empty = document.getElementById("timeline-empty");
    if (empty !== null) empty.hidden = nodes.length > 0;
  }

  /** Name the days anew, without screen readers reading it: it is another day. */
  renameDays() {
    const restore = silence(this.list);
    this.keep(() => this.decorate());
    restore();
  }

  /**
   * Have a line stand above `below`, and return it. One of `old` that does so stays and is taken out of them: put there
   * anew, a screen reader would read all days again with every message.
   */
  separate(below, className, words, old) {
    const says = (line) => line.className === className && line.getAttribute("aria-label") === words;
    let line = below.previousElementSibling;
    while (old.has(line) && !says(line)) line = line.previousElementSibling; // past those that will go
    if (!old.has(line)) {
      line = this.separator(className, words);
      below.before(line);
    }
    old.delete(line);
    return line;
  }

  separator(className, words) {
    const line = document.createElement("div");
    line.className = className;
    line.setAttribute("role", "separator");
    line.setAttribute("aria-label", words);
    const span = document.createElement("span");
    span.textContent = words;
    line.append(span);
    return line;
  }

  async quote(node, id) {
    if (!id) return;
    const shown = this.byId(id);
    if (shown !== null) {
      this.view.quote(node, this.quotable(shown));
      return;
    }
    this.view.quote(node, { author: "", body: text("unknown_reply"), seq: null, deleted: false });
    const data = await this.loadMessage(id);
    if (data === null) return;
    const { author, html, seq, deleted_at } = data;
    const body = excerptOfHtml(html);
    this.view.quote(node, { author: author.display_name, authorId: author.id, body, seq, deleted: deleted_at !== null });
  }

  /** What a quote of a message that is shown says. */
  quotable(node) {
    return {
      author: node.querySelector(".message-author").textContent,
      authorId: node.dataset.authorId,
      body: excerptOf(node.querySelector(".message-body")),
      seq: node.dataset.seq,
      deleted: node.classList.contains("deleted"),
    };
  }

  /** Everybody whose name stands on a message or a quote. */
  authorIds() {
    return [...new Set([...this.list.querySelectorAll("[data-name-of]")].map(({ dataset }) => dataset.nameOf))].filter(Boolean);
  }

  /** Follow whether the reader manages the chat, and so may delete the messages of others. */
  setMayManage(mayManage) {
    if (this.viewer.mayManage === mayManage) return;
    this.viewer.mayManage = mayManage;
    for (const node of this.messages()) this.view.allow(node);
  }

  requote(node, data) {
    const answers = this.list.querySelectorAll(`:scope > [data-reply-to="${CSS.escape(data.id)}"]`);
    for (const answer of answers) this.view.quote(answer, this.quotable(node));
  }
}
