// Links to chats, back and forward, within one page.
import { startChat } from "../chat/start.js";
import { addressOf, chatAddress, followed } from "./address.js";
import { Navigator } from "./navigator.js";
import { Recent } from "./recent.js";

/** Start the chat that the page shows, if it is one's, and open others in its place; `app` is what startApp returns. */
export function startNavigation(app) {
  const { signal, socket } = app;
  const userId = document.body.dataset.userId ?? "";
  const navigator = new Navigator({ app, startChat, recent: new Recent({ socket, userId, signal }) });
  app.navigate = (href) => navigator.navigate(href);
  document.addEventListener("click", (event) => {
    const link = followed(event);
    if (link === null || chatAddress(addressOf(link)) === null) return;
    event.preventDefault();
    navigator.navigate(addressOf(link).href);
  }, { signal });
  window.addEventListener("popstate", ({ state }) => navigator.popped(state), { signal });
  window.addEventListener("pagehide", () => navigator.rememberPlace(), { signal });
}
