// Which addresses are chats', and what they ask for.
import assert from "node:assert/strict";
import test from "node:test";
import { chatAddress } from "../../../static/js/navigation/address.js";

const ID = "01a2236e-6fa3-7708-a308-f4da8251514b";
const of = (path) => chatAddress(new URL(path, "http://flowra.test"));

test("addresses of chats", () => {
  assert.deepEqual(of(`/chats/${ID}/`), {
    chatId: ID, seq: null, isList: false, path: `/chats/${ID}/`, href: `/chats/${ID}/`,
  });
  assert.deepEqual(of(`/chats/${ID}/?at=7`), {
    chatId: ID, seq: 7, isList: false, path: `/chats/${ID}/?at=7`, href: `/chats/${ID}/?at=7`,
  });
  assert.equal(of(`/chats/${ID}/?at=7#message-8`).seq, 8);
  assert.equal(of(`/chats/${ID}/#message-8`).path, `/chats/${ID}/?at=8`);
  assert.equal(of(`/chats/${ID}/?at=x`).seq, null);
  assert.deepEqual([of(`/chats/${ID}/#sidebar`).isList, of(`/chats/${ID}/#sidebar`).seq], [true, null]);
});

test("all others", () => {
  for (const path of [
    "/", `/chats/${ID}`, `/chats/${ID}/members/`, `/chats/${ID}/?before=7`, `/chats/${ID}/?reply_to=1#composer`,
    `/chats/${ID}/#main`, `/chats/${ID}/#message-`, "/chats/7/", `/api/v1/chats/${ID}/`,
  ]) assert.equal(of(path), null, path);
});
