// Lists that are one stop of the Tab key each: the arrow keys walk them. `data-roving` on a list is the selector of its items.
import { isComposing } from "../lib/keys.js";

const PAGE = 10; // items, for Page Up and Page Down
const WATCHED = { childList: true, subtree: true, attributes: true, attributeFilter: ["hidden", "open", "aria-current", "aria-expanded"] };

/** Where a key leads from the item at `index` of `count`; null where it leads nowhere. `page`: how many items are a page. */
export function stepOf(key, index, count, page = PAGE) {
  const last = count - 1;
  const places = { ArrowUp: index - 1, ArrowDown: index + 1, PageUp: index - page, PageDown: index + page, Home: 0, End: last };
  return Object.hasOwn(places, key) && count > 0 ? Math.min(Math.max(places[key], 0), last) : null;
}

const itemsOf = (list) => [...list.querySelectorAll(list.dataset.roving)];
const shown = (items) => items.filter((item) => item.checkVisibility());

function makeStop(items, stop) {
  for (const item of items) {
    const index = item === stop ? 0 : -1;
    if (item.tabIndex !== index || !item.hasAttribute("tabindex")) item.tabIndex = index;
  }
}

/** Of the items that are shown the focused one is the stop, else the current one, else the one that was, else the first. */
function settle(list) {
  const items = itemsOf(list);
  const here = shown(items);
  const is = (condition) => here.find(condition);
  const stop =
    is((item) => item === document.activeElement) ??
    is((item) => item.hasAttribute("aria-current")) ??
    is((item) => item.getAttribute("tabindex") === "0") ??
    here[0];
  makeStop(items, stop);
}

/** Walk all such lists in the page's panes, those that come later too. */
export function startRoving({ signal }) {
  const panes = document.querySelector(".panes");
  if (panes === null) return;
  const settleAll = () => {
    for (const list of panes.querySelectorAll("[data-roving]")) settle(list);
  };
  let isAsked = false;
  const ask = () => {
    if (isAsked || signal.aborted) return;
    isAsked = true;
    requestAnimationFrame(() => {
      isAsked = false;
      settleAll();
    });
  };
  const observer = new MutationObserver((changes) => {
    // What happens in the timeline is no list's business.
    if (changes.some(({ target }) => target === panes || target.closest?.("[data-roving]"))) ask();
  });
  observer.observe(panes, WATCHED);
  signal.addEventListener("abort", () => observer.disconnect());
  settleAll();
  panes.addEventListener("focusin", ({ target }) => {
    const list = target.closest("[data-roving]");
    if (list !== null && target.matches(list.dataset.roving)) makeStop(itemsOf(list), target);
  }, { signal });
  panes.addEventListener("keydown", (event) => {
    if (isComposing(event) || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const list = event.target.closest("[data-roving]");
    if (list === null || !event.target.matches(list.dataset.roving)) return;
    const items = shown(itemsOf(list));
    const place = stepOf(event.key, items.indexOf(event.target), items.length);
    if (place === null) return;
    event.preventDefault();
    items[place].focus();
  }, { signal });
}
