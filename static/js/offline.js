// Entry of the page that the service worker shows where the server cannot be reached (templates/offline.html): what waits
// to be sent, and on it goes as soon as the server is back.
import { browserClock, lifetime } from "./lib/clock.js";
import { delay } from "./net/backoff.js";
import { Database, StorageFailed } from "./outbox/database.js";
import { forgetAfterSignOut } from "./outbox/sign-out.js";

const WITHIN = 10000; // ms, for an answer of the server
const { signal, clock } = lifetime(browserClock);
const database = new Database({ clock });
const waiting = document.getElementById("waiting");

/** Show these messages; the device holds those of whoever was signed in last, and of nobody after a sign-out. */
function show(entries) {
  const [words, list] = waiting.children;
  words.textContent = (entries.length === 1 ? waiting.dataset.one : waiting.dataset.many).replace("{count}", String(entries.length));
  const items = entries.map(({ body }) => {
    const item = document.createElement("li");
    item.dir = "auto";
    item.textContent = body;
    return item;
  });
  list.replaceChildren(...items);
  waiting.hidden = entries.length === 0;
}

async function showWaiting() {
  try {
    const entries = await database.loadAll();
    show(entries.filter(({ body }) => typeof body === "string").sort((one, other) => one.written_at - other.written_at));
  } catch (error) {
    if (!(error instanceof StorageFailed)) throw error; // nothing is kept where nothing can be
  }
}

/** Ask for the server until it answers, then for the page again. */
function startAsking() {
  let attempt = 0;
  let timer = null;
  const ask = async () => {
    clock.clearTimeout(timer);
    timer = null;
    const isThere = await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(WITHIN) })
      .then(({ ok }) => ok, () => false);
    if (isThere) {
      location.reload();
      return;
    }
    attempt += 1;
    timer = clock.setTimeout(ask, delay(attempt, Math.random));
  };
  const askNow = () => {
    if (timer === null) return; // it is being asked
    attempt = 0;
    ask();
  };
  window.addEventListener("online", askNow, { signal });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") askNow();
  }, { signal });
  ask();
}

forgetAfterSignOut({ userId: "", database, onForget: () => show([]), signal });
showWaiting();
startAsking();
