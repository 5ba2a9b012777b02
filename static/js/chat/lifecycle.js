// The life of the open chat: renamed, closed, reopened, deleted; the reader removed from it, or given another role there.
import { retitle } from "../attention/unread.js";
import { emit, on } from "../lib/bus.js";
import { isolate } from "../lib/direction.js";
import { text } from "../lib/text.js";
import { fetchPart, replaceParts } from "../net/fetch-page.js";
import { Refetch } from "../net/refetch.js";

const HEADER = "chat-header";
const SETTLE = 50; // ms

/** Show in all its places what the chat is called. */
function showLabel({ label, peerId }) {
  retitle(`${isolate(label)} · Flowra`);
  const words = text("message_to", { label });
  document.getElementById("composer-body").placeholder = words;
  document.querySelector("label[for=composer-body]").textContent = words;
  const beginning = document.querySelector("#timeline-empty h2");
  if (beginning !== null) beginning.textContent = text(peerId === undefined ? "beginning_of" : "beginning_with", { label });
}

/**
 * Follow the chat's life; `composer` see composer.js, `timeline` see timeline.js, `here` see onChat, `toasts` see toasts.js;
 * `onRole()` is called when the reader may do more or less than before. Returns the header's Refetch: its `refresh()` is for
 * when events may have been missed. Then "header.shown" tells the page.
 */
export function watchLifecycle({ chatId, userId, workspaceId, composer, timeline, socket, toasts, here, clock, signal, onRole }) {
  const main = document.getElementById("main");
  const note = document.getElementById("closed-note");
  const closedWords = note.querySelector("span").textContent;
  let isGone = false;
  const setClosed = (closed, words = closedWords) => {
    main.toggleAttribute("data-closed", closed);
    note.hidden = !closed;
    note.querySelector("span").textContent = words;
    const hadFocus = composer.form.contains(document.activeElement);
    composer.lock(closed);
    if (hadFocus && composer.form.hidden) document.getElementById("timeline").focus({ preventScroll: true });
    emit("chat.locked", { words: closed ? words : null });
  };
  const gone = (words) => {
    if (isGone) return;
    isGone = true;
    socket.unfollow(chatId);
    main.setAttribute("data-gone", "");
    emit("chat.gone", {});
    setClosed(true, words);
    const toast = toasts.show(words, { level: "warning", sticky: true, link: { href: "/", label: text("to_chats") } });
    signal.addEventListener("abort", () => toast.remove()); // of another chat it is not true
  };
  const showHeader = (html) => {
    if (isGone) return;
    replaceParts(html);
    const { dataset } = document.getElementById(HEADER);
    showLabel(dataset);
    const mayManage = "mayManage" in dataset;
    if (timeline.viewer.mayManage !== mayManage) {
      timeline.setMayManage(mayManage);
      onRole();
    }
    setClosed("closed" in dataset);
    emit("header.shown", {});
  };
  const load = () => fetchPart(`/chats/${chatId}/header/`, signal);
  const header = new Refetch({ load, show: showHeader, settle: SETTLE, clock });
  const refresh = () => {
    if (!isGone) header.refresh();
  };
  const changeClosed = (closed) => () => {
    if (!isGone) setClosed(closed);
    refresh();
  };
  here("chat.renamed", refresh);
  here("chat.closed", changeClosed(true));
  here("chat.reopened", changeClosed(false));
  here("chat.deleted", () => gone(text("chat_deleted")));
  here("chat.member_removed", (frame) => {
    if (frame.data.user_id === userId) gone(text("removed"));
  });
  here("subscribe.refused", ({ code }) => {
    if (code !== "too_many") gone(text("removed")); // else navigation/navigator.js makes room
  });
  const roleChanged = (frame) => {
    if (frame.workspace_id === workspaceId && frame.data.user_id === userId) refresh();
  };
  on("workspace.role_changed", roleChanged, signal);
  const namesShown = (names) => {
    if (names.has(document.getElementById(HEADER).dataset.peerId)) refresh();
  };
  on("names.shown", namesShown, signal);
  if ("closed" in main.dataset) setClosed(true); // a draft may be there
  return { refresh };
}
