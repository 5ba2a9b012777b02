// What becomes of the open chat: renamed, closed, reopened, deleted; oneself removed from it, or given another role there.
import { emit, on } from "../lib/bus.js";
import { isolate } from "../lib/direction.js";
import { paced } from "../lib/paced.js";
import { makeRefetch } from "../lib/refetch.js";
import { text } from "../lib/text.js";
import { toast } from "../attention/toasts.js";

const HEADER = "chat-header";
const SETTLE = 50; // ms
const EVERY = 1000; // ms between two looks at the server

/** Show in all its places what the chat is called. */
function showLabel({ label, peerId }) {
  const count = /^\(\d+\+?\) /.exec(document.title)?.[0] ?? "";
  document.title = `${count}${isolate(label)} · Flowra`;
  const words = text("message_to", { label });
  document.getElementById("composer-body").placeholder = words;
  document.querySelector("label[for=composer-body]").textContent = words;
  const beginning = document.querySelector("#timeline-empty h2");
  if (beginning !== null) beginning.textContent = text(peerId === undefined ? "beginning_of" : "beginning_with", { label });
}

/**
 * Follow the chat's own life; `composer` see composer.js, `timeline` see timeline.js, `onRole()` is called when the reader
 * may do more or less than before. Returns {refresh()}: events may have been missed.
 */
export function watchLifecycle({ chatId, userId, workspaceId, htmx, composer, timeline, socket, clock, onRole }) {
  const here = (type, handler) =>
    on(type, (frame) => {
      if (frame.chat_id === chatId) handler(frame);
    });
  const main = document.getElementById("main");
  const note = document.getElementById("closed-note");
  const closedWords = note.querySelector("span").textContent;
  const refetch = makeRefetch(htmx, HEADER, "chat.refresh");
  let isGone = false;
  const refreshHeader = paced(() => {
    if (!isGone) refetch();
  }, { settle: SETTLE, every: EVERY, clock });
  const setClosed = (closed, words = closedWords) => {
    main.toggleAttribute("data-closed", closed);
    note.hidden = !closed;
    note.querySelector("span").textContent = words;
    composer.lock(closed);
    emit("chat.locked", { words: closed ? words : null });
  };
  const gone = (words) => {
    if (isGone) return;
    isGone = true;
    socket.unfollow(chatId);
    main.setAttribute("data-gone", "");
    emit("chat.gone", {});
    setClosed(true, words);
    toast(words, { level: "warning", sticky: true, link: { href: "/", label: text("to_chats") } });
  };
  here("chat.renamed", refreshHeader);
  here("chat.closed", () => {
    if (!isGone) setClosed(true);
    refreshHeader();
  });
  here("chat.reopened", () => {
    if (!isGone) setClosed(false);
    refreshHeader();
  });
  here("chat.deleted", () => gone(text("chat_deleted")));
  here("chat.member_removed", (frame) => {
    if (frame.data.user_id === userId) gone(text("removed"));
  });
  here("subscribe.refused", () => gone(text("removed")));
  on("workspace.role_changed", (frame) => {
    if (frame.workspace_id === workspaceId && frame.data.user_id === userId) refreshHeader();
  });
  on("names.shown", (names) => {
    if (names.has(document.getElementById(HEADER).dataset.peerId)) refreshHeader();
  });
  document.body.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target.id !== HEADER) return;
    const { dataset } = document.getElementById(HEADER);
    showLabel(dataset);
    const mayManage = "mayManage" in dataset;
    if (timeline.viewer.mayManage !== mayManage) {
      timeline.setMayManage(mayManage);
      onRole();
    }
    if (!isGone) setClosed("closed" in dataset);
  });
  if ("closed" in main.dataset) setClosed(true); // a draft may be there
  return { refresh: refreshHeader };
}
