// The open chat: composes its parts.
import { on, onChat } from "../lib/bus.js";
import { lifetime } from "../lib/clock.js";
import { text } from "../lib/text.js";
import { watchDay } from "../lib/times.js";
import { fetchPart, PageError } from "../net/fetch-page.js";
import { callApi, RestError } from "../net/rest.js";
import { Unsent } from "../outbox/unsent.js";
import { startMembers } from "../presence/page.js";
import { TypingView } from "../presence/typing-view.js";
import { startComposer } from "../composer/page.js";
import { Arrivals } from "./arrivals.js";
import { History } from "./history.js";
import { watchLifecycle } from "./lifecycle.js";
import { MessageActions } from "./message-actions.js";
import { completeBodies, startCopying } from "./message-body.js";
import { markMentions } from "./message-view.js";
import { ReadMarker } from "./read-marker.js";
import { JumpButton, Scroll, watchDays } from "./scroll.js";
import { Timeline } from "./timeline.js";

const MOST_UNREAD = 999; // as the server counts
const MOST_NAMES = 200; // that are asked for at once; chats/views/chat_page.py has it too

/**
 * Start the chat that the page shows: `app` is what startApp returns, `bootstrap` what the server says of the chat. Returns a
 * function that stops it; the socket stays.
 */
export function startChat(app, bootstrap) {
  const { socket, outbox, unread, people, toasts, sidebar } = app;
  const { chat_id: chatId, user } = bootstrap;
  const { signal, clock, stop } = lifetime(app.clock, app.signal);
  const here = onChat(chatId, signal);
  const part = { chatId, userId: user.id, socket, here, clock, signal };
  const list = document.getElementById("messages");
  const scroller = document.getElementById("timeline");
  const scroll = new Scroll(scroller, list);
  const timeline = new Timeline({
    list,
    scroll,
    template: document.getElementById("message-template"),
    viewer: { id: user.id, username: user.username, mayManage: bootstrap.may_manage, chatId, author: user },
    people,
    isLive: bootstrap.is_live,
    latestSeq: bootstrap.seq,
    loadMessage: (id) => loadMessage(chatId, id, signal),
  });
  const jump = new JumpButton({
    button: document.getElementById("jump-latest"),
    scroll,
    isLive: () => timeline.isLive,
    signal,
  });

  // --- Reading ---
  const marker = new ReadMarker({
    lastReadSeq: bootstrap.last_read_seq,
    isAtEnd: () => timeline.isLive && scroll.isAtEnd(),
    isVisible: () => document.visibilityState === "visible",
    latestSeq: () => timeline.latestSeq,
    report: async (seq) => {
      if (socket.isOpen) await socket.request({ type: "chat.read", chat_id: chatId, seq });
      else await callApi("POST", `/chats/${chatId}/read`, { seq });
      showUnread();
    },
    clock,
  });
  /** Show in the list of chats what is unread here; who is mentioned the server says. */
  const showUnread = () => {
    const count = timeline.standingAfter(marker.readSeq) ?? Math.min(marker.unread, MOST_UNREAD);
    unread.set(chatId, count, count === 0 ? 0 : unread.mentions(chatId));
  };
  const notified = ({ data }) => {
    // An edit names the reader in what they have read and look at: reading it once more reads the bell.
    if (data.chat_id === chatId && marker.isReading && data.seq !== null) marker.reportAgain(data.seq);
  };
  on("notification.new", notified, signal);
  here("ack", ({ action }) => {
    if (action === "subscribed") marker.check();
  });
  here("chat.unread", (frame) => marker.wrote(Math.min(frame.last_read_seq, timeline.latestSeq)));

  // --- Messages ---
  const history = new History({ scroller, list, chatId, prepend: (fragment) => timeline.prepend(fragment), signal });
  const typing = new TypingView({
    ...part,
    element: document.querySelector(".typing-indicator"),
    isEnabled: bootstrap.typing_enabled,
  });
  const arrivals = new Arrivals({
    ...part,
    timeline,
    scroll,
    jump,
    marker,
    onAuthors: (ids) => typing.forget(ids),
    onUnread: showUnread,
    onReload: () => {
      history.watch();
      unsent.showAll();
    },
  });
  const unsent = new Unsent({
    outbox,
    timeline,
    chatId,
    isConnected: () => socket.isOpen,
    onSent: ({ ack, message }) => {
      if (ack) timeline.confirm(ack);
      else arrivals.show([message]);
      marker.wrote((ack ?? message).seq);
      showUnread();
    },
    signal,
  });

  // --- Members and writing ---
  const members = startMembers({
    ...part,
    isEnabled: bootstrap.presence_enabled,
    onOffline: (userIds) => typing.forget(userIds),
  });
  const send = (draft) => {
    const kept = outbox.add({ ...draft, chat_id: chatId });
    if (kept === null) {
      toasts.show(text("outbox_full", { count: outbox.entries.length }), { level: "error" });
      return false;
    }
    typing.sent();
    if (timeline.isLive) {
      timeline.setReadUpTo(null);
      scroll.toEnd();
    } else kept.then(() => location.assign(`/chats/${chatId}/`)); // it goes out from there
    return true;
  };
  const composer = startComposer({
    ...part,
    members,
    complete: (panel) => {
      markMentions(panel, user.username);
      completeBodies(panel);
    },
    recent: () => timeline.recentAuthors(),
    onSend: send,
    onInput: (isEmpty) => typing.changed(isEmpty),
    onLeave: () => typing.left(),
    onEditLast: () => {
      const node = timeline.lastOwn();
      if (node) actions.edit(node);
      return Boolean(node);
    },
  });
  const actions = new MessageActions({ timeline, composer, chatId, outbox, toasts, signal });

  // --- The rest ---
  const lifecycle = watchLifecycle({
    ...part,
    workspaceId: bootstrap.workspace_id,
    composer,
    timeline,
    toasts,
    onRole: () => members.refresh(),
  });
  const stale = () => {
    members.refresh();
    lifecycle.refresh();
    loadNames({ chatId, timeline, people, signal });
  };
  on("chat.stale", stale, signal);
  const namesShown = (names) => {
    const answered = composer.replyTo && timeline.byId(composer.replyTo);
    if (answered && names.has(answered.dataset.authorId)) composer.renameReply(timeline.quotable(answered));
  };
  on("names.shown", namesShown, signal);
  here("subscribe.refused", () => sidebar.refresh());
  startCopying({ clock, signal });
  watchDay({ onChange: () => timeline.renameDays(), clock, signal });
  watchDays({ scroller, list, signal });
  scroller.addEventListener("scroll", () => {
    jump.update();
    marker.check();
  }, { signal });
  document.addEventListener("visibilitychange", () => marker.check(), { signal });

  app.setOpen({
    chatId,
    isSeen: (notification) => notification.chat_id === chatId && marker.isReading,
    isSafe: () => composer.drafts.isSafe,
  }, signal);
  socket.follow(chatId, bootstrap.revision);
  signal.addEventListener("abort", () => socket.unfollow(chatId));
  openAtPlace({ timeline, list, scroller, bootstrap });
  outbox.loaded.then(() => {
    // From an older stretch: now they look for what they wrote.
    if (location.hash === "" && outbox.of(chatId).some(({ status }) => status === "sending")) scroll.toEnd();
  });
  jump.update();
  marker.check();
  if (matchMedia("(hover: hover)").matches && location.hash === "" && !composer.form.hidden) composer.textarea.focus();
  return stop;
}

/** Show the message that the address names, or the first unread one. */
function openAtPlace({ timeline, list, scroller, bootstrap }) {
  timeline.setReadUpTo(bootstrap.last_read_seq < bootstrap.seq ? bootstrap.last_read_seq : null);
  timeline.decorate();
  const target = location.hash.startsWith("#message-") ? document.getElementById(location.hash.slice(1)) : null;
  const divider = list.querySelector(".new-line");
  if (target !== null) target.scrollIntoView({ block: "center" });
  else if (divider !== null && divider.getBoundingClientRect().top < scroller.getBoundingClientRect().top) {
    divider.scrollIntoView({ block: "start" });
    scroller.scrollTop -= 60; // room for the day that sticks to the top
  }
}

/** Returns a message as the API gives it; null where it cannot be had: the quote then stands for "an earlier message". */
async function loadMessage(chatId, id, signal) {
  try {
    return await callApi("GET", `/chats/${chatId}/messages/${id}`, undefined, signal);
  } catch (error) {
    if (!(error instanceof RestError)) throw error;
    return null;
  }
}

/** Learn what the authors of the messages on the page are called, after changes may have been missed. */
async function loadNames({ chatId, timeline, people, signal }) {
  const ids = timeline.authorIds().slice(-MOST_NAMES);
  if (ids.length === 0) return;
  try {
    people.learn(Object.entries(JSON.parse(await fetchPart(`/chats/${chatId}/names/?ids=${ids.join(",")}`, signal))));
  } catch (error) {
    if (!(error instanceof PageError)) throw error; // else they are loaded when the connection is back
  }
}
