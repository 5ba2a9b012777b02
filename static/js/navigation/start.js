// Links to chats, back and forward, within one page.
import { startChat } from "../chat/start.js";
import { paced } from "../lib/paced.js";
import { fetchPart } from "../net/fetch-page.js";
import { addressOf, chatAddress, followed } from "./address.js";
import { followForms, sendForm } from "./forms.js";
import { Navigator } from "./navigator.js";
import { Prefetch } from "./prefetch.js";
import { Recent } from "./recent.js";

/** Start the chat that the page shows, if it is one's, and open others in its place; `app` is what startApp returns. */
export function startNavigation(app) {
  const { signal, clock, socket } = app;
  const userId = document.body.dataset.userId ?? "";
  const recent = new Recent({ socket, userId, signal });
  const prefetch = new Prefetch({
    load: fetchPart,
    isAllowed: (chatId) => socket.isOpen && navigator.connection?.saveData !== true && !guide.isAtHand(chatId),
    clock,
    signal,
  });
  const load = (path, loading) => prefetch.take(path, loading);
  const guide = new Navigator({ app, startChat, recent, load, userId });
  app.navigate = (href) => guide.navigate(href);
  const listen = (target, type, handler) => target.addEventListener(type, handler, { signal });
  listen(document, "click", (event) => {
    const link = followed(event);
    if (link === null || chatAddress(addressOf(link)) === null) return;
    event.preventDefault();
    // The second click of a double one would leave the first unread message for the end, or meet another chat that has moved there.
    if (event.detail <= 1) guide.navigate(addressOf(link).href);
  });
  /** The chat that a pointer is at, as prefetch.js takes it. */
  const pointed = ({ target }) => {
    const link = target.closest?.("a[href]") ?? null;
    return link && chatAddress(addressOf(link));
  };
  listen(document, "pointerover", (event) => {
    if (event.pointerType === "mouse") prefetch.hover(pointed(event));
  });
  listen(document, "pointerdown", (event) => {
    const to = event.button === 0 ? pointed(event) : null;
    if (to !== null) prefetch.press(to);
  });
  followForms({ guide, prefetch, send: (form) => sendForm(form, signal), signal });
  listen(window, "popstate", ({ state }) => guide.popped(state));
  // In time for a reload; where the browser does not tell, it is what was noted after scrolling.
  listen(window, "beforeunload", () => guide.rememberPlace());
  const scrolled = paced(() => guide.rememberPlace(), { settle: 250, every: 500, clock });
  document.addEventListener("scroll", scrolled, { capture: true, passive: true, signal });
}
