// Changes to a text box that Ctrl+Z takes back, as if they had been typed.

/**
 * Replace `start`…`end` of a text box by `words`, and select `from`…`to` of the result (the end of `words` unless given).
 * The box gets its "input" event.
 */
export function replaceText(area, { start, end, words, from = start + words.length, to = from }) {
  area.focus();
  area.setSelectionRange(start, end);
  // The only way into the browser's own undo history, and that is why browsers keep it, deprecated as it is.
  const isDone = words === "" ? start === end || document.execCommand("delete") : document.execCommand("insertText", false, words);
  if (!isDone) {
    area.setRangeText(words, start, end, "end");
    area.dispatchEvent(new InputEvent("input", { bubbles: true, inputType: "insertText", data: words }));
  }
  area.setSelectionRange(from, to);
}
