// Presence on the page of a chat: the list of its members, and how many of them are online.
import { on } from "../lib/bus.js";
import { MembersView } from "./members-view.js";

/**
 * Show the members and, where `isEnabled`, who is online, as `watch` knows it; returns the list. `here(type, handler)` takes the
 * frames of this chat, see onChat. `onOffline(userIds)` and `onFailed()` see MembersView.
 */
export function startMembers({ watch, isEnabled, here, signal, ...options }) {
  const members = new MembersView({ ...options, watch: isEnabled ? watch : null, here, signal });
  if (!isEnabled) return members;
  here("presence.count", ({ online_count }) => members.countOnline(online_count));
  here("ack", ({ action, online_count }) => {
    if (action === "subscribed") members.countOnline(online_count);
  });
  on("presence.known", ({ userIds }) => members.know(userIds), signal);
  on("chat.gone", () => members.end(), signal);
  return members;
}
