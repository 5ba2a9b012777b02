// Entry of a chat's page.
import { startChat } from "./chat/start.js";
import { startApp } from "./shell/start.js";

startChat(startApp(), JSON.parse(document.getElementById("bootstrap").textContent));
