// The page of a chat: wires its parts to the socket.
import { bootstrap, clock, outbox, setSeen, sidebar, socket, unread, watchDrafts } from "./app.js";
import { on } from "./lib/bus.js";
import { Composer } from "./composer/composer.js";
import { Drafts } from "./composer/drafts.js";
import { FreshPage, loadPage } from "./chat/reload.js";
import { History } from "./chat/history.js";
import { JumpButton } from "./chat/jump-button.js";
import { watchLifecycle } from "./chat/lifecycle.js";
import { MemberSearch } from "./presence/member-search.js";
import { MessageActions } from "./chat/message-actions.js";
import { learnNames } from "./shell/people.js";
import { startMembers } from "./presence/page.js";
import { Reader } from "./chat/read-marker.js";
import { callApi, RestError } from "./net/rest.js";
import { Scroll, watchDays } from "./chat/scroll.js";
import { text } from "./lib/text.js";
import { Timeline } from "./chat/timeline.js";
import { localizeTimes, watchDay } from "./lib/times.js";
import { toast } from "./attention/toasts.js";
import { OwnTyping, Typing } from "./presence/typing.js";
import { TypingView } from "./presence/typing-view.js";
import { Unsent } from "./outbox/unsent.js";

const MOST_UNREAD = 999; // as the server counts
const { chat_id: chatId, user } = bootstrap;
const MOST_NAMES = 200; // that are asked for at once; chats/views/chat_page.py has it too
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
const jump = new JumpButton(document.getElementById("jump-latest"), scroll, () => timeline.isLive);

// --- Reading ---
const reader = new Reader({
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
setSeen((notification) => notification.chat_id === chatId && reader.isReading);
on("notification.new", ({ data }) => {
  // An edit names the reader in what they have read and look at: reading it once more reads the bell.
  if (data.chat_id === chatId && reader.isReading && data.seq !== null) reader.lookAgain(data.seq);
});

/** Show in the list of chats what is unread here; who is mentioned the server says. */
function showUnread() {
  const count = timeline.standingAfter(reader.readSeq) ?? Math.min(reader.unread, MOST_UNREAD);
  unread.set(chatId, count, count === 0 ? 0 : unread.mentions(chatId));
}

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
/** Show changes in their order; what a catch-up brings is laid out once and summed up for screen readers. */
function arrived(frames, { isCatchUp = false } = {}) {
  const wasReading = reader.isReading;
  const upTo = isCatchUp ? timeline.completeSeq : timeline.latestSeq;
  let news = 0;
  let written = 0; // the last of one's own that are new here: with it all above it is read
  const showAll = () => {
    for (const { data } of frames) {
      const isOwn = data.author.id === user.id;
      if (isOwn) reader.wrote(data.seq);
      if (isOwn && data.seq > timeline.latestSeq) written = Math.max(written, data.seq);
      if (!timeline.apply(data) || data.deleted_at !== null) continue;
      typing.forget(data.author.id);
      news += 1;
    }
  };
  if (isCatchUp) timeline.batch(showAll);
  else showAll();
  if (written > (timeline.readUpTo ?? written)) timeline.setReadUpTo(null);
  if (!wasReading) showUnread();
  if (news === 0) return;
  typingView.show();
  if ((!wasReading || isCatchUp) && timeline.readUpTo === null) timeline.setReadUpTo(Math.max(upTo, written));
  if (!scroll.isAtEnd()) jump.count(news);
  if (isCatchUp) summarize(news);
  reader.check();
}

/** One sentence for what the screen reader was spared. */
function summarize(news) {
  document.getElementById("summary").textContent = text(news === 1 ? "missed_one" : "missed_many", { count: news });
}

let missed = null; // frames of a catch-up, shown together at its end
for (const type of ["chat.message.posted", "chat.message.edited", "chat.message.deleted"]) {
  on(type, here((frame) => (missed === null ? arrived([frame]) : missed.push(frame))));
}
on("catchup.begin", here(() => {
  missed = [];
}));
on("catchup.end", here(() => {
  arrived(missed, { isCatchUp: true });
  missed = null;
}));
let resetFrom = null; // the last message that was known when a reset came
on("chat.reset", here(() => {
  resetFrom ??= timeline.completeSeq;
  freshPage.fetch();
}));
on("ack", here(({ action }) => {
  if (action === "subscribed") reader.check();
}));
on("chat.unread", here((frame) => {
  reader.wrote(Math.min(frame.last_read_seq, timeline.latestSeq));
}));

const freshPage = new FreshPage({
  load: () => loadPage(`/chats/${chatId}/`),
  show: (page) => {
    const fresh = JSON.parse(page.getElementById("bootstrap").textContent);
    const fragment = document.createDocumentFragment();
    fragment.append(...page.getElementById("messages").children);
    localizeTimes(fragment);
    // Own messages, and live ones, may have come while the page was fetched.
    const isOwnNew = ({ dataset }) => Number(dataset.seq) > resetFrom;
    const own = [...fragment.querySelectorAll(".message.own")].filter(isOwnNew).length;
    const news = Math.max(fresh.seq - resetFrom - own, 0);
    if (news > 0 && timeline.readUpTo === null) timeline.readUpTo = resetFrom;
    resetFrom = null;
    timeline.replace(fragment, fresh.seq);
    document.querySelector("a.jump-latest")?.remove(); // no older stretch any more
    history.watch();
    unsent.showAll();
    if (news > 0) summarize(news);
    jump.count(news);
    reader.check();
    socket.follow(chatId, fresh.revision);
  },
  clock,
});

// --- Writing ---
function send(draft) {
  const kept = outbox.add({ ...draft, chat_id: chatId });
  if (kept === null) {
    toast(text("outbox_full", { count: outbox.entries.length }), { level: "error" });
    return false;
  }
  ownTyping.sent();
  if (!timeline.isLive) {
    kept.then(() => location.assign(`/chats/${chatId}/`)); // it goes out from there
    return true;
  }
  timeline.setReadUpTo(null);
  scroll.toEnd();
  return true;
}

const unsent = new Unsent({
  outbox,
  timeline,
  chatId,
  isConnected: () => socket.isOpen,
  onSent: ({ ack, message }) => {
    if (ack) timeline.confirm(ack);
    else arrived([{ data: message }]);
    reader.wrote((ack ?? message).seq);
    showUnread();
  },
});

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

const memberSearch = new MemberSearch({
  load: async (search, signal) => {
    const path = `/chats/${chatId}/members?${new URLSearchParams({ search, limit: "20" })}`;
    const { results } = await callApi("GET", path, undefined, signal);
    return results.map(({ user_id: id, username, display_name: name }) => ({ id, username, name }));
  },
  Fault: RestError,
  onFound: () => composer.mentions.refresh(),
  clock,
});

/** Everybody whom one can name, as far as the page knows them. */
function people() {
  const listed = members.people();
  const isListed = new Set(listed.map(({ id }) => id)).add(user.id);
  return [...listed.filter(({ id }) => id !== user.id), ...memberSearch.people().filter(({ id }) => !isListed.has(id))];
}

const drafts = new Drafts({ storage: localStorage, userId: user.id, chatId, now: clock.now });
const composer = new Composer({
  form: document.getElementById("composer"),
  drafts,
  username: user.username,
  people,
  onQuery: (query) => memberSearch.want(members.isPartial ? query : null),
  recent: () => timeline.recentAuthors(),
  onSend: send,
  onInput: (isEmpty) => sayTyping(ownTyping.changed(isEmpty, clock.now())),
  onLeave: () => sayTyping(ownTyping.left()),
  onEditLast: () => {
    const node = timeline.lastOwn();
    if (node) actions.edit(node);
    return Boolean(node);
  },
});
on("written.forgotten", () => composer.clear());
watchDrafts(drafts, (draft) => composer.show(draft));
on("chat.message.deleted", here(({ data }) => composer.dropReply(data.id)));
/** What a draft answers may have been deleted while nobody looked. */
async function checkReply() {
  const id = composer.replyTo;
  if (id === "") return;
  try {
    const { deleted_at } = await callApi("GET", `/chats/${chatId}/messages/${id}`);
    if (deleted_at !== null) composer.dropReply(id);
  } catch (error) {
    if (error.status === 404) composer.dropReply(id);
    else if (!(error instanceof RestError)) throw error; // else not known now: the server says so when it is sent
  }
}
checkReply();
const actions = new MessageActions({
  timeline,
  composer,
  callApi,
  chatId,
  outbox,
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
  ownTyping.sent(); // nobody sees it any more
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
const lifecycle = watchLifecycle({
  chatId,
  userId: user.id,
  workspaceId: bootstrap.workspace_id,
  htmx: window.htmx,
  composer,
  timeline,
  socket,
  clock,
  onRole: () => members.refresh(),
});
on("chat.stale", () => {
  members.refresh();
  lifecycle.refresh();
  loadNames();
});
on("names.shown", (names) => {
  for (const [id, name] of names) typing.rename(id, name);
  typingView.show();
  const answered = composer.replyTo && timeline.byId(composer.replyTo);
  if (answered && names.has(answered.dataset.authorId)) composer.renameReply(timeline.quotable(answered));
});

/** What the authors of the messages on the page are called, after it was not heard for a while. */
async function loadNames() {
  const ids = timeline.authorIds().slice(-MOST_NAMES);
  if (ids.length === 0) return;
  try {
    const signal = AbortSignal.timeout(20000);
    const response = await fetch(`/chats/${chatId}/names/?ids=${ids.join(",")}`, { credentials: "same-origin", signal });
    if (response.ok && !response.redirected) learnNames(Object.entries(await response.json()));
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof DOMException)) throw error;
    // No network: they are loaded when the connection is back.
  }
}
on("subscribe.refused", here(() => sidebar.refresh()));
const history = new History({ scroller, list, chatId, prepend: (fragment) => timeline.prepend(fragment) });
history.start();
scroller.addEventListener("scroll", () => {
  jump.update();
  reader.check();
});
document.addEventListener("visibilitychange", () => reader.check());
watchDay(() => timeline.renameDays());
watchDays(scroller, list);
openAtPlace();
outbox.loaded.then(() => {
  // From an older stretch: now they look for what they wrote.
  if (location.hash === "" && outbox.of(chatId).some(({ status }) => status === "sending")) scroll.toEnd();
});
jump.update();
socket.follow(chatId, bootstrap.revision);
reader.check();
if (matchMedia("(hover: hover)").matches && location.hash === "" && !composer.form.hidden) composer.textarea.focus();
