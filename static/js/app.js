// Entry of every page for people who are signed in.
import { startNavigation } from "./navigation/start.js";
import { startApp } from "./shell/start.js";

startNavigation(startApp());
