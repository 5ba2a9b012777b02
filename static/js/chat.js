// Entry of a chat's page.
import { startChat } from "./chat/chat.js";
import { startApp } from "./shell/app.js";

startChat(startApp(), JSON.parse(document.getElementById("bootstrap").textContent));
