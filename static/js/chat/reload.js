// The chat loaded anew without leaving the page: when more was missed than the socket brings.

const RETRY_FIRST = 2000; // ms, doubled from try to try
const RETRY_MOST = 30000;

export class FreshPage {
  /** `load()` fetches the page's HTML and throws without; `show(document)` takes its content over. */
  constructor({ load, show, clock }) {
    Object.assign(this, { load, show, clock });
    this.timer = null;
    this.failures = 0;
    this.generation = 0; // makes the answer to an earlier question harmless
  }

  async fetch() {
    const generation = ++this.generation;
    this.clock.clearTimeout(this.timer);
    try {
      const html = await this.load();
      if (generation !== this.generation) return;
      this.failures = 0;
      this.show(new DOMParser().parseFromString(html, "text/html"));
    } catch (error) {
      if (generation !== this.generation) return;
      if (!(error instanceof PageAway)) throw error;
      const wait = Math.min(RETRY_FIRST * 2 ** this.failures, RETRY_MOST);
      this.failures += 1;
      this.timer = this.clock.setTimeout(() => this.fetch(), wait);
    }
  }
}

/** The page could not be had now. */
export class PageAway extends Error {}

/** Fetch a page of ours; throws PageAway. */
export async function loadPage(path) {
  let response;
  try {
    response = await fetch(path, { credentials: "same-origin", signal: AbortSignal.timeout(20000) });
    if (response.ok && !response.redirected) return await response.text();
  } catch (error) {
    throw new PageAway(String(error));
  }
  throw new PageAway(`HTTP ${response.status}`);
}
