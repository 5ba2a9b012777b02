// Pages of ours, and parts of them, as HTML.

const ANSWER_WITHIN = 20000; // ms
const SIGN_IN = "/accounts/login/";

/**
 * The page could not be had; `status` is HTTP's, 0 without an answer, and where the answer is another page's. `retryAfter`: in how
 * many seconds to ask again, 0 where the server does not say; `isSignedOut`: whether the answer was the sign-in page.
 */
export class PageError extends Error {
  constructor(status, { cause, retryAfter = 0, isSignedOut = false } = {}) {
    super(`HTTP ${status}`, { cause });
    Object.assign(this, { status, retryAfter, isSignedOut });
  }
}

/** Fetch the HTML of a page; throws PageError, also when `signal` is aborted. */
export async function fetchPage(path, signal, headers = {}) {
  let response;
  let html;
  try {
    response = await fetch(path, {
      credentials: "same-origin",
      headers,
      signal: AbortSignal.any([AbortSignal.timeout(ANSWER_WITHIN), signal]),
    });
    html = await response.text();
  } catch (error) {
    throw new PageError(0, { cause: error });
  }
  if (!response.ok) throw new PageError(response.status, { retryAfter: Number(response.headers.get("Retry-After")) || 0 });
  if (response.redirected) throw new PageError(0, { isSignedOut: new URL(response.url).pathname === SIGN_IN });
  return html;
}

/** Fetch the part of a page that its address gives to scripts; throws PageError as fetchPage. */
export function fetchPart(path, signal) {
  return fetchPage(path, signal, { "X-Requested-With": "fetch" });
}

/** A document of the HTML, which loads and runs nothing. */
export function parsePage(html) {
  return new DOMParser().parseFromString(html, "text/html");
}

/** Put each element of the HTML in the place of the element with the same id, which keeps the focus if it has it. */
export function replaceParts(html) {
  for (const fresh of [...parsePage(html).body.children]) {
    const old = document.getElementById(fresh.id);
    if (old === null) continue;
    const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    old.replaceWith(fresh);
    if (focused !== "") document.getElementById(focused)?.focus({ preventScroll: true });
    announceLoaded(fresh);
  }
}

/** Tell the page of a new element, as htmx does for those that it puts there. */
export function announceLoaded(element) {
  element.dispatchEvent(new CustomEvent("htmx:load", { detail: { elt: element }, bubbles: true }));
}
