// Opens chats within the page: the document, the socket and the list of chats stay.
import { emit, on } from "../lib/bus.js";
import { lifetime } from "../lib/clock.js";
import { fetchPart, PageError } from "../net/fetch-page.js";
import { Retry } from "../net/retry.js";
import { chatAddress } from "./address.js";
import { forgetOpened, rememberOpened } from "./place.js";
import { bootstrapOf, parseChat, showCurrent, shownNodes, showNodes, showTitle } from "./view.js";

const GONE = new Set([403, 404]);

export class Navigator {
  /** `app` is what startApp returns, `startChat(app, bootstrap)` see chat/start.js, `recent` see recent.js. */
  constructor({ app, startChat, recent }) {
    Object.assign(this, { app, startChat, recent });
    this.chat = null; // the open one: {chatId, nodes, part}
    this.loading = null; // the lifetime of the one that is being fetched
    this.wantedId = ""; // the open chat, or the one on its way
    this.path = location.pathname; // of what is shown
    this.isList = false; // whether the list of chats lies over it, on a phone
    const nodes = shownNodes();
    if (nodes === null) forgetOpened();
    else this.start(nodes, { ...bootstrapOf(nodes), place: history.state?.place });
    on("sidebar.shown", () => showCurrent(this.wantedId), app.signal);
    history.scrollRestoration = "manual";
  }

  /** Go to an address, within the page where it is a chat's. */
  navigate(href) {
    const to = chatAddress(new URL(href, location.href));
    if (to === null) {
      location.assign(href);
      return;
    }
    this.rememberPlace();
    if (to.href !== location.pathname + location.search + location.hash) history.pushState(null, "", to.href);
    this.show(to);
  }

  /** Back or forward: the address is already that of the entry. */
  popped(state) {
    const to = chatAddress(new URL(location.href));
    if (to !== null) this.show(to, state?.place);
    else if (location.pathname !== this.path) location.reload(); // no chat; without a change of path it is a jump within the page
  }

  /** Write into the entry of the history where its reader is, for a reload and for coming back. */
  rememberPlace() {
    if (this.chat !== null && this.wantedId === this.chat.chatId) history.replaceState({ place: this.chat.part.place() }, "");
  }

  /** Show a chat; `place` is where its reader was in this entry of the history, undefined in a new one. */
  show(to, place) {
    this.loading?.stop();
    this.loading = null;
    this.app.closeOverlays();
    this.wantedId = to.chatId;
    showCurrent(to.chatId);
    if (this.chat?.chatId === to.chatId) {
      this.path = location.pathname;
      // Where the list of chats comes or goes, the chat below it stays as it is.
      if (to.seq !== null || !(to.isList || this.isList)) this.chat.part.land(to.seq, place);
      this.isList = to.isList;
      emit("chat.shown", { chat_id: to.chatId });
      return;
    }
    const kept = this.recent.take(to.chatId);
    if (kept === null) this.load(to, place);
    else {
      this.open(kept.nodes, kept.bootstrap, { isNew: false });
      if (to.seq !== null && place === undefined) this.chat.part.land(to.seq);
    }
  }

  load({ chatId, seq }, place) {
    const at = seq ?? place?.seq ?? null;
    const path = `/chats/${chatId}/${at === null ? "" : `?at=${at}`}`;
    const loading = lifetime(this.app.clock, this.app.signal);
    this.loading = loading;
    const retry = new Retry({
      ask: () => fetchPart(path, loading.signal),
      onAnswer: (html) => {
        loading.stop();
        this.loading = null;
        const nodes = parseChat(html);
        if (nodes === null) location.reload();
        else this.open(nodes, { ...bootstrapOf(nodes), place }, { isNew: true });
      },
      onError: (error) => {
        if (!(error instanceof PageError)) throw error;
        if (GONE.has(error.status)) location.reload();
        return !GONE.has(error.status);
      },
      clock: loading.clock,
    });
    loading.signal.addEventListener("abort", () => retry.cancel());
    retry.start();
  }

  /** Put a chat in the place of what is shown. */
  open(nodes, bootstrap, { isNew }) {
    this.leave();
    showNodes(nodes, { htmx: window.htmx, isNew });
    showTitle(nodes.main.querySelector("#chat-header").dataset.label);
    this.start(nodes, bootstrap);
    if (document.querySelector(`.sidebar a.room[data-chat-id="${CSS.escape(bootstrap.chat_id)}"]`) === null) this.app.sidebar.refresh();
  }

  start(nodes, bootstrap) {
    const chatId = bootstrap.chat_id;
    Object.assign(this, { wantedId: chatId, path: location.pathname });
    this.isList = chatAddress(new URL(location.href))?.isList === true;
    rememberOpened(bootstrap);
    this.chat = { chatId, nodes, part: this.startChat(this.app, bootstrap) };
    emit("chat.opened", { chat_id: chatId });
  }

  /** Stop what is shown; a chat is kept for coming back. */
  leave() {
    this.app.leavePage();
    if (this.chat === null) return;
    const { chatId, part, nodes } = this.chat;
    emit("chat.left", { chat_id: chatId });
    const bootstrap = part.stop();
    this.chat = null;
    if ("gone" in nodes.main.dataset) this.app.socket.unfollow(chatId);
    else this.recent.keep({ chatId, bootstrap, nodes });
  }
}
