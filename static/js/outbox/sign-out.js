// A sign-out deletes all drafts and unsent messages of this browser, in all tabs. The menu asks first where messages wait.
//
// The server sets a cookie at each sign-out, wherever it was asked for. The first page that sees it empties all storages
// and writes a mark, new each time, to localStorage: other tabs are told at once, or compare it with their own copy
// when they are loaded or come back. A session that merely expires sets no cookie: its drafts wait for their author.
import { StorageFailed } from "./database.js";
import { recall, remember } from "../lib/storage.js";
import { newId } from "../lib/uuid.js";

export const MARK = "flowra.signed-out";
const COOKIE = "flowra_signed_out";
const WRITTEN = ["flowra.draft.", "flowra.outbox."];

function keysOf(storage) {
  try {
    return Array.from({ length: storage.length }, (_, index) => storage.key(index));
  } catch {
    return []; // blocked: nothing is stored either
  }
}

/** Remove drafts and unsent messages; with `but`, those of everybody but this user. */
export function forgetWritten(storage, but = null) {
  for (const key of keysOf(storage)) {
    const prefix = WRITTEN.find((start) => key.startsWith(start));
    if (prefix === undefined) continue;
    if (but === null || key.slice(prefix.length).split(".")[0] !== but) remember(storage, key, null);
  }
}

export class SignOut {
  /**
   * `takeCookie()` returns whether the cookie was there, and removes it; `wipe(but)` empties what all tabs share beyond
   * `local`, but for a user's; `onForget()` empties what the page shows.
   */
  constructor({ local, session, takeCookie, wipe, onForget }) {
    Object.assign(this, { local, session, takeCookie, wipe, onForget });
  }

  /** To be called before anything stored is read; `userId` is empty where nobody is signed in. */
  start(userId) {
    if (this.takeCookie()) {
      forgetWritten(this.local);
      this.wipe(null);
      remember(this.local, MARK, newId());
    }
    if (this.isOutdated()) this.forgetHere();
    if (userId === "") return;
    forgetWritten(this.local, userId);
    forgetWritten(this.session, userId);
    this.wipe(userId);
  }

  /** Another tab may have signed out. */
  check() {
    if (!this.isOutdated()) return;
    this.forgetHere();
    this.onForget();
  }

  isOutdated() {
    return recall(this.local, MARK) !== recall(this.session, MARK);
  }

  forgetHere() {
    forgetWritten(this.session);
    remember(this.session, MARK, recall(this.local, MARK));
  }
}

function takeCookie() {
  if (!document.cookie.split("; ").includes(`${COOKIE}=1`)) return false;
  document.cookie = `${COOKIE}=; Max-Age=0; Path=/; SameSite=Lax`;
  return true;
}

/** Storage that does not work holds nothing to delete. */
function ignoreStorageFailed(error) {
  if (!(error instanceof StorageFailed)) throw error;
}

/** Ask before the menu signs out while messages wait; `count()` returns, or resolves to, how many. */
export function askBeforeSignOut({ count, signal }) {
  const form = document.getElementById("sign-out");
  const dialog = document.getElementById("sign-out-dialog");
  if (form === null) return;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const unsent = await count();
    if (unsent === 0) {
      form.submit();
      return;
    }
    const words = dialog.querySelector("#sign-out-question");
    words.textContent = (unsent === 1 ? words.dataset.one : words.dataset.many).replace("{count}", String(unsent));
    dialog.returnValue = "";
    dialog.showModal();
  }, { signal });
  dialog.addEventListener("close", () => {
    if (dialog.returnValue === "yes") form.submit();
  }, { signal });
}

/** Forget what has to be forgotten, now and whenever another tab signs out. */
export function forgetAfterSignOut({ userId, database, onForget = () => {}, signal }) {
  let local, session;
  try {
    local = localStorage;
    session = sessionStorage;
  } catch {
    return; // blocked
  }
  const wipe = (but) => database.wipe(but).catch(ignoreStorageFailed);
  const signOut = new SignOut({ local, session, takeCookie, wipe, onForget });
  signOut.start(userId);
  window.addEventListener("storage", ({ key }) => {
    if (key === MARK || key === null) signOut.check();
  }, { signal });
  window.addEventListener("pageshow", ({ persisted }) => {
    if (persisted) signOut.check();
  }, { signal });
}
