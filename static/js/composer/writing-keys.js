// Keys that the composer and the edit box share: formatting, and Enter.
import { isFenceOpen } from "./code-spans.js";
import { isComposing, letterOf } from "../lib/keys.js";
import { commandOf } from "./formatting.js";
import { replaceText } from "./text-edit.js";

// A screen that is touched, with no pointer beside it: its keyboard has no Shift+Enter. A laptop with a touch screen has.
const touch = globalThis.matchMedia?.("(hover: none) and (pointer: coarse)");

/** Whether Enter makes a new line, and the button sends. */
export function isTouch() {
  return touch?.matches === true;
}

/** Change a text box by one of the commands of formatting.js. */
export function format(area, command) {
  const { value, selectionStart: start, selectionEnd: end } = area;
  replaceText(area, command({ value, start, end }));
}

/** Carry out a formatting command; returns whether the key was one. */
export function handleFormatting(event) {
  const command = isComposing(event) ? null : commandOf(event);
  if (command === null) return false;
  event.preventDefault();
  format(event.currentTarget, command);
  return true;
}

/** Whether a key asks for the preview. */
export function isPreviewKey(event) {
  return (event.ctrlKey || event.metaKey) && event.shiftKey && !event.altKey && letterOf(event) === "e" && !isComposing(event);
}

/** Whether this Enter sends: not with Shift or Alt, in an open code block, or on a touch screen. With Ctrl it always does. */
export function isSendKey(event) {
  if (event.key !== "Enter" || isComposing(event) || event.shiftKey || event.altKey) return false;
  if (event.ctrlKey || event.metaKey) return true;
  const { value, selectionStart } = event.currentTarget;
  return !isTouch() && !isFenceOpen(value.slice(0, selectionStart));
}
