// Every page: menus, the theme switch, times in the reader's zone.
import { startMenus } from "./menus.js";
import { forgetAfterSignOut } from "./sign-out.js";
import { startTheme } from "./theme.js";
import { localizeTimes } from "./times.js";

forgetAfterSignOut({ userId: document.body.dataset.userId ?? "" });
startMenus(document);
startTheme(document);
localizeTimes(document);
