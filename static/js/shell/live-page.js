// Pages without a chat are fetched again when something changes; what somebody is typing in a form stays.
import { retitle, titleWith } from "../attention/unread.js";
import { on } from "../lib/bus.js";
import { text } from "../lib/text.js";
import { announceLoaded, fetchPage, parsePage } from "../net/fetch-page.js";
import { Refetch } from "../net/refetch.js";

const SETTLE = 200; // ms
const CHANGES = [
  ...["changed", "deleted", "member_added", "member_removed", "role_changed"].map((name) => `workspace.${name}`),
  ...["created", "renamed", "closed", "reopened", "deleted", "member_added", "member_removed"].map((name) => `chat.${name}`),
  ...["me.changed", "notification.new", "chat.stale"],
];
const TYPED = "input:not([type=hidden]), textarea, select";

function isChanged(field) {
  if (field instanceof HTMLSelectElement) {
    const options = [...field.options];
    const first = options.find((option) => option.defaultSelected) ?? options[0];
    return field.value !== (first?.value ?? "");
  }
  return field.checked !== field.defaultChecked || field.value !== field.defaultValue;
}

/** Whether somebody has begun something in a form, or is about to. */
function isInUse(form) {
  return form.contains(document.activeElement) || [...form.querySelectorAll(TYPED)].some(isChanged);
}

/** Make a form that can be read and copied, but not sent; or with `isFrozen` false a usual one. */
function freeze(form, isFrozen = true) {
  for (const field of form.querySelectorAll(TYPED)) {
    if (field.matches("select, [type=checkbox], [type=radio]")) field.disabled = isFrozen;
    else field.readOnly = isFrozen;
  }
  for (const button of form.querySelectorAll("button")) button.disabled = isFrozen;
}

function note(words) {
  const element = document.createElement("p");
  element.className = "note warning";
  element.setAttribute("role", "status");
  element.textContent = words;
  return element;
}

/** Remember the focus within `root`; returns a function that sets it again in what replaces it. */
function placeOfFocus(root) {
  const element = document.activeElement;
  if (!root.contains(element)) return () => {};
  const range = "selectionStart" in element ? [element.selectionStart, element.selectionEnd] : null;
  const link = element.getAttribute("href");
  return () => {
    if (element.isConnected) {
      element.focus({ preventScroll: true });
      if (range?.[0] != null) element.setSelectionRange(...range);
    } else if (element.id !== "") document.getElementById(element.id)?.focus({ preventScroll: true });
    else if (link !== null) root.querySelector(`[href="${CSS.escape(link)}"]`)?.focus({ preventScroll: true });
  };
}

export class LivePage {
  /** `content` is the part of the page that is replaced. */
  constructor({ content, htmx, clock, signal }) {
    Object.assign(this, { content, htmx });
    this.isGone = false;
    this.isComposing = false; // an input method is at work: its field must not move
    this.refetch = new Refetch({
      load: () => fetchPage(location.pathname + location.search, signal),
      show: (html) => this.show(html),
      onError: ({ status }) => {
        if (status === 404 || status === 403) this.gone();
      },
      settle: SETTLE,
      clock,
    });
    content.addEventListener("compositionstart", () => {
      this.isComposing = true;
    }, { signal });
    content.addEventListener("compositionend", () => {
      this.isComposing = false;
    }, { signal });
    for (const type of CHANGES) on(type, () => this.refresh(), signal);
    const namesShown = (names) => {
      const shown = [...content.querySelectorAll("[data-name-of]")];
      if (shown.some(({ dataset }) => names.has(dataset.nameOf))) this.refresh(); // the order, and names within sentences
    };
    on("names.shown", namesShown, signal);
  }

  refresh() {
    if (!this.isGone) this.refetch.refresh();
  }

  /** The page was deleted, or may not be seen any more: what was typed can still be read. */
  gone() {
    if (this.isGone) return;
    this.isGone = true;
    const used = [...this.content.querySelectorAll("form")].filter(isInUse);
    const home = document.createElement("a");
    home.href = "/";
    home.textContent = text("to_chats");
    const said = note(text("page_gone"));
    said.append(" ", home);
    for (const form of used) freeze(form);
    this.swap([said, ...used], placeOfFocus(this.content));
  }

  show(html) {
    if (this.isGone) return;
    if (this.isComposing) {
      this.refresh();
      return;
    }
    const page = parsePage(html);
    const fresh = page.getElementById(this.content.id);
    if (fresh === null) return;
    retitle(titleWith(page.title, 0));
    const said = this.content.querySelector(":scope > .notes");
    if (said !== null && fresh.querySelector(":scope > .notes") === null) fresh.prepend(said);
    const refocus = placeOfFocus(this.content); // before a form leaves the page
    for (const form of [...this.content.querySelectorAll("form")].filter(isInUse)) this.keep(form, fresh);
    this.swap([...fresh.childNodes], refocus);
  }

  /** Put a form that somebody is in into the new page, in its place; where it has none, on top and frozen. */
  keep(form, fresh) {
    const isSame = (other) => other.getAttribute("action") === form.getAttribute("action");
    const place = [...fresh.querySelectorAll("form")].find(isSame);
    if (place !== undefined) {
      freeze(form, false);
      place.replaceWith(form);
    } else if (![...form.querySelectorAll(TYPED)].some(isChanged)) {
      return; // nothing was typed
    } else {
      freeze(form);
      const said = fresh.querySelector(":scope > [data-kept]") ?? note(text("form_gone"));
      said.dataset.kept = "";
      fresh.prepend(said, form);
    }
  }

  swap(nodes, refocus) {
    const scroller = this.content.closest("main");
    const top = scroller?.scrollTop;
    this.content.replaceChildren(...nodes);
    this.htmx.process(this.content);
    announceLoaded(this.content);
    refocus();
    if (scroller) scroller.scrollTop = top;
  }
}
