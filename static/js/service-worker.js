// The service worker: it shows the kept page where the server cannot be reached, and does nothing else.
//
// The server writes VERSION and KEPT above (flowra/app_shell.py): the page, the same for everybody, and the files that it
// names, by addresses that no other page uses. Nothing else is ever kept, and nothing but opening a page passes here:
// requests of a page, sockets, REST, files, forms and sign-in go to the network as if there were no worker.
/* global VERSION, KEPT */

const PREFIX = "flowra-offline-";
const CACHE = `${PREFIX}${VERSION}`;
const [PAGE, ...FILES] = KEPT;
const WAIT = 15000; // ms, for the head of an answer: a network may be there and lead nowhere
const OTHERS = /^\/(?:api|files|ws|admin|accounts|static)(?:\/|$)/;

self.addEventListener("install", (event) => {
  const keep = async () => {
    const cache = await caches.open(CACHE);
    // Without cookies, and not from the browser's own cache.
    await cache.addAll(KEPT.map((path) => new Request(path, { credentials: "omit", cache: "reload" })));
    await self.skipWaiting(); // open pages use nothing of an older one
  };
  event.waitUntil(keep());
});

self.addEventListener("activate", (event) => {
  const takeOver = async () => {
    for (const name of await caches.keys()) {
      if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name);
    }
    await self.registration.navigationPreload?.enable(); // the request is sent while this worker starts
    await self.clients.claim();
  };
  event.waitUntil(takeOver());
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== self.location.origin || request.method !== "GET") return;
  if (request.mode === "navigate") {
    if (!OTHERS.test(url.pathname)) event.respondWith(openPage(event));
  } else if (FILES.includes(url.pathname + url.search)) {
    event.respondWith(kept(request));
  }
});

/** The server's answer, whatever it says; the kept page where there is none. */
async function openPage(event) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("no answer")), WAIT);
  });
  try {
    return await Promise.race([answerTo(event), late]);
  } catch {
    return kept(PAGE);
  } finally {
    clearTimeout(timer);
  }
}

async function answerTo(event) {
  return (await event.preloadResponse) ?? fetch(event.request);
}

async function kept(request) {
  const cache = await caches.open(CACHE);
  return (await cache.match(request)) ?? fetch(request);
}
