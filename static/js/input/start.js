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
  list.addEventListener("mousedown", (event) => {
    // The box keeps the focus until the sheet has it: without, it gets lower, and the button is no more below the finger.
    if (event.target.closest("[data-action=more]")) event.preventDefault();
  }, { signal });
  list.addEventListener("click", ({ target }) => {
    if (target.closest("[data-action=more]")) sheet.open(target.closest(".message"));
  }, { signal });
  new MessageKeys({ ...part, scroller, describe, onLeave: () => composer.textarea.focus() });
  typeAnywhere({ area: composer.textarea, insert: (words) => composer.insert(words), signal });
}
