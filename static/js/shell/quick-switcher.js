// The quick switcher: Ctrl+K, type, choose with the arrow keys. What the page knows of its chats it offers at once; people,
// messages and chats of other workspaces come from the server.
import { on } from "../lib/bus.js";
import { nameMatcher } from "../lib/folding.js";
import { isComposing } from "../lib/keys.js";
import { text } from "../lib/text.js";
import { announceLoaded, fetchPart, PageError, parsePage } from "../net/fetch-page.js";
import { Opened, offered } from "../sidebar/opened.js";
import { nameOf, rooms } from "../sidebar/room-list.js";

const SETTLE = 120; // ms
const MOST_KNOWN = 8; // chats of the list that are offered at once

const items = () => [...document.querySelectorAll("#jump-results .jump-item")];
const activeItem = () => document.querySelector("#jump-results .jump-item.active");

function activate(item) {
  for (const other of items()) other.classList.toggle("active", other === item);
  item?.scrollIntoView({ block: "nearest" });
  // The focus stays in the field, so nothing else tells a screen reader what Enter would open, or that nothing was found.
  document.getElementById("jump-active").textContent = spoken(item ?? document.getElementById("jump-results"));
}

/** What an element says to those who do not see it. */
function spoken(element) {
  const copy = element.cloneNode(true);
  for (const mute of copy.querySelectorAll("[aria-hidden=true]")) mute.remove();
  for (const image of copy.querySelectorAll("[role=img]")) image.textContent = image.title;
  // Parts that stand side by side are words of their own: "Epic" and the title.
  const words = document.createTreeWalker(copy, NodeFilter.SHOW_TEXT);
  const said = [];
  while (words.nextNode()) said.push(words.currentNode.data);
  return said.join(" ").trim().replace(/\s+/g, " ");
}

function step(by) {
  const all = items();
  if (all.length > 0) activate(all[(all.indexOf(activeItem()) + by + all.length) % all.length]);
}

/** Open it, with `query` in its field. */
export function openQuickSwitcher(query = "") {
  const dialog = document.getElementById("quick-switcher");
  const input = document.getElementById("jump-input");
  if (dialog === null) return;
  if (!dialog.open) dialog.showModal();
  input.value = query;
  input.focus();
  input.dispatchEvent(new Event("input"));
}

/** A chat of the list as an entry. */
function itemOf(room) {
  const item = document.createElement("a");
  item.className = "menu-item jump-item";
  item.href = room.getAttribute("href");
  item.dataset.kind = room.dataset.kind;
  const name = document.createElement("span");
  name.className = "grow";
  name.dir = "auto";
  name.textContent = nameOf(room);
  if (room.dataset.peerId !== undefined) name.dataset.nameOf = room.dataset.peerId;
  item.append(room.querySelector(".glyph, .avatar").cloneNode(true), name);
  if ("closed" in room.dataset) {
    const note = document.createElement("span");
    note.className = "muted";
    note.textContent = text("archived");
    item.append(note);
  }
  const count = room.querySelector(".count");
  if (count !== null) item.append(count.cloneNode(true));
  return item;
}

class Results {
  /** `opened` see sidebar/opened.js, `open.chatId` is the open chat; `onFailed()` is called where the server does not answer. */
  constructor({ input, opened, open, onFailed, clock, signal }) {
    Object.assign(this, { input, opened, open, onFailed, clock, signal });
    this.known = document.getElementById("jump-known");
    this.found = document.getElementById("jump-found");
    this.timer = null;
    this.asking = null; // the AbortController of the question on its way
    this.isOwed = false; // Enter was pressed, and nothing is there to be opened yet
  }

  get query() {
    return this.input.value.trim();
  }

  /** The field has changed. */
  changed() {
    this.isOwed = false;
    this.asking?.abort();
    this.clock.clearTimeout(this.timer);
    this.showKnown();
    const isAsked = this.query !== "";
    this.found.toggleAttribute("aria-busy", isAsked);
    if (isAsked) this.timer = this.clock.setTimeout(() => this.ask(), SETTLE);
    else this.found.replaceChildren();
    activate(this.known.querySelector(".jump-item"));
  }

  showKnown() {
    const { query } = this;
    const isFound = nameMatcher(query);
    const facts = rooms().map((room) => ({ id: room.dataset.chatId, at: Number(room.dataset.at), room }));
    const chosen = offered(facts, { recent: this.opened.ids, openId: query === "" ? this.open.chatId : "" })
      .filter(({ room }) => query === "" || isFound(nameOf(room)))
      .slice(0, MOST_KNOWN)
      .map(({ room }) => itemOf(room));
    this.known.replaceChildren(...(chosen.length > 0 ? [titleOf(query === "" ? "recent_chats" : "chats"), ...chosen] : []));
  }

  async ask() {
    const asking = new AbortController();
    this.asking = asking;
    let html;
    try {
      html = await fetchPart(`/search/?${new URLSearchParams({ q: this.query })}`, AbortSignal.any([asking.signal, this.signal]));
    } catch (error) {
      if (!(error instanceof PageError)) throw error;
      if (asking.signal.aborted || this.signal.aborted) return;
      this.found.removeAttribute("aria-busy");
      this.onFailed();
      return;
    }
    if (!asking.signal.aborted) this.showFound(html);
  }

  showFound(html) {
    const { body } = parsePage(html);
    const known = new Set([...this.known.querySelectorAll("a")].map((item) => item.getAttribute("href")));
    for (const item of body.querySelectorAll("a.jump-item")) if (known.has(item.getAttribute("href"))) item.remove();
    if (known.size > 0) body.querySelector("[data-found=chats]")?.remove(); // they go on with the known ones
    const before = activeItem();
    this.found.replaceChildren(...body.childNodes);
    this.found.removeAttribute("aria-busy");
    announceLoaded(this.found);
    activate(before?.isConnected ? before : items()[0]);
    if (this.isOwed) this.enter();
  }

  enter() {
    const item = activeItem();
    this.isOwed = item === null && this.found.hasAttribute("aria-busy");
    item?.click();
  }
}

function titleOf(key) {
  const title = document.createElement("h2");
  title.className = "pane-title";
  title.textContent = text(key);
  return title;
}

/** Start it: `userId`, `open`, `toasts` see start.js. */
export function startQuickSwitcher({ userId, open, toasts, clock, signal }) {
  const input = document.getElementById("jump-input");
  const opener = document.getElementById("jump-opener");
  if (input === null) return;
  const opened = new Opened({ storage: sessionStorage, userId });
  on("chat.opened", ({ chat_id: chatId }) => opened.note(chatId), signal);
  const onFailed = () => toasts.show(text("network"), { level: "error" });
  const results = new Results({ input, opened, open, onFailed, clock, signal });
  opener?.addEventListener("click", () => openQuickSwitcher(opener.value), { signal });
  opener?.addEventListener("input", () => {
    openQuickSwitcher(opener.value);
    opener.value = "";
  }, { signal });
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-quick-switcher]")) return;
    event.preventDefault();
    openQuickSwitcher();
  }, { signal });
  input.addEventListener("input", () => results.changed(), { signal });
  input.addEventListener("keydown", (event) => {
    if (isComposing(event)) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      step(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Escape") {
      event.preventDefault(); // the browser would only empty the field
      document.getElementById("quick-switcher").close();
    } else if (event.key === "Enter") {
      event.preventDefault();
      results.enter();
    }
  }, { signal });
}
