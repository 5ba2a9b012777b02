// Short notices in the corner. They wait while somebody points at them; errors stay until closed.
import { text } from "../lib/text.js";

const STAY = 6000; // ms
const MOST = 4;
const restarts = new WeakMap(); // by notice: what begins its time anew

/**
 * Show a notice and return its element; `level` is "info", "warning" or "error". With `link` {href, label} it leads
 * somewhere; `detail` is what somebody wrote, below it. `isSpoken` is false where a screen reader hears it by another way.
 */
export function toast(
  message,
  { level = "info", link = null, detail = "", sticky = level === "error", isSpoken = true } = {},
) {
  const box = document.getElementById("toasts");
  if (box === null) return null;
  const element = document.createElement("div");
  element.className = "toast";
  element.dataset.level = level;
  if (isSpoken) element.setAttribute("role", level === "error" ? "alert" : "status");
  const words = document.createElement("p");
  fill(words, message, link, detail);
  // Said again it stands once, as the latest: a server that is away fails many requests.
  [...box.children].find((other) => other.dataset.level === level && other.firstElementChild.isEqualNode(words))?.remove();
  element.append(words, closeButton(element));
  box.append(element);
  while (box.children.length > MOST) box.firstElementChild.remove();
  if (!sticky) leaveLater(element);
  return element;
}

/** Say something else in a notice that is there, which stays as long as a new one; it is not spoken again. */
export function retoast(element, message, { link = null, detail = "" } = {}) {
  element.removeAttribute("role");
  const hadFocus = element.querySelector("a") === document.activeElement;
  fill(element.firstElementChild, message, link, detail);
  if (hadFocus) element.querySelector("a")?.focus();
  restarts.get(element)?.();
}

/** Take away what was said with these words and is no longer so. */
export function untoast(message) {
  for (const element of document.querySelectorAll("#toasts > .toast")) {
    if (element.firstElementChild.textContent === message) element.remove();
  }
}

function fill(words, message, link, detail) {
  words.replaceChildren(message);
  if (link !== null) words.append(" ", anchor(link));
  if (detail === "") return;
  const written = document.createElement("span");
  written.className = "toast-detail";
  written.dir = "auto";
  written.textContent = detail;
  words.append(written);
}

function anchor({ href, label }) {
  const element = document.createElement("a");
  element.href = href;
  element.textContent = label;
  return element;
}

function closeButton(element) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "link-button";
  button.textContent = text("close");
  button.addEventListener("click", () => element.remove());
  return button;
}

function leaveLater(element) {
  const held = new Set(); // by the pointer, by the focus: it waits until both have left
  let timer = null;
  const settle = () => {
    clearTimeout(timer);
    if (held.size === 0) timer = setTimeout(() => element.remove(), STAY);
  };
  for (const [begins, ends] of [["pointerenter", "pointerleave"], ["focusin", "focusout"]]) {
    element.addEventListener(begins, () => {
      held.add(begins);
      settle();
    });
    element.addEventListener(ends, () => {
      held.delete(begins);
      settle();
    });
  }
  settle();
  restarts.set(element, settle);
}
