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
import { History, Stretch } from "./history.js";
import { watchLifecycle } from "./lifecycle.js";
import { MessageActions } from "./message-actions.js";
import { completeBodies, startCopying } from "./message-body.js";
import { markMentions, spokenMessage } from "./message-view.js";
import { startReadMarker } from "./read-marker.js";
import { JumpButton, Landing, Scroll, watchDays } from "./scroll.js";
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
  const { socket, outbox, unread, people, toasts, sidebar, watch } = app;
  const { chat_id: chatId, user } = bootstrap;
  const { signal, clock, stop } = lifetime(app.clock, app.signal);
  const here = onChat(chatId, signal);
  const part = { chatId, userId: user.id, socket, here, clock, signal };
  const list = document.getElementById("messages");
  document.querySelector("a.jump-latest")?.remove(); // for whoever has no scripts
  const scroller = document.getElementById("timeline");
  const scroll = new Scroll(scroller, list);
  const timeline = new Timeline({
    list,
    scroll,
    template: document.getElementById("message-template"),
    viewer: { id: user.id, username: user.username, mayManage: bootstrap.may_manage, chatId, author: user },
    people,
    latestSeq: bootstrap.seq,
    loadMessage: (id) => loadMessage(chatId, id, signal),
  });
  const stretch = new Stretch({ timeline, scroll, chatId });
  const onShown = (news, how) => {
    arrivals.shown(news, how);
    unsent.showAll();
    jump.update();
  };
  const history = new History({ scroller, list, chatId, timeline, stretch, onShown, signal });
  let isPlaced = false; // before, what is on the screen is not what the reader gets to see
  const onArrived = () => {
    isPlaced = true;
    jump.update();
    check();
  };
  const onFailed = () => {
    toasts.show(text("network"), { level: "error" });
    onArrived();
  };
  const landing = new Landing({ timeline, scroll, history, clock, signal, onArrived, onFailed });
  // An address that names a message names another place; with "back" it is found again.
  const goToEnd = () => {
    if (location.search === "" && location.hash === "") landing.toEnd();
    else app.navigate(`/chats/${chatId}/`);
  };
  const reconnected = ({ state }) => {
    if (state === "online") landing.retry();
  };
  on("socket.state", reconnected, signal);
  const button = document.getElementById("jump-latest");
  const jump = new JumpButton({ button, scroll, onJump: goToEnd, signal });
  const onGo = (seq) => app.navigate(`/chats/${chatId}/?at=${seq}#message-${seq}`);
  const { marker, unreadHere, check } = startReadMarker({
    ...part,
    bootstrap,
    timeline,
    scroll,
    scroller,
    unread,
    onGo,
    isPlaced: () => isPlaced,
  });
  const typing = new TypingView({
    ...part,
    element: document.querySelector(".typing-indicator"),
    isEnabled: bootstrap.typing_enabled,
  });
  const arrivals = new Arrivals({
    ...part,
    timeline,
    stretch,
    scroll,
    jump,
    marker,
    unreadHere,
    onAuthors: (ids) => typing.forget(ids),
    onReload: () => unsent.showAll(),
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
      unreadHere.show();
    },
    signal,
  });

  const members = startMembers({
    ...part,
    watch,
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
    onSend: (draft) => send(draft, { chatId, outbox, toasts, typing, timeline, goToEnd }),
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
  const onDay = () => {
    timeline.renameDays();
    unreadHere.paint();
  };
  watchDay({ onChange: onDay, clock, signal });
  watchDays({ scroller, list, clock, signal });
  scroller.addEventListener("scroll", () => jump.update(), { signal });

  app.setOpen({
    chatId,
    isSeen: (notification) => notification.chat_id === chatId && marker.isAtLatest,
    isSafe: () => composer.drafts.isSafe,
  }, signal);
  socket.follow(chatId, bootstrap.revision);
  const { held = [], stale: missed = new Set() } = bootstrap;
  for (const { id, deleted_at } of held) if (deleted_at !== null) composer.dropReply(id);
  if (held.length > 0) arrivals.show(held, { isCatchUp: true });
  if (bootstrap.held !== undefined) unsent.forgetOthers();
  actions.resume(bootstrap.edits ?? []);
  if (bootstrap.held !== undefined) unreadHere.listed();
  openAtPlace({ timeline, landing, unreadHere, bootstrap, marker });
  if (missed.has("header")) lifecycle.refresh();
  if (missed.has("members")) members.refresh();
  if (missed.has("names")) people.load({ chatId, userIds: timeline.authorIds(), signal });
  outbox.loaded.then(() => {
    // From an older stretch: now they look for what they wrote.
    if (bootstrap.held !== undefined || signal.aborted) return;
    if (location.hash === "" && outbox.of(chatId).some(({ status }) => status === "sending")) landing.toEnd();
  });
  jump.update();
  check();
  // Where nobody can write the focus is in the chat, too: what had it before may be gone.
  if (matchMedia("(hover: hover)").matches && location.hash === "") {
    (composer.form.hidden ? scroller : composer.textarea).focus({ preventScroll: true });
  }
  const land = (seq, place) => {
    if (place !== undefined) landing.restore(place);
    else if (seq === null) landing.toEnd();
    else landing.land(seq);
  };
  return {
    land,
    place: () => scroll.place(),
    stop: () => {
      const left = {
        ...bootstrap,
        seq: timeline.latestSeq,
        last_read_seq: marker.mark,
        unread_count: marker.isCaughtUp ? 0 : unreadHere.count,
        first_unread_seq: null,
        first_unread_at: null,
        is_live: timeline.isLive,
        may_manage: timeline.viewer.mayManage,
        place: scroll.place(),
        edits: actions.edits(),
      };
      marker.leave();
      typing.left();
      composer.rest();
      stop();
      return left;
    },
  };
}

/** Put a message into the outbox; returns whether there was room. */
function send(draft, { chatId, outbox, toasts, typing, timeline, goToEnd }) {
  const kept = outbox.add({ ...draft, chat_id: chatId });
  if (kept === null) {
    toasts.show(text("outbox_full", { count: outbox.entries.length }), { level: "error" });
    return false;
  }
  typing.sent();
  timeline.setReadUpTo(null);
  goToEnd();
  return true;
}

/** Show the place where the reader was, the message that the address names, or the first unread one. */
function openAtPlace({ timeline, landing, unreadHere, bootstrap, marker }) {
  const hasUnread = marker.mark < timeline.latestSeq && unreadHere.count > 0;
  timeline.readUpTo = hasUnread ? marker.mark : null; // not by setReadUpTo(): nobody has a place to keep yet, and that is measured
  timeline.decorate();
  unreadHere.recount();
  const query = new URLSearchParams(location.search);
  const named = /^#message-(\d+)$/.exec(location.hash)?.[1] ?? query.get("at");
  if (bootstrap.place) landing.restore(bootstrap.place);
  else if (bootstrap.place === undefined && named !== null) landing.land(Number(named));
  else if (hasUnread) landing.land(unreadHere.firstSeq ?? marker.mark + 1, { hasFocus: false });
  else if (query.has("before") || query.has("after")) landing.onArrived(); // a stretch that was asked for without scripts
  else landing.toEnd();
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
