// The open chat: composes its parts.
import { on, onChat } from "../lib/bus.js";
import { lifetime } from "../lib/clock.js";
import { text } from "../lib/text.js";
import { watchDay } from "../lib/times.js";
import { callApi, RestError } from "../net/rest.js";
import { Unsent } from "../outbox/unsent.js";
import { startMembers } from "../presence/start.js";
import { TypingView } from "../presence/typing-view.js";
import { startComposer } from "../composer/start.js";
import { Arrivals } from "./arrivals.js";
import { History } from "./history.js";
import { watchLifecycle } from "./lifecycle.js";
import { MessageActions } from "./message-actions.js";
import { completeBodies, startCopying } from "./message-body.js";
import { markMentions } from "./message-view.js";
import { startReadMarker } from "./read-marker.js";
import { JumpButton, Scroll, watchDays } from "./scroll.js";
import { Timeline } from "./timeline.js";

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
