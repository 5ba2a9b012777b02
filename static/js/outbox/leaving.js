// Asks before the tab is closed while something has not been sent. Moving on within Flowra asks nothing: the next page sends.

export class Leaving {
  /** `isSafe()`: whether all that was written outlives the page; `isWaiting()`: whether some of it is still to be sent. */
  constructor({ isSafe, isWaiting }) {
    Object.assign(this, { isSafe, isWaiting });
    this.isMovingOn = false;
  }

  start() {
    // Comes just before "beforeunload". A browser that does not know it asks on every way out.
    window.navigation?.addEventListener("navigate", ({ destination }) => {
      this.isMovingOn = !destination.sameDocument && new URL(destination.url).origin === location.origin;
    });
    window.addEventListener("beforeunload", (event) => {
      if (!this.isSafe() || (this.isWaiting() && !this.isMovingOn)) event.preventDefault();
      this.isMovingOn = false;
    });
  }
}
