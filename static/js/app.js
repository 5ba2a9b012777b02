// Entry of every page for people who are signed in.
import { startNavigation } from "./navigation/start.js";
import { registerWorker } from "./navigation/worker.js";
import { startApp } from "./shell/start.js";

const app = startApp();
startNavigation(app);
registerWorker(app);
