// Presence on the page of a chat: the member list, its snapshot and the changes the socket brings.
import { on } from "../lib/bus.js";
import { callApi } from "../net/rest.js";
import { MembersView } from "./members-view.js";
import { Presence } from "./presence.js";
import { PresenceSource } from "./snapshot.js";

/**
 * Show the members and, where `isEnabled`, who is online; returns the list. `here(type, handler)` takes the frames of this
 * chat, see onChat. `onOffline(userIds)` and `onFailed()` see MembersView.
 */
export function startMembers({ chatId, userId, isEnabled, here, clock, signal, onOffline, onFailed }) {
  const view = { chatId, userId, here, clock, signal, onFailed };
  if (!isEnabled) return new MembersView({ ...view, presence: null });
  const presence = new Presence();
  let isShown = false; // the first snapshot corrects the page, which is no change: nothing glides
  const lose = () => {
    presence.lose();
    members.show();
  };
  const source = new PresenceSource({
    load: () => callApi("GET", `/chats/${chatId}/presence`, undefined, signal),
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
  const members = new MembersView({ ...view, presence, onOffline, onStale: () => source.refresh() });
  const change = (entries, { online_count }) => {
    members.countOnline(online_count);
    members.show(presence.apply(entries), { animate: true });
  };
  here("presence.changed", (frame) => change([frame], frame));
  here("presence.diff", (frame) => change([...frame.online, ...frame.offline], frame));
  here("ack", ({ action, online_count }) => {
    if (action !== "subscribed") return;
    members.countOnline(online_count);
    source.subscribed();
  });
  here("subscribe.refused", () => source.stop());
  const end = () => {
    source.stop();
    lose(); // the reader may not know any more
  };
  on("chat.gone", end, signal);
  const greeted = ({ presence_enabled }) => {
    if (!presence_enabled) end();
  };
  on("welcome", greeted, signal);
  const stateChanged = ({ name, state }) => {
    if (name === "connected" || state === "syncing") return;
    source.pause();
    presence.hold();
  };
  on("socket.state", stateChanged, signal);
  // What was known a moment ago may not be so any more. Before the first connection the page has just been made; and one
  // that is being left shows what it has.
  let wasConnected = false;
  const dotShown = ({ name, state, attempt }) => {
    if (name !== "connected" && state !== "stopped" && (wasConnected || attempt > 0)) {
      lose();
      presence.hold(); // until the snapshot after the next subscription, whatever a list says that is fetched before
    }
    wasConnected ||= name === "connected";
  };
  on("connection.shown", dotShown, signal);
  document.addEventListener("visibilitychange", () => source.becameVisible(), { signal });
  signal.addEventListener("abort", () => source.stop());
  return members;
}
