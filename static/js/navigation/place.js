// Which chat was opened last, for the server: the next page that names no chat leads there.

const COOKIE = "flowra_place"; // chats/views/base.py reads it

/** Remember a chat that was opened; `bootstrap` is what the server says of it. It takes no request. */
export function rememberOpened({ workspace_id: workspaceId, chat_id: chatId }) {
  write(`${workspaceId}.${chatId}`);
}

/** The page was loaded without a chat: the server knows best where its reader is. */
export function forgetOpened() {
  write("; Max-Age=0");
}

function write(value) {
  document.cookie = `${COOKIE}=${value}; Path=/; SameSite=Lax${location.protocol === "https:" ? "; Secure" : ""}`;
}
