// The dot in the navbar: what the connection is doing, and a click to try again.
import { text } from "./text.js";

function describe({ name, reason, attempt, most }) {
  if (name === "connected") return text("connected");
  if (name === "connecting") return attempt > 0 ? text("connecting", { attempt, most }) : text("connecting_first");
  return text(reason === "auth" ? "signed_out" : "disconnected");
}

export class StatusView {
  /** `onRetry()` is called on a click. */
  constructor(button, announcer, onRetry) {
    this.button = button;
    this.announcer = announcer;
    this.state = null;
    button.hidden = false;
    button.addEventListener("click", () => {
      if (this.state === "auth") location.assign(`/accounts/login/?next=${encodeURIComponent(location.pathname)}`);
      else onRetry();
    });
    const tooltip = button.querySelector(".tooltip");
    button.addEventListener("keydown", (event) => tooltip.classList.toggle("dismissed", event.key === "Escape"));
    button.addEventListener("pointerenter", () => tooltip.classList.remove("dismissed"));
    button.addEventListener("blur", () => tooltip.classList.remove("dismissed"));
  }

  show(state) {
    const words = describe(state);
    const before = this.button.dataset.state;
    const wasConnected = this.state !== null && before === "connected";
    this.state = state.reason || state.name;
    this.button.dataset.state = state.name;
    this.button.querySelector(".status-dot").className = `status-dot ${state.name}`;
    this.button.querySelector(".tooltip").textContent = words;
    this.button.setAttribute("aria-label", words);
    // Spoken are changes only, and not the first connection of a page.
    if (before !== state.name && (wasConnected || state.name !== "connecting") && this.spoken) {
      this.announcer.textContent = words;
    }
    this.spoken = this.spoken || state.name === "connected";
  }
}
