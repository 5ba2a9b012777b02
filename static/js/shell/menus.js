// Menus are <details>, which work without scripts; this closes them and adds arrow keys. The user menu has the theme switch.
import { isComposing } from "../lib/keys.js";
import { recall, remember } from "../lib/storage.js";

const ITEMS = ".menu-item, a.button, input";
const THEME_KEY = "flowra.theme"; // read by theme-init.js before the first paint; it shows what is chosen, too

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

/** Close all menus. */
export function closeMenus() {
  for (const menu of document.querySelectorAll("details.menu[open]")) close(menu, false);
}

export function startMenus({ signal }) {
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      const inside = menu.contains(event.target);
      const chosen = event.target.closest?.("a.menu-item, button[data-open-dialog]");
      // What was chosen is hidden now: a dialog that it opens gives the focus back to the menu's button.
      if (!inside || chosen) close(menu, inside);
    }
  }, { signal });
  document.addEventListener("keydown", (event) => {
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
  }, { signal });
}

/** The choice of the theme in the user menu; what another tab chooses is shown here as well. */
export function startTheme({ signal }) {
  const choice = document.querySelector("[data-theme-choice]");
  if (choice === null) return;
  const check = (theme) => {
    const input = choice.querySelector(`input[value="${CSS.escape(theme)}"]`);
    if (input !== null) input.checked = true;
  };
  const show = (theme) => window.dispatchEvent(new CustomEvent("theme.chosen", { detail: theme }));
  check(recall(localStorage, THEME_KEY) ?? "system");
  choice.hidden = false;
  choice.addEventListener("change", ({ target: { value: theme } }) => {
    remember(localStorage, THEME_KEY, theme === "system" ? null : theme);
    show(theme);
  }, { signal });
  window.addEventListener("storage", ({ storageArea, key, newValue }) => {
    if (storageArea !== localStorage || (key !== THEME_KEY && key !== null)) return; // null: all was cleared
    check(newValue ?? "system");
    show(newValue);
  }, { signal });
}
