// Presence on the page of a chat: the member list, its snapshot and the changes the socket tells.
import { on } from "../lib/bus.js";
import { MembersView } from "./members-view.js";
import { Presence } from "./presence.js";
import { PresenceSource } from "./snapshot.js";
import { callApi } from "../net/rest.js";

/** Show the members and, where `isEnabled`, who is online; returns the list. `onOffline(userIds)` see MembersView. */
export function startMembers({ chatId, userId, htmx, isEnabled, clock, onOffline }) {
  if (!isEnabled) return new MembersView({ htmx, chatId, userId, presence: null, clock });
  const presence = new Presence();
  let isShown = false; // the first snapshot corrects the page, which is no change: nothing glides
  const lose = () => {
    presence.lose();
    members.show();
  };
  const source = new PresenceSource({
    load: () => callApi("GET", `/chats/${chatId}/presence`),
    onSnapshot: (entries) => {
      presence.snapshot(entries);
      members.show(undefined, { animate: isShown });
      isShown = true;
    },
    onUnknown: lose,
    isVisible: () => document.visibilityState === "visible",
    clock,
    random: Math.random,
  });
  const members = new MembersView({ htmx, chatId, userId, presence, clock, onOffline, onStale: () => source.refresh() });
  const here = (type, handler) =>
    on(type, (frame) => {
      if (frame.chat_id === chatId) handler(frame);
    });
  const change = (entries) => members.show(presence.apply(entries), { animate: true });
  here("presence.changed", (frame) => change([frame]));
  here("presence.diff", ({ online, offline }) => change([...online, ...offline]));
  here("ack", ({ action }) => {
    if (action === "subscribed") source.subscribed();
  });
  here("subscribe.refused", () => source.stop());
  on("chat.gone", () => {
    source.stop();
    lose(); // the reader may not know any more
  });
  on("welcome", ({ presence_enabled }) => {
    if (presence_enabled) return;
    source.stop();
    lose();
  });
  on("socket.state", ({ name, state }) => {
    if (name === "connected" || state === "syncing") return;
    source.pause();
    presence.hold();
  });
  // What was known a moment ago may not be so any more. Before the first connection the page has just been made; and one
  // that is being left shows what it has.
  let wasConnected = false;
  on("connection.shown", ({ name, state, attempt }) => {
    if (name !== "connected" && state !== "stopped" && (wasConnected || attempt > 0)) {
      lose();
      presence.hold(); // until the snapshot after the next subscription, whatever a list says that is fetched before
    }
    wasConnected ||= name === "connected";
  });
  document.addEventListener("visibilitychange", () => source.becameVisible());
  return members;
}
