// What is typed or pasted while no field has the focus goes into the message box.
import { isComposing, isField } from "../lib/keys.js";

/** Whether something lies over the page, which then has the keys: a dialog, a menu, a drawer. */
const isCovered = () => document.querySelector("dialog[open], details.menu[open], .pane.open") !== null;

/**
 * Whether a key event is a character to be written: with AltGr it may be one, with other modifiers never. Space presses
 * buttons and scrolls, "?" opens the help. A dead key begins a character.
 */
export function isWritten(event) {
  const { key } = event;
  const isHeld = event.metaKey || ((event.ctrlKey || event.altKey) && !event.getModifierState("AltGraph"));
  return !isHeld && key !== " " && key !== "?" && (key === "Dead" || [...key].length === 1);
}

/** `area` is the box; `insert(words)` puts what was pasted where its cursor is. */
export function typeAnywhere({ area, insert, signal }) {
  const isFree = (event) => {
    return !event.defaultPrevented && !isField(event.target) && !isCovered() && !area.readOnly && area.checkVisibility();
  };
  document.addEventListener("keydown", (event) => {
    // The browser writes the character where the focus is now: not even the first one is lost.
    if (!isComposing(event) && isWritten(event) && isFree(event)) area.focus();
  }, { signal });
  document.addEventListener("paste", (event) => {
    const words = event.clipboardData?.getData("text/plain") ?? "";
    if (words === "" || !isFree(event)) return;
    event.preventDefault();
    insert(words);
  }, { signal });
}
