// The side panes on narrow screens. The members are a drawer that keeps the focus until it is closed; on wide screens their
// button folds the pane. The list of chats is a screen of its own, at the address #sidebar, so that "back" leads there from
// the chat one has opened from it. Without scripts the links are anchors, and CSS :target shows what they lead to.
import { emit, on } from "../lib/bus.js";
import { isComposing } from "../lib/keys.js";
import { remember } from "../lib/storage.js";

// Read by theme-init.js; panes.css says where the members are shown without a choice.
const MEMBERS = { key: "flowra.members", name: "members" };
const MEMBERS_DIRECT = { key: "flowra.members.direct", name: "membersDirect" };
const FOCUSABLE = "a[href], button:not([disabled]), input:not([type=hidden]), summary, [tabindex='0']";
const LIST = "#sidebar"; // read by theme-init.js
const widths = { sidebar: "(max-width: 767.98px)", members: "(max-width: 1023.98px)" };

let open = null; // {drawer, opener}
let isFromList = false; // whether "back" leads to the list

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

const isList = () => location.hash === LIST;

/** Show the list or what is open, as the address says; the page hears of it by "screen.shown". */
function showScreen() {
  const { dataset } = document.documentElement;
  if ((dataset.screen === "list") === isList()) return;
  if (isList()) dataset.screen = "list";
  else delete dataset.screen;
  if (!isList() && matchMedia(widths.sidebar).matches) document.getElementById("main").focus({ preventScroll: true });
  nameList();
  emit("screen.shown", {});
}

/** Where the list is all that is seen it is the main part for screen readers, and has the focus. */
function nameList() {
  const isMain = isList() && matchMedia(widths.sidebar).matches;
  const sidebar = document.getElementById("sidebar");
  sidebar.role = isMain ? "main" : "navigation";
  if (isMain) sidebar.focus({ preventScroll: true });
}

function startList({ signal }) {
  const moved = () => {
    isFromList = false;
    showScreen();
  };
  const opened = () => {
    isFromList = document.documentElement.dataset.screen === "list" && !isList();
    showScreen();
  };
  window.addEventListener("popstate", moved, { signal });
  on("chat.opened", opened, signal);
  on("chat.shown", opened, signal);
  matchMedia(widths.sidebar).addEventListener("change", nameList, { signal });
  showScreen();
  nameList();
}

export function startDrawers({ signal }) {
  startList({ signal });
  document.addEventListener("click", (event) => {
    const opener = event.target.closest?.("[data-drawer-open]");
    if (opener) {
      const name = opener.dataset.drawerOpen;
      if (name === "sidebar" && !isFromList) return; // a link like others
      event.preventDefault();
      if (name === "sidebar") history.back();
      else if (matchMedia(widths.members).matches) openDrawer(document.getElementById(name), opener);
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
  matchMedia(widths.members).addEventListener("change", (change) => {
    if (!change.matches) closeDrawer();
  }, { signal });
}
