// The sentences of the page in the reader's language, written into it by the server.
import { isolate } from "./direction.js";

let texts = null;

function load() {
  const element = document.getElementById("client-texts");
  return element === null ? {} : JSON.parse(element.textContent);
}

/** Return the sentence of this key with {name} and the like filled in, whatever their direction. */
export function text(key, values = {}) {
  texts ??= load();
  return (texts[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => isolate(String(values[name] ?? whole)));
}
