// The side panes on narrow screens: drawers that keep the focus until they are closed. Without scripts
// their links are anchors, and CSS :target shows them. On wide screens the members' button folds their pane.
import { isComposing } from "../lib/keys.js";
import { remember } from "../lib/storage.js";

// Read by theme-init.js; panes.css says where the members are shown without a choice.
const MEMBERS = { key: "flowra.members", name: "members" };
const MEMBERS_DIRECT = { key: "flowra.members.direct", name: "membersDirect" };
const FOCUSABLE = "a[href], button:not([disabled]), input:not([type=hidden]), summary, [tabindex='0']";
const widths = { sidebar: "(max-width: 767.98px)", members: "(max-width: 1023.98px)" };

let open = null; // {drawer, opener}

function others(drawer) {
  const around = [...document.querySelectorAll(".navbar, .pane, .toasts, .skip-link")];
  return around.filter((element) => element !== drawer);
}

function openDrawer(drawer, opener) {
  closeDrawer();
  open = { drawer, opener };
  drawer.classList.add("open");
  for (const element of others(drawer)) element.inert = true;
  drawer.querySelector(FOCUSABLE)?.focus();
}

/** Close the drawer that is open, if any. */
export function closeDrawer() {
  if (open === null) return;
  const { drawer, opener } = open;
  open = null;
  drawer.classList.remove("open");
  for (const element of others(drawer)) element.inert = false;
  opener.focus();
}

function trap(event) {
  const items = [...open.drawer.querySelectorAll(FOCUSABLE)].filter((item) => item.tabIndex >= 0 && item.offsetParent !== null);
  if (items.length === 0) return;
  const edge = event.shiftKey ? items[0] : items[items.length - 1];
  if (document.activeElement !== edge && open.drawer.contains(document.activeElement)) return;
  event.preventDefault();
  (event.shiftKey ? items[items.length - 1] : items[0]).focus();
}

function foldMembers() {
  const pane = document.getElementById("members");
  const choice = pane.checkVisibility() ? "hidden" : "shown";
  const { key, name } = "direct" in pane.dataset ? MEMBERS_DIRECT : MEMBERS;
  document.documentElement.dataset[name] = choice;
  remember(localStorage, key, choice);
}

export function startDrawers({ signal }) {
  document.addEventListener("click", (event) => {
    const opener = event.target.closest?.("[data-drawer-open]");
    if (opener) {
      const name = opener.dataset.drawerOpen;
      event.preventDefault();
      if (matchMedia(widths[name]).matches) openDrawer(document.getElementById(name), opener);
      else foldMembers();
    } else if (event.target.closest?.("[data-drawer-close]")) {
      event.preventDefault();
      closeDrawer();
    } else if (event.target.closest?.("a[data-dialog]") && open?.drawer.contains(event.target)) {
      closeDrawer();
    }
  }, { signal });
  document.addEventListener("keydown", (event) => {
    if (open === null || isComposing(event)) return;
    if (event.key === "Escape") closeDrawer();
    else if (event.key === "Tab") trap(event);
  }, { signal });
  for (const query of Object.values(widths)) {
    matchMedia(query).addEventListener("change", (change) => {
      if (!change.matches) closeDrawer();
    }, { signal });
  }
}
