// What the page adds to a message's HTML: the direction of each block, the name of code's language, buttons to copy it.
import { copyText } from "../input/clipboard.js";
import { text } from "../lib/text.js";

const BLOCKS = "p, li, h2, h3, h4, h5, h6, th, td, blockquote";
const COPIED_FOR = 2000; // ms: so long the button says it, too

/** Complete the bodies of messages below `root`; chats/markdown/page_html.py does so on the server, but for the buttons. */
export function completeBodies(root) {
  const bodies = [...root.querySelectorAll(".message-body")];
  if (root.matches?.(".message-body")) bodies.push(root);
  for (const body of bodies) {
    // The body's own direction is that of its first paragraph, which therefore has none of its own.
    body.dir = "auto";
    const first = body.querySelector(":scope > p:first-child");
    for (const block of body.querySelectorAll(BLOCKS)) if (block !== first) block.dir = "auto";
    for (const code of body.querySelectorAll("pre, code, .mention")) code.dir = "ltr";
    for (const block of body.querySelectorAll("pre")) completeCode(block);
  }
}

function completeCode(block) {
  if (block.parentElement.matches(".code-block")) return;
  const language = /(?:^| )language-(\S+)/.exec(block.firstElementChild?.className ?? "");
  if (language !== null) block.dataset.language = language[1];
  const box = document.createElement("div");
  box.className = "code-block";
  block.replaceWith(box);
  block.tabIndex = 0; // long lines are scrolled with the keys, too
  // The button is an icon without a text, which would be one of the message.
  const button = document.getElementById("copy-code")?.content.firstElementChild.cloneNode(true);
  box.append(block, ...(button === undefined ? [] : [button]));
}

/** Have the buttons copy the code beside them, and say so, whenever their messages arrive. */
export function startCopying({ clock, signal }) {
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.(".copy-code");
    if (button) copy(button, clock);
  }, { signal });
}

async function copy(button, clock) {
  const isCopied = await copyText(button.parentElement.querySelector("code").textContent);
  const words = text(isCopied ? "copied" : "not_copied");
  document.getElementById("announcer").textContent = words;
  button.title = words;
  button.classList.toggle("copied", isCopied);
  clock.setTimeout(() => {
    button.classList.remove("copied");
    button.title = button.getAttribute("aria-label");
    const announcer = document.getElementById("announcer");
    if (announcer.textContent === words) announcer.textContent = ""; // so that saying it again is a change
  }, COPIED_FOR);
}
