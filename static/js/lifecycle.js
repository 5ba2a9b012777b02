// What becomes of the open chat: renamed, closed, reopened, deleted; oneself removed from it.
import { on } from "./bus.js";
import { makeRefetch } from "./refetch.js";
import { text } from "./text.js";
import { toast } from "./toasts.js";

function setClosed(composer, closed, words = null) {
  const note = document.getElementById("closed-note");
  composer.form.hidden = closed;
  note.hidden = !closed;
  if (words !== null) note.querySelector("span").textContent = words;
}

function showTitle() {
  const label = document.getElementById("chat-header")?.dataset.label;
  if (!label) return;
  const count = /^\(\d+\+?\) /.exec(document.title)?.[0] ?? "";
  document.title = `${count}${label} · Flowra`;
}

/** Follow the chat's own life; `composer` see composer.js. Returns {refresh()}: events may have been missed. */
export function watchLifecycle({ chatId, userId, htmx, composer, socket }) {
  const here = (type, handler) =>
    on(type, (frame) => {
      if (frame.chat_id === chatId) handler(frame);
    });
  const refreshHeader = makeRefetch(htmx, "chat-header", "chat.refresh");
  let isGone = false;
  const gone = (words) => {
    isGone = true;
    socket.unfollow(chatId);
    setClosed(composer, true, words);
    toast(words, { level: "warning", sticky: true, link: { href: "/", label: text("to_chats") } });
  };
  here("chat.renamed", refreshHeader);
  here("chat.closed", () => {
    setClosed(composer, true);
    refreshHeader();
  });
  here("chat.reopened", () => {
    setClosed(composer, false);
    refreshHeader();
  });
  here("chat.deleted", () => gone(text("chat_deleted")));
  here("chat.member_removed", (frame) => {
    if (frame.data.user_id === userId) gone(text("removed"));
  });
  here("subscribe.refused", () => gone(text("removed")));
  document.body.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target.id !== "chat-header") return;
    showTitle();
    if (!isGone) setClosed(composer, "closed" in document.getElementById("chat-header").dataset);
  });
  return {
    refresh: () => {
      if (!isGone) refreshHeader();
    },
  };
}
