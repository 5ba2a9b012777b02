// A page that is loaded again until it can be had.
import { fetchPage, PageError, parsePage } from "./fetch-page.js";
import { Retry } from "./retry.js";

/** Returns a Retry that fetches `path()` and gives the document to `show(page)`. */
export function makeReload({ path, show, clock, signal }) {
  return new Retry({
    ask: () => fetchPage(path(), signal),
    onAnswer: (html) => show(parsePage(html)),
    onError: (error) => {
      if (!(error instanceof PageError)) throw error;
      return true;
    },
    clock,
  });
}
