// How the reader wants the list of chats: a cookie, so that the server renders it so at once.
// chats/views/room_list.py reads it.
const COOKIE = "flowra_rooms";
const AGE = 365 * 24 * 3600; // s
const UNREAD_FIRST = "unread-first";

/** Remember {unreadFirst, folded (names of sections)} in this browser. */
export function rememberStyle({ unreadFirst, folded }) {
  const words = [...(unreadFirst ? [UNREAD_FIRST] : []), ...folded].join(".");
  document.cookie = `${COOKIE}=${words}; Path=/; Max-Age=${AGE}; SameSite=Lax${location.protocol === "https:" ? "; Secure" : ""}`;
}
