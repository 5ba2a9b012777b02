// Keys that belong to an input method (Chinese, Japanese, Korean …) and never to the page.

/**
 * Whether a key event is part of a composition. Safari sends the Enter that ends one after `compositionend`, with
 * isComposing false: only the key code 229, which stands for "the input method has it", tells.
 */
export function isComposing(event) {
  return event.isComposing || event.keyCode === 229;
}
