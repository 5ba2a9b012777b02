// A page and its chat are started and stopped: nothing of them is left, and started again everything is there once.
import assert from "node:assert/strict";
import test from "node:test";
import { FakeClock } from "../support/fake-clock.mjs";
import { countHeld, latestSocket, makePage } from "../support/fake-page.mjs";
import { settle } from "../support/settle.mjs";

const page = makePage();
const { startApp } = await import("../../../static/js/shell/start.js");
const { startChat } = await import("../../../static/js/chat/start.js");
const { startNavigation } = await import("../../../static/js/navigation/start.js");

const BOOTSTRAP = {
  chat_id: "c1", workspace_id: "w1", user: { id: "u1", username: "jane", display_name: "Jane" }, seq: 3, revision: 5,
  last_read_seq: 1, is_live: true, may_manage: true, typing_enabled: true, presence_enabled: true,
};
const WELCOME = {
  type: "welcome", user_id: "", ping_interval: 20, pong_timeout: 10, typing_enabled: true, typing_timeout: 3, presence_enabled: true,
};
const NOTHING = { listeners: 0, observers: 0, channels: 0 };

const receive = (frame) => latestSocket().onmessage({ data: JSON.stringify(frame) });

function connect() {
  const socket = latestSocket();
  socket.readyState = 1;
  socket.onopen({});
  receive(WELCOME);
}

/** Have all parts wait for something: a typing indicator, a read marker, parts of the page to be fetched again. */
async function bustle() {
  receive({ type: "chat.typing", chat_id: "c1", user_id: "u2", display_name: "Bob", is_typing: true });
  receive({ type: "user.changed", data: { id: "u2", display_name: "Bob" } });
  receive({ type: "chat.renamed", chat_id: "c1", data: {} });
  receive({ type: "chat.member_added", chat_id: "c1", data: { user_id: "u2" } });
  receive({ type: "resync", within: 60 });
  receive({ type: "notice", level: "info", text: "Hello" });
  await settle();
}

test("a chat is stopped and started on a page that stays; in the end nothing is left", async () => {
  const clock = new FakeClock();
  assert.deepEqual(countHeld(), NOTHING);
  const app = startApp(clock);
  await settle();
  const [before, timersBefore] = [countHeld(), clock.timers.size];
  assert.ok(before.listeners > 50 && before.channels === 1, JSON.stringify(before));

  const { stop } = startChat(app, BOOTSTRAP);
  await settle();
  const withChat = countHeld();
  assert.ok(withChat.listeners > before.listeners + 40 && withChat.observers === before.observers + 5, JSON.stringify(withChat));
  stop();
  assert.deepEqual(countHeld(), before);
  assert.equal(clock.timers.size, timersBefore);

  const { stop: stopAgain } = startChat(app, BOOTSTRAP);
  await settle();
  assert.deepEqual(countHeld(), withChat);
  connect();
  await bustle();
  clock.advance(1);
  assert.ok(clock.timers.size > timersBefore + 3, String(clock.timers.size));
  stopAgain();
  await settle();
  assert.deepEqual(countHeld().observers, before.observers);
  app.stop();
  await settle();
  assert.deepEqual([countHeld(), clock.timers.size], [NOTHING, 0]);
  assert.equal(latestSocket().readyState, 3);
});

test("a chat ends with its page", async () => {
  const clock = new FakeClock();
  const app = startApp(clock);
  startChat(app, BOOTSTRAP);
  await settle();
  app.stop();
  await settle();
  assert.deepEqual([countHeld(), clock.timers.size], [NOTHING, 0]);
  assert.equal(page.document.title, "Flowra");
});

test("a page that opens chats ends with all of them", async () => {
  const clock = new FakeClock();
  page.document.getElementById("bootstrap").textContent = JSON.stringify(BOOTSTRAP);
  const app = startApp(clock);
  await settle();
  startNavigation(app);
  await settle();
  app.navigate("/chats/01a2236e-6fa3-7708-a308-f4da8251514b/"); // its request never ends
  connect();
  await bustle();
  clock.advance(1000);
  app.stop();
  await settle();
  assert.deepEqual([countHeld(), clock.timers.size], [NOTHING, 0]);
});
