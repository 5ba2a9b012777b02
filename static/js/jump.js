// The jump box: Ctrl+K, type, choose with the arrow keys.
import { emit } from "./bus.js";

function items() {
  return [...document.querySelectorAll("#jump-results .jump-item")];
}

function activate(index) {
  const all = items();
  all.forEach((item, place) => item.classList.toggle("active", place === index));
  all[index]?.scrollIntoView({ block: "nearest" });
}

function step(by) {
  const all = items();
  if (all.length === 0) return;
  const now = all.findIndex((item) => item.classList.contains("active"));
  activate((now + by + all.length) % all.length);
}

/** Open the box, with `query` in it. */
export function openJump(query = "") {
  const dialog = document.getElementById("jump-dialog");
  const input = document.getElementById("jump-input");
  if (dialog === null) return;
  if (!dialog.open) dialog.showModal();
  input.value = query;
  input.focus();
  input.dispatchEvent(new CustomEvent("jump.open"));
  emit("jump.opened", {});
}

export function startJump() {
  const input = document.getElementById("jump-input");
  const opener = document.getElementById("jump-opener");
  if (input === null) return;
  opener?.addEventListener("click", () => openJump(opener.value));
  opener?.addEventListener("input", () => {
    openJump(opener.value);
    opener.value = "";
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-jump]")) return;
    event.preventDefault();
    openJump();
  });
  document.getElementById("jump-results").addEventListener("htmx:afterSwap", () => activate(0));
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      step(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter") {
      event.preventDefault();
      (document.querySelector("#jump-results .jump-item.active") ?? items()[0])?.click();
    }
  });
}
