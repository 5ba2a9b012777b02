// The quick switcher: Ctrl+K, type, choose with the arrow keys.
import { isComposing } from "../lib/keys.js";

function items() {
  return [...document.querySelectorAll("#jump-results .jump-item")];
}

function activate(index) {
  const all = items();
  all.forEach((item, place) => item.classList.toggle("active", place === index));
  all[index]?.scrollIntoView({ block: "nearest" });
  // The focus stays in the field, so nothing else tells a screen reader what Enter would open, or that nothing was found.
  document.getElementById("jump-active").textContent = spoken(all[index] ?? document.getElementById("jump-results"));
}

/** What an element says to those who do not see it. */
function spoken(element) {
  const copy = element.cloneNode(true);
  for (const mute of copy.querySelectorAll("[aria-hidden=true]")) mute.remove();
  // Parts that stand side by side are words of their own: "Epic" and the title.
  const words = document.createTreeWalker(copy, NodeFilter.SHOW_TEXT);
  const said = [];
  while (words.nextNode()) said.push(words.currentNode.data);
  return said.join(" ").trim().replace(/\s+/g, " ");
}

function step(by) {
  const all = items();
  if (all.length === 0) return;
  const now = all.findIndex((item) => item.classList.contains("active"));
  activate((now + by + all.length) % all.length);
}

/** Open it, with `query` in its field. */
export function openQuickSwitcher(query = "") {
  const dialog = document.getElementById("jump-dialog");
  const input = document.getElementById("jump-input");
  if (dialog === null) return;
  if (!dialog.open) dialog.showModal();
  input.value = query;
  input.focus();
  input.dispatchEvent(new CustomEvent("quick-switcher.open"));
}

export function startQuickSwitcher({ signal }) {
  const input = document.getElementById("jump-input");
  const opener = document.getElementById("jump-opener");
  if (input === null) return;
  opener?.addEventListener("click", () => openQuickSwitcher(opener.value), { signal });
  opener?.addEventListener("input", () => {
    openQuickSwitcher(opener.value);
    opener.value = "";
  }, { signal });
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-quick-switcher]")) return;
    event.preventDefault();
    openQuickSwitcher();
  }, { signal });
  document.getElementById("jump-results").addEventListener("htmx:afterSwap", () => activate(0), { signal });
  input.addEventListener("keydown", (event) => {
    if (isComposing(event)) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      step(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Escape") {
      event.preventDefault(); // the browser would only empty the field
      document.getElementById("jump-dialog").close();
    } else if (event.key === "Enter") {
      event.preventDefault();
      (document.querySelector("#jump-results .jump-item.active") ?? items()[0])?.click();
    }
  }, { signal });
}
