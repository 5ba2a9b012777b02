// The addresses of chats, and the clicks on links to them that stay within the page.

const CHAT = /^\/chats\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/$/;
const MESSAGE = /^#message-(\d+)$/;
const LIST = "#sidebar"; // of chats, on a phone: shell/drawers.js

/**
 * What an address of a chat asks for: {chatId, seq, isList, path, href}; `seq` is of the message to be shown, null where none is
 * named, `path` where the server has the chat's part with it; `isList`: whether the list of chats lies over it. Returns
 * null for every other address, also for parts and pages below a chat's.
 */
export function chatAddress(url) {
  const chatId = CHAT.exec(url.pathname)?.[1];
  if (chatId === undefined || !(["", LIST].includes(url.hash) || MESSAGE.test(url.hash))) return null;
  if ([...url.searchParams.keys()].some((name) => name !== "at")) return null;
  const seq = Number(MESSAGE.exec(url.hash)?.[1] ?? url.searchParams.get("at")) || null;
  return { chatId, seq, isList: url.hash === LIST, path: pathOf(chatId, seq), href: url.pathname + url.search + url.hash };
}

/** Where the server has a chat with the message `seq`; with null as it opens by itself. */
export function pathOf(chatId, seq) {
  return `/chats/${chatId}/${seq === null ? "" : `?at=${seq}`}`;
}

/** The address that a link leads to. Those within a message name no chat: theirs is meant, whatever the page's address is. */
export function addressOf(link) {
  const href = link.getAttribute("href");
  const chatId = href.startsWith("?") || href.startsWith("#message-") ? link.closest("main")?.dataset.chatId : undefined;
  return new URL(href, chatId === undefined ? location.href : new URL(`/chats/${chatId}/`, location.href));
}

/** The link of a plain click that the browser would follow in this tab; null for every other click. */
export function followed(event) {
  if (event.defaultPrevented || event.button !== 0) return null;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return null;
  const link = event.target.closest?.("a[href]") ?? null;
  if (link === null || link.hasAttribute("download") || link.hasAttribute("data-dialog")) return null;
  // What people write leads out of the page, but to a chat.
  if (!["", "_self"].includes(link.target) && link.closest(".message-body") === null) return null;
  return addressOf(link).origin === location.origin ? link : null;
}
