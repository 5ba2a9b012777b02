// Forms that lead to a chat: a person of the quick switcher, a notification, a dialog that creates a chat.
import { chatAddress } from "./address.js";

const LEADING = /^\/(people\/[^/]+\/chat|notifications\/[0-9a-f-]{36})\/$/; // chats/urls.py: they redirect to a chat

/**
 * Open within the page the chats that forms lead to. `guide` see navigator.js, `prefetch` see prefetch.js; `send(form)` returns a
 * promise of {url, html}, the chat's part; where it rejects the browser sends the form.
 */
export function followForms({ guide, prefetch, send, signal }) {
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post" || !LEADING.test(new URL(form.action).pathname)) return;
    event.preventDefault();
    try {
      const { url, html } = await send(form);
      const to = chatAddress(url);
      if (to !== null) prefetch.put(to, html);
      guide.navigate(url.href);
    } catch {
      form.submit(); // to do it twice does no harm
    }
  }, { signal });
  // htmx would load the page of a chat that a dialog has made. The open one is loaded anew, with what the server says to it.
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    const href = event.detail.xhr.getResponseHeader("HX-Redirect");
    const to = href && chatAddress(new URL(href, location.href));
    if (!to || to.chatId === guide.chat?.chatId) return;
    event.preventDefault();
    guide.navigate(href);
  }, { signal });
}

/** Send a form, and follow its redirect to the part of a chat's page; returns {url, html}, rejects for any other answer. */
export async function sendForm(form, signal) {
  const body = new URLSearchParams([...form.elements].filter(isSent).map(({ name, value }) => [name, value]));
  const headers = { "X-Requested-With": "fetch" };
  const response = await fetch(form.action, { method: "POST", credentials: "same-origin", headers, body, signal });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  const url = new URL(response.url); // without the fragment that the redirect had
  if (url.searchParams.has("at")) url.hash = `message-${url.searchParams.get("at")}`;
  return { url, html: await response.text() };
}

/** Whether a browser sends this element's value with its form, whose button has none to tell. */
function isSent({ name, type, checked, disabled }) {
  return Boolean(name) && !disabled && type !== "submit" && type !== "button" && (checked || !["checkbox", "radio"].includes(type));
}
