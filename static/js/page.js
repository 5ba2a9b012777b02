// Every page: menus, the theme switch, times in the reader's zone.
import { startMenus } from "./menus.js";
import { startTheme } from "./theme.js";
import { localizeTimes } from "./times.js";

startMenus(document);
startTheme(document);
localizeTimes(document);
