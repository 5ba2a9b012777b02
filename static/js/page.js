// Every page: menus, the theme switch, times in the reader's zone.
import { Database, DatabaseStore, StorageFailed } from "./outbox/database.js";
import { startMenus } from "./shell/menus.js";
import { askBeforeSignOut, forgetAfterSignOut } from "./outbox/sign-out.js";
import { startTheme } from "./shell/theme.js";
import { localizeTimes } from "./lib/times.js";

const userId = document.body.dataset.userId ?? "";
const database = new Database();
forgetAfterSignOut({ userId, database });
askBeforeSignOut(async () => {
  try {
    return (await new DatabaseStore(database, userId).load()).length;
  } catch (error) {
    if (!(error instanceof StorageFailed)) throw error;
    return 0; // nothing is kept where nothing can be
  }
});
startMenus(document);
startTheme(document);
localizeTimes(document);
