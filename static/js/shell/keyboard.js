// Shortcuts of the whole page. Single keys never fire while somebody types.
import { isComposing, isField, letterOf } from "../lib/keys.js";
import { openDialog } from "./dialogs.js";
import { openQuickSwitcher } from "./quick-switcher.js";

function neighbour(step) {
  const rooms = [...document.querySelectorAll(".sidebar a.room")].filter((room) => room.offsetParent !== null);
  const here = rooms.findIndex((room) => room.hasAttribute("aria-current"));
  const from = here < 0 && step < 0 ? 0 : here; // from outside the list, up leads to the last one
  return rooms[(from + step + rooms.length) % rooms.length];
}

export function startKeyboard({ signal }) {
  document.addEventListener("keydown", (event) => {
    if (isComposing(event)) return;
    if ((event.ctrlKey || event.metaKey) && !event.altKey && letterOf(event) === "k") {
      event.preventDefault();
      openQuickSwitcher();
    } else if (event.altKey && !event.ctrlKey && !event.metaKey && /^Arrow(Up|Down)$/.test(event.key)) {
      event.preventDefault();
      neighbour(event.key === "ArrowDown" ? 1 : -1)?.click();
    } else if (event.key === "?" && !event.ctrlKey && !event.metaKey && !isField(event.target)) {
      event.preventDefault();
      openDialog("help-dialog");
    }
  }, { signal });
}
