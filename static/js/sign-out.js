// After a sign-out nothing that was written and not sent stays in this browser, in whatever tab it was written.
//
// The server sets a cookie at each sign-out, wherever it was asked for. The first page that sees it empties both storages
// and writes a mark, new each time, to localStorage: other tabs hear of that at once, or compare it with their own copy
// when they are loaded or come back. A session that merely expires sets no cookie: its drafts wait for their author.
import { recall, remember } from "./storage.js";
import { newId } from "./uuid.js";

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
  /** `takeCookie()` returns whether the cookie was there, and removes it; `onForget()` empties what the page shows. */
  constructor({ local, session, takeCookie, onForget }) {
    Object.assign(this, { local, session, takeCookie, onForget });
  }

  /** To be called before anything stored is read; `userId` is empty where nobody is signed in. */
  start(userId) {
    if (this.takeCookie()) {
      forgetWritten(this.local);
      remember(this.local, MARK, newId());
    }
    if (this.isOutdated()) this.forgetHere();
    if (userId === "") return;
    forgetWritten(this.local, userId);
    forgetWritten(this.session, userId);
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

/** Forget what has to be forgotten, now and whenever another tab signs out. */
export function forgetAfterSignOut({ userId, onForget = () => {} }) {
  let local, session;
  try {
    local = localStorage;
    session = sessionStorage;
  } catch {
    return; // blocked
  }
  const signOut = new SignOut({ local, session, takeCookie, onForget });
  signOut.start(userId);
  window.addEventListener("storage", ({ key }) => {
    if (key === MARK || key === null) signOut.check();
  });
  window.addEventListener("pageshow", ({ persisted }) => {
    if (persisted) signOut.check();
  });
}
