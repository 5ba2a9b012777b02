// The dot in the navbar: what the connection is doing, and a click to try again.
import { text } from "../lib/text.js";

const BLINK = 1000; // ms: a loss that is over by then is not shown
const SECOND = 1000; // ms

/** What the dot means, in words. */
export function describe({ name, state, attempt, most }) {
  if (name === "connected") return text("connected");
  if (name === "connecting") return attempt > 0 ? text("connecting", { attempt, most }) : text("connecting_first");
  return text(state === "auth_lost" ? "signed_out" : "disconnected");
}

/** The same for screen readers, without the number of the attempt. */
export function sentence(state) {
  return state.name === "connecting" ? text("reconnecting") : describe(state);
}

export class StatusDot {
  /**
   * `onClick()` is called on a click, Enter and Space; `onShown(state)` when the dot changes, with the state (socket.js)
   * that it shows now.
   */
  constructor({ button, clock, signal, onClick, onShown }) {
    Object.assign(this, { button, clock, onShown });
    this.tooltip = button.querySelector(".tooltip");
    this.shown = null; // the state that is shown
    this.latest = null; // the state that is
    this.blink = null; // the timer of a loss that is not shown yet
    this.countdown = null;
    button.hidden = false;
    button.addEventListener("click", onClick, { signal });
    for (const type of ["pointerenter", "focus", "click"]) {
      button.addEventListener(type, () => this.tooltip.classList.remove("dismissed"), { signal });
    }
  }

  /** Close the tooltip until somebody comes to the button anew. */
  dismiss() {
    this.tooltip.classList.add("dismissed");
  }

  show(state) {
    this.latest = state;
    if (state.name === "connecting" && this.shown?.name === "connected") {
      this.blink ??= this.clock.setTimeout(() => this.paint(), BLINK);
    } else {
      this.paint();
    }
  }

  paint() {
    this.clock.clearTimeout(this.blink);
    this.blink = null;
    const [state, before] = [this.latest, this.shown];
    const words = describe(state);
    this.shown = state;
    this.button.dataset.state = state.name;
    this.button.querySelector(".status-dot").className = `status-dot ${state.name}`;
    this.tooltip.firstElementChild.textContent = words;
    this.button.setAttribute("aria-label", words);
    this.count();
    if (state.name !== before?.name || state.state !== before.state) this.onShown(state);
  }

  /** Seconds to the next try: seen, never spoken. */
  count() {
    this.clock.clearTimeout(this.countdown);
    const { retryAt } = this.shown;
    const left = retryAt === null ? 0 : retryAt - this.clock.now();
    const seconds = Math.ceil(left / SECOND);
    this.tooltip.lastElementChild.textContent = seconds > 0 ? text("next_try", { seconds }) : "";
    if (seconds > 0) this.countdown = this.clock.setTimeout(() => this.count(), left - (seconds - 1) * SECOND + 1);
  }
}
