// Menus are <details>, which work without scripts. Here they learn to close, and arrow keys.
import { isComposing } from "../lib/ime.js";

const ITEMS = ".menu-item, a.button, input";

function close(menu, focus) {
  menu.open = false;
  if (focus) menu.querySelector("summary").focus();
}

function move(menu, step) {
  const items = [...menu.querySelectorAll(ITEMS)].filter((item) => item.offsetParent !== null);
  if (items.length === 0) return;
  const index = items.indexOf(document.activeElement);
  items[(index + step + items.length) % items.length].focus();
}

export function startMenus(root) {
  root.addEventListener("click", (event) => {
    for (const menu of root.querySelectorAll("details.menu[open]")) {
      const inside = menu.contains(event.target);
      const chosen = event.target.closest?.("a.menu-item, button[data-open-dialog]");
      // What was chosen is hidden now: a dialog that it opens gives the focus back to the menu's button.
      if (!inside || chosen) close(menu, inside);
    }
  });
  root.addEventListener("keydown", (event) => {
    const menu = event.target.closest?.("details.menu[open]");
    if (!menu || isComposing(event)) return;
    if (event.key === "Escape") {
      event.stopPropagation();
      close(menu, true);
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && event.target.type !== "radio") {
      event.preventDefault();
      const fromSummary = !menu.querySelector(".menu-panel").contains(document.activeElement);
      if (fromSummary && event.key === "ArrowUp") move(menu, 0);
      else move(menu, event.key === "ArrowDown" ? 1 : -1);
    }
  });
}
