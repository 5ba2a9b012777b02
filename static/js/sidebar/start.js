// The list of chats, and with it the menu of workspaces: fetched again when a chat comes, goes or changes.
import { emit, on } from "../lib/bus.js";
import { perFrame } from "../lib/paced.js";
import { fetchPart, replaceParts } from "../net/fetch-page.js";
import { Refetch } from "../net/refetch.js";
import { Favourites } from "./favourites.js";
import { Filter } from "./filter.js";
import { Marks } from "./marks.js";
import { MoreUnread } from "./more-unread.js";
import { RoomList, roomOf, rooms } from "./room-list.js";

const SETTLE = 200; // ms
const MENU_SETTLE = 500; // ms: only numbers of other workspaces
const CHANGES = ["chat.created", "chat.renamed", "chat.closed", "chat.reopened", "chat.deleted"];
CHANGES.push("workspace.changed", "workspace.deleted");
// What changes it if it is told of the reader.
const OWN = ["chat", "workspace"].flatMap((what) => [`${what}.member_added`, `${what}.member_removed`]);
OWN.push("workspace.role_changed");

/** Names that are cut off have a tooltip; all are measured first, which is one layout. */
function titleCutNames() {
  const names = rooms().map((room) => room.querySelector(".room-name"));
  const isCut = names.map((name) => name.scrollWidth > name.clientWidth);
  names.forEach((name, index) => {
    if (isCut[index] && name.title !== name.textContent) name.title = name.textContent;
    else if (!isCut[index] && name.hasAttribute("title")) name.removeAttribute("title");
  });
}

/** Remember what of the list has the focus; returns a function that sets it again in the list that replaces it. */
function placeOfFocus() {
  const focused = document.activeElement;
  const room = focused?.closest?.("#sidebar-list li")?.querySelector("a.room");
  if (!room) return () => {};
  return () => {
    const next = roomOf(room.dataset.chatId);
    if (focused !== room) next?.after(focused); // the star
    (focused === room ? next : focused)?.focus({ preventScroll: true });
  };
}

/**
 * Start it. `open.chatId` is the open chat, "" for none; `userId` the reader. Returns {refresh, refreshCounts, changedHere,
 * counted}: fetch the list again; fetch what the menu says of other workspaces; something was shown that an answer on its
 * way may not have; a chat's counts were shown. After each answer "sidebar.shown" tells the page.
 */
export function startSidebar({ open, userId, outbox, toasts, clock, signal }) {
  const pane = document.getElementById("sidebar");
  const placed = perFrame(() => more.show(), signal);
  const more = new MoreUnread({ pane, signal });
  const list = new RoomList({ pane, onShow: placed, signal });
  const filter = new Filter({ pane, list, onShow: placed, signal });
  const marks = new Marks({ userId, outbox, signal });
  pane.addEventListener("scroll", placed, { passive: true, signal });
  const sizes = new ResizeObserver(() => {
    titleCutNames();
    placed();
  });
  sizes.observe(pane);
  signal.addEventListener("abort", () => sizes.disconnect());

  const path = (part = "") => {
    const workspaceId = document.getElementById("sidebar-list").dataset.workspaceId ?? "";
    return `/sidebar/?chat=${open.chatId}&workspace=${workspaceId}${part}`;
  };
  const show = (html) => {
    const [before, refocus, { scrollTop }] = [list.shown(), placeOfFocus(), pane];
    replaceParts(html);
    list.replaced();
    list.open(open.chatId);
    list.arrange({ before });
    filter.apply();
    marks.show();
    titleCutNames();
    pane.scrollTop = scrollTop;
    refocus();
    emit("sidebar.shown", {});
  };
  const refetch = new Refetch({ load: () => fetchPart(path(), signal), show, settle: SETTLE, clock });
  const counts = new Refetch({
    load: () => fetchPart(path("&part=menu"), signal),
    show: (html) => {
      replaceParts(html);
      emit("sidebar.shown", {});
    },
    settle: MENU_SETTLE,
    clock,
  });
  new Favourites({
    pane,
    toasts,
    onChange: () => {
      refetch.changedHere();
      list.arrange({ isAsked: true });
    },
    signal,
  });
  follow({ refetch, userId, signal });
  const opened = ({ chat_id: chatId }) => {
    if (roomOf(chatId) === null) refetch.refresh(); // of another workspace, or new
    list.open(chatId);
  };
  on("chat.opened", opened, signal);
  titleCutNames();
  placed();
  return {
    refresh: () => refetch.refresh(),
    refreshCounts: () => counts.refresh(),
    changedHere: () => refetch.changedHere(),
    counted: (room, isMore) => {
      if (isMore) list.bump(room);
      list.arrange();
    },
  };
}

function follow({ refetch, userId, signal }) {
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
}
