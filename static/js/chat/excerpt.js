// What people read of a message, in one line; chats/markdown/words.py makes the same text on the server.

const EXCERPT = 140; // characters, as chats/markdown/plain_text.py has it

const RULE = "---"; // stands for a message that is nothing but a horizontal rule
// What Python takes for white space; \s of JavaScript is not quite the same.
// Left open they would turn around what stands behind the text.
const DIRECTION = /[\u202a-\u202e\u2066-\u2069]/g;
const SPACE = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/g;

/** Return the text of a message's body {Node}: the items of numbered lists have their numbers. */
export function readableText(root) {
  const words = pieces(root).replace(DIRECTION, "").replace(SPACE, " ").replace(/^ | $/g, "");
  return words === "" && root.querySelector("hr") !== null ? RULE : words;
}

/** Return the beginning of the text, as it is quoted. */
export function excerptOf(root) {
  return [...readableText(root)].slice(0, EXCERPT).join("");
}

/** Return the beginning of the text of a message's `html`, which is not on the page. */
export function excerptOfHtml(html) {
  return excerptOf(new DOMParser().parseFromString(html, "text/html").body); // a document that loads and runs nothing
}

function pieces(node) {
  if (node.nodeName === "#text") return node.data;
  if (node.nodeName === "BR") return " ";
  if (node.nodeName === "OL") return numbered(node);
  return [...node.childNodes].map(pieces).join("");
}

function numbered(list) {
  let number = list.start;
  return [...list.children]
    .map((item) => {
      if (item.hasAttribute("value")) number = item.value;
      number += 1;
      return `${number - 1}. ${pieces(item)} `;
    })
    .join("");
}
