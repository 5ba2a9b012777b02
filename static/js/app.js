// Entry of every page for people who are signed in, but for a chat's.
import { startApp } from "./shell/start.js";

startApp();
