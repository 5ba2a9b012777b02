// What a key event means.

/**
 * Whether a key event is part of a composition: it belongs to an input method (Chinese, Japanese, Korean …) and never to the
 * page. Safari sends the Enter that ends one after `compositionend`, with isComposing false: only the key code 229, which
 * stands for "the input method handles it", tells.
 */
export function isComposing(event) {
  return event.isComposing || event.keyCode === 229;
}

/** Whether keys pressed here are meant as text. */
export function isField(element) {
  return element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName);
}

/**
 * Note on the page whether its reader moves through it by keys, for styles: the ring around a text box is for these people,
 * and a browser says :focus-visible of a box that was clicked into as well.
 */
export function watchKeyboard({ signal }) {
  const set = (isKeyboard) => document.documentElement.toggleAttribute("data-keyboard", isKeyboard);
  document.addEventListener("pointerdown", () => set(false), { capture: true, signal });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Tab" && !isComposing(event)) set(true);
  }, { capture: true, signal });
}

/** The letter of a key, whatever the layout: where it has no Latin letters, by the key's place. */
export function letterOf({ key, code }) {
  if (/^[a-z]$/i.test(key)) return key.toLowerCase();
  return /^[\x20-\x7e]$/.test(key) ? "" : /^Key([A-Z])$/.exec(code ?? "")?.[1].toLowerCase() ?? "";
}
