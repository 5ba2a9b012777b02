// The page of a chat: wires its parts to the socket.
import { bootstrap, clock, setSeen, sidebar, socket, unread } from "./app.js";
import { on } from "./bus.js";
import { Composer } from "./composer.js";
import { Drafts } from "./drafts.js";
import { History } from "./history.js";
import { JumpButton } from "./jump-button.js";
import { watchLifecycle } from "./lifecycle.js";
import { MessageActions } from "./message-actions.js";
import { startMembers } from "./presence-page.js";
import { Reader } from "./reader.js";
import { callApi, RestError } from "./rest.js";
import { Scroll } from "./scroll.js";
import { Sender } from "./sender.js";
import { Timeline } from "./timeline.js";
import { OwnTyping, Typing } from "./typing.js";
import { TypingView } from "./typing-view.js";

const { chat_id: chatId, user } = bootstrap;
const list = document.getElementById("messages");
const scroller = document.getElementById("timeline");
const scroll = new Scroll(scroller, list);
const here = (handler) => (frame) => {
  if (frame.chat_id === chatId) handler(frame);
};

async function loadMessage(id) {
  try {
    return await callApi("GET", `/chats/${chatId}/messages/${id}`);
  } catch (error) {
    if (!(error instanceof RestError)) throw error;
    return null; // the quote then stands for "an earlier message"
  }
}

const timeline = new Timeline({
  list,
  scroll,
  template: document.getElementById("message-template"),
  viewer: { id: user.id, username: user.username, mayManage: bootstrap.may_manage, chatId, author: user },
  isLive: bootstrap.is_live,
  latestSeq: bootstrap.seq,
  loadMessage,
});
const jump = new JumpButton(document.getElementById("jump-latest"), scroll);

// --- Reading ---
const reader = new Reader({
  lastReadSeq: bootstrap.last_read_seq,
  isAtEnd: () => bootstrap.is_live && scroll.isAtEnd(),
  isVisible: () => document.visibilityState === "visible",
  latestSeq: () => timeline.latestSeq,
  report: async (seq) => {
    if (socket.isOpen) await socket.request({ type: "chat.read", chat_id: chatId, seq });
    else await callApi("POST", `/chats/${chatId}/read`, { seq });
    unread.set(chatId, reader.unread, 0);
  },
  clock,
});
setSeen((notification) => notification.chat_id === chatId && reader.isReading);

function openAtPlace() {
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

// --- Messages ---
function arrived(data) {
  const wasReading = reader.isReading;
  const upTo = timeline.latestSeq;
  const isNews = timeline.apply(data);
  if (data.author.id === user.id) reader.wrote(data.seq);
  if (!isNews) return;
  typing.forget(data.author.id);
  typingView.show();
  if (!wasReading && timeline.readUpTo === null) timeline.setReadUpTo(upTo);
  if (!scroll.isAtEnd()) jump.count();
  if (!wasReading) unread.set(chatId, reader.unread, 0);
  reader.check();
}

on("chat.message.posted", here(({ data }) => arrived(data)));
on("chat.message.edited", here(({ data }) => timeline.apply(data)));
on("chat.message.deleted", here(({ data }) => timeline.apply(data)));
on("ack", (frame) => {
  if (frame.action === "subscribed" && frame.chat_id === chatId) {
    if (frame.reset) location.reload();
    reader.check();
  }
});
on("chat.unread", here((frame) => {
  if (frame.unread_count === 0) reader.wrote(timeline.latestSeq);
}));

// --- Writing ---
const sender = new Sender({ socket, callApi, chatId });
const unsent = new Map(); // client_id → draft, for trying again

async function send(draft) {
  if (!bootstrap.is_live) return location.assign(`/chats/${chatId}/`);
  unsent.set(draft.client_id, draft);
  timeline.addPending(draft);
  timeline.setReadUpTo(null);
  scroll.toEnd();
  ownTyping.sent();
  try {
    const { ack, message } = await sender.send(draft);
    if (ack) timeline.confirm(ack);
    if (message) arrived(message);
    reader.wrote(ack?.seq ?? message.seq);
    unread.set(chatId, reader.unread, 0);
    unsent.delete(draft.client_id);
  } catch (error) {
    timeline.fail(draft.client_id, error.message);
  }
  return undefined;
}

const ownTyping = new OwnTyping();
let typingEnabled = bootstrap.typing_enabled; // a server that was restarted may have changed its mind
let typingTimer = null;
function sayTyping(is_typing) {
  if (!typingEnabled) return;
  if (is_typing !== null) socket.send({ type: "chat.typing", chat_id: chatId, is_typing });
  clock.clearTimeout(typingTimer);
  const next = ownTyping.nextTick();
  if (next === null) return;
  typingTimer = clock.setTimeout(() => sayTyping(ownTyping.tick(clock.now())), Math.max(next - clock.now(), 0) + 1);
}

const composer = new Composer({
  form: document.getElementById("composer"),
  drafts: new Drafts(localStorage, user.id, chatId),
  people: () => members.people().filter(({ id }) => id !== user.id),
  onSend: send,
  onInput: (isEmpty) => sayTyping(ownTyping.changed(isEmpty, clock.now())),
  onLeave: () => sayTyping(ownTyping.left()),
  onEditLast: () => {
    const node = timeline.lastOwn();
    if (node) actions.edit(node);
    return Boolean(node);
  },
});
const actions = new MessageActions({
  timeline,
  composer,
  callApi,
  chatId,
  resend: (node) => send(unsent.get(node.dataset.clientId)),
});

// --- Typing ---
const typing = new Typing(user.id, 3000);
const typingView = new TypingView(document.querySelector(".typing-indicator"), typing, clock);
on("welcome", ({ typing_enabled, typing_timeout }) => {
  typingEnabled = typing_enabled;
  typing.timeout = typing_timeout * 1000;
});
on("chat.typing", here((frame) => {
  if (!typingEnabled) return;
  typing.receive(frame, clock.now());
  typingView.show();
}));
on("socket.state", ({ name }) => {
  if (name === "connected") return;
  typing.clear();
  typingView.show();
});

// --- Members ---
const members = startMembers({
  chatId,
  userId: user.id,
  htmx: window.htmx,
  isEnabled: bootstrap.presence_enabled,
  clock,
  onOffline: (userIds) => {
    userIds.forEach((userId) => typing.forget(userId));
    typingView.show();
  },
});

// --- The rest ---
watchLifecycle({ chatId, userId: user.id, htmx: window.htmx, composer, socket });
on("members.stale", () => members.refresh());
on("subscribe.refused", here(() => sidebar.refresh()));
new History({ scroller, list, chatId, prepend: (fragment) => timeline.prepend(fragment) }).start();
scroller.addEventListener("scroll", () => {
  jump.update();
  reader.check();
});
document.addEventListener("visibilitychange", () => reader.check());
openAtPlace();
jump.update();
socket.follow(chatId, bootstrap.revision);
reader.check();
if (matchMedia("(hover: hover)").matches && location.hash === "" && !composer.form.hidden) composer.textarea.focus();
