// How the reader wants the list of chats: a cookie, so that the server renders it so at once; other tabs are told.
// chats/views/room_list.py reads it.
const COOKIE = "flowra_rooms";
const AGE = 365 * 24 * 3600; // s
const UNREAD_FIRST = "unread-first";

export class ListStyle {
  /** `onChange({unreadFirst, folded})` is called with what another tab has chosen. */
  constructor({ onChange, signal }) {
    this.channel = new BroadcastChannel(COOKIE);
    this.channel.addEventListener("message", ({ data }) => onChange(data));
    signal.addEventListener("abort", () => this.channel.close());
  }

  /** Remember {unreadFirst, folded (names of sections)} in this browser. */
  remember(style) {
    const words = [...(style.unreadFirst ? [UNREAD_FIRST] : []), ...style.folded].join(".");
    document.cookie = `${COOKIE}=${words}; Path=/; Max-Age=${AGE}; SameSite=Lax${location.protocol === "https:" ? "; Secure" : ""}`;
    this.channel.postMessage(style);
  }
}
