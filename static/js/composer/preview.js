// What a message will look like, shown above the box when somebody asks for it; the server renders it, as it will later.
import { text } from "../lib/text.js";

const ANSWER_WITHIN = 10000; // ms

export class Preview {
  /**
   * `button` is the form's own for it, with the address; `panel` shows it, after `complete(panel)` did what the page adds to
   * every message; `onFault(words)` says why there is none.
   */
  constructor({ button, panel, area, complete, onFault, signal }) {
    Object.assign(this, { button, panel, area, complete, onFault });
    this.asked = null; // AbortController of the request that runs
    button.addEventListener("click", (event) => {
      event.preventDefault();
      this.toggle();
    }, { signal });
    signal.addEventListener("abort", () => this.close());
    area.addEventListener("input", () => this.close(), { signal }); // it shows what was, until it is asked for again
  }

  get isOpen() {
    return !this.panel.hidden;
  }

  toggle() {
    this.area.focus();
    if (this.isOpen || this.asked !== null) this.close();
    else if (this.area.value.trim() !== "") this.load();
  }

  close() {
    this.asked?.abort();
    this.asked = null;
    this.panel.hidden = true;
    this.panel.classList.remove("message-body");
    this.panel.replaceChildren();
    this.button.setAttribute("aria-pressed", "false");
  }

  async load() {
    const asked = new AbortController();
    this.asked = asked;
    let html = null;
    let fault = text("network");
    try {
      const response = await fetch(this.button.formAction, {
        method: "POST",
        credentials: "same-origin",
        headers: { "X-Requested-With": "fetch" },
        body: new URLSearchParams({ body: this.area.value, csrfmiddlewaretoken: this.area.form.elements.csrfmiddlewaretoken.value }),
        signal: AbortSignal.any([asked.signal, AbortSignal.timeout(ANSWER_WITHIN)]),
      });
      const answer = await response.text();
      const isOurs = response.headers.get("X-Preview") !== null; // not a proxy's page, or the one to sign in
      if (isOurs && response.ok) html = answer;
      else fault = isOurs ? answer : text("refused");
    } catch (error) {
      if (error.name !== "AbortError" && error.name !== "TimeoutError" && !(error instanceof TypeError)) throw error;
    }
    if (this.asked !== asked) return; // somebody writes on, or has sent it
    this.asked = null;
    if (html === null) this.onFault(fault);
    else this.show(html);
  }

  show(html) {
    this.panel.classList.add("message-body"); // only as long as it shows one
    this.panel.innerHTML = html;
    this.complete(this.panel);
    this.panel.hidden = false;
    this.button.setAttribute("aria-pressed", "true");
  }
}
