// Opens chats within the page: the document, the socket and the list of chats stay.
import { isWritten } from "../input/type-anywhere.js";
import { emit, on } from "../lib/bus.js";
import { lifetime } from "../lib/clock.js";
import { isComposing, isField } from "../lib/keys.js";
import { text } from "../lib/text.js";
import { Retry } from "../net/retry.js";
import { signInAddress } from "../shell/connection.js";
import { chatAddress, pathOf } from "./address.js";
import { Frame } from "./frame.js";
import { forgetOpened, rememberOpened } from "./place.js";
import { bootstrapOf, parseChat, roomOf, showCurrent, shownNodes, showNodes, showTitle } from "./view.js";

const PATIENCE = 200; // ms until something is shown of a chat that is on its way
const GONE = new Set([403, 404]);

const hrefOf = ({ pathname, search, hash }) => pathname + search + hash; // as address.js has it

export class Navigator {
  /**
   * `app` is what startApp returns, `startChat(app, bootstrap)` see chat/start.js, `recent` see recent.js, `userId` the reader.
   * `load(path, signal)` returns a promise of the part of a chat's page that rejects with PageError.
   */
  constructor({ app, startChat, recent, load, userId }) {
    Object.assign(this, { app, startChat, recent, load, userId });
    this.chat = null; // the open one: {chatId, nodes, part}
    this.frame = null; // what stands in the place of one
    this.loading = null; // the lifetime of the request for one
    this.wantedId = ""; // the open chat, or the one on its way
    this.path = location.pathname; // of what is shown
    this.href = hrefOf(location); // and all of its address
    this.isList = false; // whether the list of chats lies over it, on a phone
    this.version = null; // of the page's static files, as the server's first answer has it
    this.isOutdated = false; // the server has other static files by now
    const nodes = shownNodes();
    if (nodes === null) forgetOpened();
    else {
      const bootstrap = bootstrapOf(nodes);
      this.compareVersion(bootstrap);
      this.start(nodes, { ...bootstrap, place: history.state?.place });
    }
    on("welcome", (frame) => this.compareVersion(frame), app.signal);
    const refused = ({ chat_id: chatId, code }) => {
      // There is room now, after recent.js has let others go; without others there will be none.
      if (code === "too_many" && chatId === this.chat?.chatId && this.recent.hasLetGo) this.app.socket.follow(chatId, this.chat.revision);
    };
    on("subscribe.refused", refused, app.signal);
    const added = ({ chat_id: chatId, data }) => {
      if (data.user_id === userId && chatId === this.wantedId && this.isUnavailable) this.show(chatAddress(new URL(location.href)));
    };
    on("chat.member_added", added, app.signal);
    on("sidebar.shown", () => showCurrent(this.wantedId), app.signal);
    history.scrollRestoration = "manual";
  }

  /** The server's version may be another one than the page's: then the next chat is opened by loading its page. */
  compareVersion({ version }) {
    this.version ??= version ?? null;
    this.isOutdated ||= this.version !== (version ?? this.version);
  }

  /** Go to an address, within the page where it is a chat's. */
  navigate(href) {
    const to = chatAddress(new URL(href, location.href));
    if (to === null || this.isOutdated) {
      location.assign(href);
      return;
    }
    this.rememberPlace();
    if (to.href !== hrefOf(location)) history.pushState(null, "", to.href);
    this.show(to);
  }

  /** Back or forward: the address is already that of the entry. */
  popped(state) {
    const to = chatAddress(new URL(location.href));
    if (to !== null) this.show(to, state?.place);
    else if (location.pathname !== this.path) location.reload(); // no chat; without a change of path it is a jump within the page
  }

  /** Whether what is shown says that the chat cannot be had any more. */
  get isUnavailable() {
    return this.chat === null ? this.frame?.isOver === true : "gone" in this.chat.nodes.main.dataset;
  }

  /** Whether a chat is shown without another request than one that is under way. */
  isAtHand(chatId) {
    const isAskedFor = this.loading !== null && this.wantedId === chatId;
    return isAskedFor || this.chat?.chatId === chatId || this.recent.has(chatId);
  }

  /** Write into the entry of the history where its reader is, for a reload and for coming back. */
  rememberPlace() {
    if (this.chat?.chatId === this.wantedId && this.path === location.pathname) history.replaceState({ place: this.chat.part.place() }, "");
  }

  /** Show a chat; `place` is where its reader was in this entry of the history, undefined in a new one. */
  show(to, place) {
    this.loading?.stop();
    this.loading = null;
    this.app.closeOverlays();
    this.wantedId = to.chatId;
    showCurrent(to.chatId);
    if (this.chat?.chatId === to.chatId && !this.isUnavailable) {
      this.shownHere();
      // Where the list of chats comes or goes, the chat below it stays as it is.
      if (to.seq !== null || !(to.isList || this.isList)) this.chat.part.land(to.seq, place);
      this.isList = to.isList;
      emit("chat.shown", { chat_id: to.chatId });
      return;
    }
    const kept = this.recent.take(to.chatId);
    if (kept === null) this.fetch(to, place);
    else {
      // Another address of the same chat, in the history, has a place of its own.
      const isElsewhere = place !== undefined && kept.bootstrap.href !== to.href;
      this.open(kept.nodes, isElsewhere ? { ...kept.bootstrap, place } : kept.bootstrap, { isNew: false });
      if (to.seq !== null && place === undefined) this.chat.part.land(to.seq);
    }
  }

  /** Fetch a chat until it is there, or cannot be had; what is shown of it meanwhile comes after a moment, or with a failure. */
  fetch({ chatId, seq }, place) {
    const path = pathOf(chatId, seq ?? place?.seq ?? null);
    const loading = lifetime(this.app.clock, this.app.signal);
    this.loading = loading;
    const retry = new Retry({
      ask: () => this.load(path, loading.signal),
      onAnswer: (html) => {
        loading.stop();
        this.loading = null;
        this.arrived(html, chatId, place);
      },
      onError: (error) => {
        loading.clock.clearTimeout(patience); // what is said of the failure stays
        return this.failed(error, chatId);
      },
      clock: loading.clock,
    });
    const isSlow = () => {
      if (!this.isWaitedFor(chatId)) this.showFrame(chatId, "");
    };
    const patience = loading.clock.setTimeout(isSlow, PATIENCE);
    // What is typed from now on is for this chat: the key writes where the focus is by then, never into the chat that is left.
    const typed = (event) => {
      const isElsewhere = isField(event.target) && event.target.closest("#main") === null;
      if (this.frame?.chatId === chatId || isElsewhere || isComposing(event) || !isWritten(event)) return;
      isSlow();
      this.frame.focus();
    };
    document.addEventListener("keydown", typed, { capture: true, signal: loading.signal });
    const stateChanged = ({ state }) => {
      if (state === "online" && this.frame?.chatId === chatId && !this.frame.isPutOff) retry.start();
    };
    on("socket.state", stateChanged, loading.signal);
    loading.signal.addEventListener("abort", () => retry.cancel());
    retry.start();
  }

  arrived(html, chatId, place) {
    const nodes = parseChat(html);
    if (nodes === null) {
      location.reload(); // another page than a chat's: the browser shows it
      return;
    }
    const bootstrap = bootstrapOf(nodes);
    this.compareVersion(bootstrap);
    if (this.isOutdated) location.reload();
    else this.open(nodes, { ...bootstrap, place }, { isNew: true });
  }

  /** Returns whether to ask again, or after how many ms. */
  failed(error, chatId) {
    if (error.status === undefined) throw error;
    if (error.isSignedOut) {
      this.showFrame(chatId, text("signed_out"), { link: { href: signInAddress(), label: text("sign_in") }, isOver: true });
      return false;
    }
    if (GONE.has(error.status)) {
      const link = { href: "/", label: text("to_chats") };
      this.showFrame(chatId, text("chat_unavailable"), { link, isOver: true, canWrite: false });
      this.app.sidebar.refresh();
      return false;
    }
    const { status, retryAfter } = error;
    const isToldWhen = status === 429 && retryAfter > 0;
    const reason = text(status === 0 ? "waiting" : "server_failed");
    this.showFrame(chatId, isToldWhen ? text("too_many_requests", { seconds: retryAfter }) : reason);
    this.frame.isPutOff = retryAfter > 0;
    return Math.max(retryAfter * 1000, 1);
  }

  /** Whether the frame that waits for this chat is shown; one that waits for nothing any more gives way to another. */
  isWaitedFor(chatId) {
    return this.frame?.chatId === chatId && !this.frame.isOver;
  }

  /** Show what is known of a chat that cannot be had, or not yet; `words` say why. */
  showFrame(chatId, words, how = {}) {
    if (!this.isWaitedFor(chatId)) {
      this.leave();
      const { app, userId } = this;
      const label = roomOf(chatId)?.querySelector(".room-name").textContent ?? "";
      this.frame = new Frame({ app, chatId, userId, label });
      showNodes(this.frame.nodes, { htmx: window.htmx, isNew: false });
      this.shownHere();
      if (matchMedia("(hover: hover)").matches) this.frame.focus();
      emit("chat.shown", { chat_id: chatId });
    }
    showTitle(this.frame.say(words, how));
  }

  /** Put a chat in the place of what is shown. */
  open(nodes, bootstrap, { isNew }) {
    const cursor = this.leave();
    showNodes(nodes, { htmx: window.htmx, isNew });
    showTitle(nodes.main.querySelector("#chat-header").dataset.label);
    this.start(nodes, bootstrap);
    if (roomOf(bootstrap.chat_id) === null) this.app.sidebar.refresh();
    if (cursor === null) return;
    const area = document.getElementById("composer-body"); // somebody was writing
    area.focus();
    area.setSelectionRange(...cursor);
  }

  start(nodes, bootstrap) {
    const chatId = bootstrap.chat_id;
    this.wantedId = chatId;
    this.shownHere();
    this.isList = chatAddress(new URL(location.href))?.isList === true;
    rememberOpened(bootstrap);
    this.chat = { chatId, nodes, revision: bootstrap.revision, part: this.startChat(this.app, bootstrap) };
    emit("chat.opened", { chat_id: chatId });
  }

  /** What is shown now is at the present address. */
  shownHere() {
    this.path = location.pathname;
    this.href = hrefOf(location);
  }

  /** Stop what is shown; a chat is kept for coming back. Returns the place of the cursor in what stood for a chat, or null. */
  leave() {
    this.app.leavePage();
    const cursor = this.frame?.cursor ?? null;
    this.frame?.stop();
    this.frame = null;
    if (this.chat === null) return cursor;
    const { chatId, part, nodes } = this.chat;
    emit("chat.left", { chat_id: chatId });
    const bootstrap = { ...part.stop(), href: this.href };
    this.chat = null;
    if ("gone" in nodes.main.dataset) this.app.socket.unfollow(chatId);
    else this.recent.keep({ chatId, bootstrap, nodes });
    return cursor;
  }
}
