// The list of chats, and with it the menu of workspaces: fetched again when one comes, goes or changes.
import { emit, on } from "../lib/bus.js";
import { fetchPart, replaceParts } from "../net/fetch-page.js";
import { Refetch } from "../net/refetch.js";

const SETTLE = 200; // ms
const CHANGES = ["chat.created", "chat.renamed", "chat.closed", "chat.reopened", "chat.deleted"];
CHANGES.push("workspace.changed", "workspace.deleted");
// What changes it if it is told of the reader.
const OWN = ["chat", "workspace"].flatMap((what) => [`${what}.member_added`, `${what}.member_removed`]);
OWN.push("workspace.role_changed");

/** Returns its Refetch; `open.chatId` is the open chat, "" for none; `userId` the reader. Then "sidebar.shown" tells the page. */
export function startSidebar({ open, userId, clock, signal }) {
  const path = () => {
    const workspaceId = document.getElementById("sidebar-list").dataset.workspaceId ?? "";
    return `/sidebar/?chat=${open.chatId}&workspace=${workspaceId}`;
  };
  const show = (html) => {
    replaceParts(html);
    emit("sidebar.shown", {});
  };
  const refetch = new Refetch({ load: () => fetchPart(path(), signal), show, settle: SETTLE, clock });
  for (const type of CHANGES) on(type, () => refetch.refresh(), signal);
  const changed = (frame) => {
    if (frame.data.user_id === userId) refetch.refresh();
  };
  for (const type of OWN) on(type, changed, signal);
  const namesShown = (names) => {
    const peers = [...document.querySelectorAll("#sidebar-list [data-peer-id]")];
    if (peers.some(({ dataset }) => names.has(dataset.peerId))) refetch.refresh(); // they are sorted by name
  };
  on("names.shown", namesShown, signal);
  return refetch;
}
