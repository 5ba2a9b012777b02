// The service worker, which shows a page of ours where the server cannot be reached (static/js/service-worker.js).

/** Register it once the page is there; where it is switched off, or the browser has none, nothing happens. */
export function registerWorker({ signal }) {
  const path = document.querySelector("meta[name='service-worker']")?.content;
  const { serviceWorker } = navigator; // missing where the page comes by plain http from another machine
  if (path === undefined || serviceWorker === undefined) return;
  const register = () => serviceWorker.register(path).catch(() => {}); // refused in some private windows; the next page tries again
  if (document.readyState === "complete") register();
  else window.addEventListener("load", register, { once: true, signal });
}
