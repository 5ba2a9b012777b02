// Names as they are now, wherever they stand on the page.
import { emit, on } from "../lib/bus.js";
import { paintAvatar } from "../lib/avatars.js";
import { text } from "../lib/text.js";

const SETTLE = 50; // ms: many names at once are one look at the page
const MOST = 5000; // names that are remembered

const known = new Map(); // user id → the latest name that was told
const changed = new Map(); // of these, what the page does not show yet
let timer = null;

/** What somebody is called: a message may have been made before they changed their name, and come after it. */
export function nameOf(userId, name) {
  return known.get(userId) ?? name;
}

/** The connection is lost: what comes next may be newer than what was told. */
export function forgetNames() {
  known.clear();
}

/** Show what these people are called, [[id, name]]; then "names.shown" tells the rest of the page. */
export function learnNames(entries) {
  for (const [userId, name] of entries) {
    known.delete(userId);
    known.set(userId, name);
    changed.set(userId, name);
  }
  for (const userId of known.keys()) {
    if (known.size <= MOST) break;
    known.delete(userId);
  }
  timer ??= setTimeout(show, SETTLE);
}

function show() {
  timer = null;
  const names = new Map(changed);
  changed.clear();
  for (const element of document.querySelectorAll("[data-name-of]")) {
    const name = names.get(element.dataset.nameOf);
    if (name !== undefined && element.textContent !== name) element.textContent = name;
  }
  for (const element of document.querySelectorAll("[data-avatar-of]")) {
    const name = names.get(element.dataset.avatarOf);
    if (name !== undefined) paintAvatar(element, element.dataset.avatarOf, name);
  }
  const menu = document.querySelector("#user-menu > summary");
  const own = names.get(document.body.dataset.userId);
  if (menu !== null && own !== undefined) menu.setAttribute("aria-label", text("account_menu", { name: own }));
  emit("names.shown", names);
}

/** Follow what the socket tells of people. */
export function followNames() {
  for (const type of ["user.changed", "me.changed"]) {
    on(type, ({ data }) => learnNames([[data.id, data.display_name]]));
  }
  on("socket.state", ({ name }) => {
    if (name !== "connected") forgetNames();
  });
}
