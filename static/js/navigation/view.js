// The elements of the open chat: main, the members beside it, and what the server says to scripts.
import { retitle } from "../attention/unread.js";
import { isolate } from "../lib/direction.js";
import { localizeTimes } from "../lib/times.js";
import { announceLoaded, parsePage } from "../net/fetch-page.js";

const FADE = { duration: 80, easing: "ease-out" }; // ms
const IDS = { main: "main", aside: "members", data: "bootstrap" };

const byId = (root) => Object.fromEntries(Object.entries(IDS).map(([name, id]) => [name, root.getElementById(id)]));

/** The elements of the chat in the document: {main, aside, data}; null where another page is shown. */
export function shownNodes() {
  const nodes = byId(document);
  return nodes.data === null ? null : nodes;
}

/** The elements of a chat in the answer of its address to scripts; null where it is something else. */
export function parseChat(html) {
  const nodes = byId(parsePage(html));
  return Object.values(nodes).includes(null) ? null : nodes;
}

/** What the server says of a chat to scripts. */
export function bootstrapOf({ data }) {
  return JSON.parse(data.textContent);
}

/** Put elements of a chat in the place of what is shown; `data` may be null. `isNew`: whether they come from the server. */
export function showNodes({ main, aside, data }, { htmx, isNew }) {
  const shown = byId(document);
  document.body.classList.add("with-chat"); // the page may have shown something else
  shown.main.replaceWith(main);
  if (shown.aside === null) main.after(aside);
  else shown.aside.replaceWith(aside);
  shown.data?.remove();
  if (data !== null) document.head.append(data);
  for (const element of [main, aside]) {
    if (isNew) {
      htmx.process(element);
      announceLoaded(element);
    } else localizeTimes(element); // time has passed
  }
  if (matchMedia("(prefers-reduced-motion: no-preference)").matches) {
    for (const element of [main, aside]) element.animate({ opacity: [0.3, 1] }, FADE);
  }
}

/** A chat's entry in the list of chats; null where it has none. */
export function roomOf(chatId) {
  return document.querySelector(`.sidebar a.room[data-chat-id="${CSS.escape(chatId)}"]`);
}

/** Show in the list of chats which one is open, and its name in the title. */
export function showCurrent(chatId) {
  for (const room of document.querySelectorAll(".sidebar a.room")) {
    if (room.dataset.chatId === chatId) room.setAttribute("aria-current", "page");
    else room.removeAttribute("aria-current");
  }
}

export function showTitle(label) {
  retitle(`${isolate(label)} · Flowra`);
}
