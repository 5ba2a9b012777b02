// Asks before the tab is closed while something has not been sent. Links within Flowra do not ask: the next page sends.

/** `isSafe()`: whether all that was written outlives the page; `isWaiting()`: whether some of it is still to be sent. */
export function askBeforeLeaving({ isSafe, isWaiting, signal }) {
  let isMovingOn = false;
  // Comes just before "beforeunload". A browser that does not know it asks on every way out.
  window.navigation?.addEventListener("navigate", ({ destination }) => {
    isMovingOn = !destination.sameDocument && new URL(destination.url).origin === location.origin;
  }, { signal });
  window.addEventListener("beforeunload", (event) => {
    if (!isSafe() || (isWaiting() && !isMovingOn)) event.preventDefault();
    isMovingOn = false;
  }, { signal });
}
