// The open chat: composes its parts.
import { on, onChat } from "../lib/bus.js";
import { lifetime } from "../lib/clock.js";
import { text } from "../lib/text.js";
import { watchDay } from "../lib/times.js";
import { callApi, RestError } from "../net/rest.js";
import { Unsent } from "../outbox/unsent.js";
import { startMembers } from "../presence/start.js";
import { TypingView } from "../presence/typing-view.js";
import { startInput } from "../input/start.js";
import { startComposer } from "../composer/start.js";
import { Arrivals } from "./arrivals.js";
import { History } from "./history.js";
import { watchLifecycle } from "./lifecycle.js";
import { MessageActions } from "./message-actions.js";
import { completeBodies, startCopying } from "./message-body.js";
import { markMentions, spokenMessage } from "./message-view.js";
import { startReadMarker } from "./read-marker.js";
import { JumpButton, Scroll, watchDays } from "./scroll.js";
import { Timeline } from "./timeline.js";

/**
 * Start the chat that the page shows: `app` is what startApp returns, `bootstrap` what the server says of the chat. Where it is
 * shown again it is what `stop()` returned, with `held`, messages that have changed since, and `stale`, names of what has to be
 * fetched again (navigation/recent.js).
 *
 * Returns {land, place, stop}: `land(seq, place)` goes to a message, to a place, or without either to the end; `place()` is where the
 * reader is; `stop()` ends the chat and returns what to start it with again. The socket goes on following it.
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

  const { marker, showUnread } = startReadMarker({ ...part, lastReadSeq: bootstrap.last_read_seq, timeline, scroll, unread });
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

  const members = startMembers({
    ...part,
    isEnabled: bootstrap.presence_enabled,
    onOffline: (userIds) => typing.forget(userIds),
    onFailed: () => toasts.show(text("network"), { level: "error" }),
  });
  const composer = startComposer({
    ...part,
    members,
    isKnown: bootstrap.held !== undefined,
    complete: (panel) => {
      markMentions(panel, user.username);
      completeBodies(panel);
    },
    recent: () => timeline.recentAuthors(),
    onSend: (draft) => send(draft, { chatId, outbox, toasts, typing, timeline, scroll }),
    onInput: (isEmpty) => typing.changed(isEmpty),
    onLeave: () => typing.left(),
    onEditLast: () => {
      const node = timeline.lastOwn();
      if (node) actions.edit(node);
      return Boolean(node);
    },
  });
  const actions = new MessageActions({ timeline, composer, chatId, outbox, toasts, signal });
  const excerpt = (node) => timeline.quotable(node).body;
  startInput({ chatId, list, scroller, composer, toasts, describe: spokenMessage, excerpt, clock, signal });

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
    people.load({ chatId, userIds: timeline.authorIds(), signal });
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

  app.setOpen({
    chatId,
    isSeen: (notification) => notification.chat_id === chatId && marker.isReading,
    isSafe: () => composer.drafts.isSafe,
  }, signal);
  socket.follow(chatId, bootstrap.revision);
  const { held = [], stale: missed = new Set() } = bootstrap;
  for (const { id, deleted_at } of held) if (deleted_at !== null) composer.dropReply(id);
  if (held.length > 0) arrivals.show(held, { isCatchUp: true });
  openAtPlace({ timeline, list, scroll, scroller, bootstrap, lastReadSeq: marker.readSeq });
  if (missed.has("header")) lifecycle.refresh();
  if (missed.has("members")) members.refresh();
  if (missed.has("names")) people.load({ chatId, userIds: timeline.authorIds(), signal });
  outbox.loaded.then(() => {
    // From an older stretch: now they look for what they wrote.
    if (location.hash === "" && outbox.of(chatId).some(({ status }) => status === "sending")) scroll.toEnd();
  });
  jump.update();
  marker.check();
  if (matchMedia("(hover: hover)").matches && location.hash === "" && !composer.form.hidden) composer.textarea.focus();
  const land = (seq, place) => {
    const node = seq === null ? null : document.getElementById(`message-${seq}`);
    if (place !== undefined) scroll.restore(place);
    else if (node !== null) actions.show(node.dataset.messageId);
    else if (seq === null && timeline.isLive) scroll.toEnd();
    else location.reload(); // at this address
  };
  return {
    land,
    place: () => scroll.place(),
    stop: () => {
      const left = {
        ...bootstrap,
        seq: timeline.latestSeq,
        last_read_seq: marker.readSeq,
        is_live: timeline.isLive,
        may_manage: timeline.viewer.mayManage,
        place: scroll.place(),
      };
      typing.left();
      composer.rest();
      stop();
      return left;
    },
  };
}

/** Put a message into the outbox; returns whether there was room. */
function send(draft, { chatId, outbox, toasts, typing, timeline, scroll }) {
  const kept = outbox.add({ ...draft, chat_id: chatId });
  if (kept === null) {
    toasts.show(text("outbox_full", { count: outbox.entries.length }), { level: "error" });
    return false;
  }
  typing.sent();
  if (timeline.isLive) {
    timeline.setReadUpTo(null);
    scroll.toEnd();
  } else kept.then(() => location.assign(`/chats/${chatId}/`)); // it is sent from there
  return true;
}

/** Show the place where the reader was, the message that the address names, or the first unread one. */
function openAtPlace({ timeline, list, scroll, scroller, bootstrap, lastReadSeq }) {
  timeline.setReadUpTo(lastReadSeq < timeline.latestSeq ? lastReadSeq : null);
  timeline.decorate();
  if (bootstrap.place) {
    scroll.restore(bootstrap.place);
    return;
  }
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
