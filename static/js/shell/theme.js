// The theme switch in the user menu; theme-init.js applies the choice before the first paint.
import { recall, remember } from "../lib/storage.js";

const KEY = "flowra.theme";

export function startTheme(root) {
  const choice = root.querySelector("[data-theme-choice]");
  if (choice === null) return;
  const chosen = recall(localStorage, KEY) ?? "system";
  const input = choice.querySelector(`input[value="${CSS.escape(chosen)}"]`);
  if (input !== null) input.checked = true;
  choice.hidden = false;
  choice.addEventListener("change", (event) => {
    const theme = event.target.value;
    remember(localStorage, KEY, theme === "system" ? null : theme);
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  });
}
