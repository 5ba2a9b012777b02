// Names in sentences that run the other way; chats/lib/direction.py does the same on the server.

// Letters of scripts that are written from right to left, and characters that set directions.
const TURNS =
  /[\u0590-\u08ff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
const REACHING = /[\u202a-\u202e\u2066-\u2069]/gu; // beyond the name they stand in

/** What an element says, with what the server put into a <bdi> isolated as it is there. */
export function isolatedText(element) {
  const part = (node) => (node.nodeName === "BDI" ? isolate(node.textContent) : node.textContent);
  return [...element.childNodes].map(part).join("");
}

/** A name to be put into a sentence: it turns nothing around it. What runs as the sentence does stays as it is. */
export function isolate(name) {
  return TURNS.test(name) ? `\u2068${name.replace(REACHING, "")}\u2069` : name;
}
