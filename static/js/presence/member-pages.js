// The list of members as the server writes it: searched, loaded page by page, and fetched again when it has changed.
import { isComposing } from "../lib/keys.js";
import { paced } from "../lib/paced.js";
import { announceLoaded, fetchPart, PageError, parsePage } from "../net/fetch-page.js";
import { Refetch } from "../net/refetch.js";

const SETTLE = 300; // ms: a hundred people added at once are one request
const TYPED = 150; // ms without another key before the server is asked
const PAGE = 32; // members; presence/selectors.py has it too
const MOST = 300; // rows that are fetched again at once; chats/views/forms.py has it too
const NEAR = "0px 0px 100px"; // how near the end of the list is when more are loaded
const ROOT = "member-list";

export class MemberPages {
  /**
   * `pane` is the element that scrolls and holds the list. `onShown()` is called after other rows stand in it, `onFailed()`
   * where the reader asked for something that cannot be had.
   */
  constructor({ chatId, pane, clock, signal, onShown, onFailed }) {
    Object.assign(this, { chatId, signal, onShown, onFailed });
    this.search = this.form?.querySelector("input").value.trim() ?? "";
    this.wanted = this.list.childElementCount;
    this.running = null; // AbortController of the latest request, which all others give way to
    this.refetch = new Refetch({ load: () => this.load(this.path()), show: (html) => this.replace(html), settle: SETTLE, clock });
    const end = new IntersectionObserver((entries) => {
      if (entries.at(-1).isIntersecting) this.more(() => {});
    }, { root: pane, rootMargin: NEAR });
    this.watchEnd = () => {
      end.disconnect(); // observed anew, it says so where the end is still in sight
      end.observe(this.foot);
    };
    signal.addEventListener("abort", () => end.disconnect());
    pane.addEventListener("click", (event) => this.clicked(event), { signal });
    this.watchSearch(clock);
    this.watchEnd();
  }

  get root() {
    return document.getElementById(ROOT);
  }

  get list() {
    return this.root.querySelector("ul");
  }

  get foot() {
    return this.root.querySelector(".member-foot");
  }

  /** The search; null in direct chats. */
  get form() {
    return this.root.querySelector(".member-search");
  }

  get link() {
    return this.foot.querySelector(".member-more");
  }

  /** Whether the chat has members whom the page does not list. */
  get isPartial() {
    return Number(this.root.dataset.total) > this.list.childElementCount;
  }

  /** Fetch again, soon, what is shown. */
  refresh() {
    this.refetch.refresh();
  }

  /** The page knows something that an answer on its way may not have. */
  changedHere() {
    this.refetch.changedHere();
  }

  path() {
    const rows = Math.min(Math.max(Math.ceil(this.wanted / PAGE) * PAGE, PAGE), MOST);
    return `/chats/${this.chatId}/members/?${new URLSearchParams({ rows, search: this.search })}`;
  }

  /** Fetch a part of the list, in place of whatever is being fetched; throws PageError. */
  load(path) {
    this.running?.abort();
    this.running = new AbortController();
    return fetchPart(path, AbortSignal.any([this.signal, this.running.signal]));
  }

  /** As `load`, for the reader: what it fails with is told by `onFailed`. */
  async ask(path, show, onFailed = this.onFailed) {
    const asking = this.load(path);
    const { running } = this;
    try {
      show(await asking);
    } catch (error) {
      if (!(error instanceof PageError)) throw error;
      if (!this.signal.aborted && running === this.running) onFailed();
    }
  }

  /** Load the next page, if there is one and nothing else is on its way. */
  async more(onFailed) {
    if (this.link === null || this.isLoading) return;
    this.isLoading = true;
    this.wanted = this.list.childElementCount + PAGE;
    await this.ask(this.link.getAttribute("href"), (html) => this.append(html), onFailed);
    this.isLoading = false;
  }

  clicked(event) {
    const link = event.target.closest(".member-more");
    if (link === null || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    this.more(this.onFailed);
  }

  /** Have the list follow what is typed into the search. */
  watchSearch(clock) {
    const { form, signal } = this;
    if (form === null) return;
    form.querySelector("button").hidden = true; // it is for browsers without scripts
    const field = form.querySelector("input");
    const look = () => {
      const search = field.value.trim();
      if (search === this.search) return;
      Object.assign(this, { search, wanted: PAGE });
      this.ask(this.path(), (html) => this.replace(html));
    };
    const soon = paced(look, { settle: TYPED, every: TYPED, clock });
    field.addEventListener("input", soon, { signal });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      look();
    }, { signal });
    field.addEventListener("keydown", (event) => {
      if (isComposing(event) || event.key !== "Escape" || field.value === "") return;
      event.preventDefault();
      event.stopPropagation(); // it empties the field, and nothing else
      field.value = "";
      look();
    }, { signal });
  }

  /** Show the list that was fetched; what the reader types stays, and so do rows after those that it has. */
  replace(html) {
    const fresh = parsePage(html).getElementById(ROOT);
    const { root, list } = this;
    for (const name of ["total", "presence", "online"]) {
      if (fresh.dataset[name] === undefined) delete root.dataset[name];
      else root.dataset[name] = fresh.dataset[name];
    }
    root.querySelector(".member-count").textContent = fresh.querySelector(".member-count").textContent;
    root.querySelector(".sprite")?.remove();
    root.append(...fresh.querySelectorAll(".sprite"));
    const { form } = this;
    if (form !== null) form.hidden = fresh.querySelector(".member-search").hidden && this.search === "";
    const focused = list.contains(document.activeElement) ? document.activeElement.closest(".member-item").dataset.userId : null;
    const rows = [...fresh.querySelector("ul").children];
    const isCut = rows.length >= MOST && list.childElementCount > MOST;
    const ids = new Set(rows.map(({ dataset }) => dataset.userId));
    const rest = isCut ? [...list.children].slice(MOST).filter(({ dataset }) => !ids.has(dataset.userId)) : [];
    list.replaceChildren(...rows, ...rest);
    if (!isCut) this.showFoot(fresh);
    if (focused !== null) list.querySelector(`[data-user-id="${focused}"] a`)?.focus({ preventScroll: true });
    this.shown();
  }

  /** Add the page that was fetched to the list. */
  append(html) {
    const fresh = parsePage(html).getElementById(ROOT);
    const { list } = this;
    const ids = new Set([...list.children].map(({ dataset }) => dataset.userId));
    // Who came online meanwhile has moved to another page.
    list.append(...[...fresh.querySelector("ul").children].filter(({ dataset }) => !ids.has(dataset.userId)));
    this.showFoot(fresh);
    this.shown();
  }

  showFoot(fresh) {
    const { foot, list } = this;
    const other = fresh.querySelector(".member-foot");
    const isFocused = foot.contains(document.activeElement);
    foot.hidden = other.hidden;
    foot.querySelector("p").textContent = other.querySelector("p").textContent.trim();
    const link = other.querySelector(".member-more");
    if (this.link !== null && link !== null) this.link.href = link.getAttribute("href");
    else {
      this.link?.remove();
      if (link !== null) foot.append(link);
    }
    if (!isFocused || this.link !== null) return;
    list.tabIndex = -1; // all are shown: whoever pressed the button stays in the list
    list.focus({ preventScroll: true });
  }

  shown() {
    announceLoaded(this.root);
    this.watchEnd();
    this.onShown();
  }
}
