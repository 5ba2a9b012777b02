// Entry of the pages for people who are not signed in, and of the others without chats: menus, the theme switch, times.
import { browserClock, lifetime } from "./lib/clock.js";
import { watchKeyboard } from "./lib/keys.js";
import { localizeTimes } from "./lib/times.js";
import { Database, DatabaseStore, StorageFailed } from "./outbox/database.js";
import { askBeforeSignOut, forgetAfterSignOut } from "./outbox/sign-out.js";
import { startMenus, startTheme } from "./shell/menus.js";

const userId = document.body.dataset.userId ?? "";
const { signal, clock } = lifetime(browserClock);
const database = new Database({ clock });

async function countUnsent() {
  try {
    return (await new DatabaseStore(database, userId).load()).length;
  } catch (error) {
    if (!(error instanceof StorageFailed)) throw error;
    return 0; // nothing is kept where nothing can be
  }
}

forgetAfterSignOut({ userId, database, signal });
askBeforeSignOut({ count: countUnsent, signal });
watchKeyboard({ signal });
startMenus({ signal });
startTheme({ signal });
localizeTimes(document);
