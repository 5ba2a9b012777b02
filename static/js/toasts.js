// Short notices in the corner. They wait while somebody points at them; errors stay until closed.
import { text } from "./text.js";

const STAY = 6000; // ms
const MOST = 4;

/**
 * Show a notice and return its element; `level` is "info", "warning" or "error". With `link` {href, label} it leads
 * somewhere. `isSpoken` is false where a screen reader hears it by another way.
 */
export function toast(message, { level = "info", link = null, sticky = level === "error", isSpoken = true } = {}) {
  const box = document.getElementById("toasts");
  if (box === null) return null;
  const element = document.createElement("div");
  element.className = "toast";
  element.dataset.level = level;
  if (isSpoken) element.setAttribute("role", level === "error" ? "alert" : "status");
  const words = document.createElement("p");
  words.textContent = message;
  if (link !== null) words.append(" ", anchor(link));
  element.append(words, closeButton(element));
  box.append(element);
  while (box.children.length > MOST) box.firstElementChild.remove();
  if (!sticky) leaveLater(element);
  return element;
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
  let timer = null;
  const arm = () => {
    timer = setTimeout(() => element.remove(), STAY);
  };
  const hold = () => clearTimeout(timer);
  element.addEventListener("pointerenter", hold);
  element.addEventListener("focusin", hold);
  element.addEventListener("pointerleave", arm);
  element.addEventListener("focusout", arm);
  arm();
}
