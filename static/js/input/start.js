// Keys and fingers in an open chat.
import { copyText } from "./clipboard.js";
import { text } from "../lib/text.js";
import { MessageKeys } from "./message-keys.js";
import { MessageSheet } from "./message-sheet.js";
import { stands, toolOf } from "./message-tools.js";
import { typeAnywhere } from "./type-anywhere.js";

/**
 * `list` has the chat's messages, `scroller` shows a part of it; `composer` see composer.js, `toasts` see toasts.js. `describe(node)`
 * returns what a screen reader says of a message, `excerpt(node)` the beginning of what it says itself.
 */
export function startInput({ chatId, list, scroller, composer, toasts, describe, excerpt, clock, signal }) {
  const part = { list, clock, signal };
  const copy = async (words) => {
    const isCopied = await copyText(words);
    toasts.show(text(isCopied ? "copied" : "not_copied"), { level: isCopied ? "info" : "warning" });
  };
  const address = (node) => new URL(node.querySelector(".message-time").getAttribute("href"), `${location.origin}/chats/${chatId}/`);
  const copying = {
    "copy-text": (node) => copy(node.querySelector(".message-body").innerText.trim()),
    "copy-link": (node) => copy(address(node).href),
  };
  const sheet = new MessageSheet({
    ...part,
    dialog: document.getElementById("message-sheet"),
    excerpt,
    can: (name, node) => (name in copying ? stands(node) : toolOf(node, name) !== null),
    choose: (name, node) => (name in copying ? copying[name](node) : toolOf(node, name).click()),
  });
  offerMore({ list, onMore: (node) => sheet.open(node), signal });
  new MessageKeys({ ...part, scroller, describe, onLeave: () => composer.textarea.focus() });
  typeAnywhere({ area: composer.textarea, insert: (words) => composer.insert(words), signal });
}

/** Where the screen is touched, give each message a button that calls `onMore(node)`. */
function offerMore({ list, onMore, signal }) {
  if (!matchMedia("(hover: none)").matches) return;
  const button = document.getElementById("message-more").content.firstElementChild;
  const offer = (node) => {
    if (node.matches?.(".message") && node.querySelector(":scope > .message-more") === null) node.append(button.cloneNode(true));
  };
  for (const node of list.children) offer(node);
  const observer = new MutationObserver((changes) => {
    for (const { addedNodes } of changes) addedNodes.forEach(offer);
  });
  observer.observe(list, { childList: true });
  signal.addEventListener("abort", () => observer.disconnect());
  list.addEventListener("mousedown", (event) => {
    // The box keeps the focus until the sheet has it: without, it gets lower, and the button is no more below the finger.
    if (event.target.closest(".message-more")) event.preventDefault();
  }, { signal });
  list.addEventListener("click", ({ target }) => {
    if (target.closest(".message-more")) onMore(target.closest(".message"));
  }, { signal });
}
