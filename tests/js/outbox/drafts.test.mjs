// One draft a chat over all tabs; what somebody typed is never written over.
import assert from "node:assert/strict";
import test from "node:test";
import { Drafts, MOST, MOST_CHARACTERS } from "../../../static/js/outbox/drafts.js";
import { FakeStorage } from "../support/outbox-stage.mjs";

const DAY = 24 * 3600 * 1000;
const REPLY = { id: "m", words: "Replying to Jane: hello" };

/** A browser whose tabs share a localStorage, which tells all others of each change. */
class Browser {
  storage = new FakeStorage();
  tabs = [];
  time = 1000 * DAY;

  storageOf(tab) {
    const change = (key, value) => {
      const oldValue = this.storage.getItem(key);
      if (value === null) this.storage.removeItem(key);
      else this.storage.setItem(key, value);
      if (oldValue !== value) for (const other of this.tabs) if (other !== tab) other.receive(key, oldValue);
    };
    const { storage } = this;
    return {
      getItem: (key) => storage.getItem(key),
      setItem: (key, value) => change(key, value),
      removeItem: (key) => change(key, null),
      key: (index) => storage.key(index),
      get length() {
        return storage.length;
      },
    };
  }

  open(chatId = "c", userId = "u") {
    const tab = {};
    tab.drafts = new Drafts({ storage: this.storageOf(tab), userId, chatId, now: () => this.time });
    tab.box = tab.drafts.start();
    tab.receive = (key, oldValue) => {
      tab.box = tab.drafts.storageChanged(key, oldValue) ?? tab.box;
    };
    tab.type = (body, reply = tab.box.reply) => {
      this.time += 1;
      tab.box = { body, reply };
      tab.drafts.save(tab.box);
    };
    tab.send = () => {
      tab.box = { body: "", reply: null };
      tab.drafts.clear();
    };
    this.tabs.push(tab);
    return tab;
  }

  close(tab) {
    this.tabs.splice(this.tabs.indexOf(tab), 1);
  }
}

test("a draft is there again, with what it answers", () => {
  const browser = new Browser();
  browser.open().type("begun", REPLY);
  assert.deepEqual(browser.open().box, { body: "begun", reply: REPLY });
  assert.deepEqual(browser.open("other chat").box, { body: "", reply: null });
  assert.deepEqual(browser.open("c", "other user").box, { body: "", reply: null });
});

test("a box in which nobody has typed follows, and is empty once the draft is sent", () => {
  const browser = new Browser();
  const [one, other] = [browser.open(), browser.open()];
  one.type("hel");
  one.type("hello", REPLY);
  assert.deepEqual(other.box, { body: "hello", reply: REPLY });
  one.send();
  assert.equal(other.box.body, "");
  assert.equal(browser.storage.length, 0);
});

test("sent from the tab that followed, it vanishes in the one that typed it, too", () => {
  const browser = new Browser();
  const [one, other] = [browser.open(), browser.open()];
  one.type("hello");
  other.send();
  assert.deepEqual([one.box.body, browser.storage.length], ["", 0]);
});

test("typed on in another tab, the first keeps what it shows, and both texts survive", () => {
  const browser = new Browser();
  const [one, other] = [browser.open(), browser.open()];
  one.type("hello");
  other.type("hello world");
  assert.equal(one.box.body, "hello");
  one.type("hello!");
  assert.equal(other.box.body, "hello world");
  assert.equal(browser.storage.length, 2);
  browser.close(one);
  browser.close(other);
  const third = browser.open();
  assert.equal(third.box.body, "hello!", "the latest");
  third.send();
  assert.equal(third.box.body, "", "what comes next is not put under the fingers");
  assert.equal(browser.open().box.body, "hello world");
});

test("both typed at once, one sends: the other keeps its own", () => {
  const browser = new Browser();
  const [one, other] = [browser.open(), browser.open()];
  one.type("mine");
  other.drafts.isOwn = true; // it had begun
  other.type("yours");
  one.send();
  assert.equal(other.box.body, "yours");
  browser.close(one);
  browser.close(other);
  assert.equal(browser.open().box.body, "yours");
});

test("deleted in one tab while another has gone on, only its own goes", () => {
  const browser = new Browser();
  const [one, other] = [browser.open(), browser.open()];
  one.type("hello");
  other.type("hello world");
  one.type("");
  assert.equal(browser.open().box.body, "hello world");
});

test("a text that the server has put into the box is left alone", () => {
  const browser = new Browser();
  browser.open().type("kept");
  const tab = browser.open();
  const drafts = new Drafts({ storage: browser.storageOf(tab), userId: "u", chatId: "c", now: () => browser.time });
  assert.equal(drafts.start({ isTaken: true }).body, "");
  assert.equal(drafts.storageChanged(null, null), null);
});

test("what an earlier version stored is a draft, and what is malformed is shown as it is", () => {
  for (const stored of ["plain", '{"half":', "7", '{"body":1}', "null"]) {
    const browser = new Browser();
    browser.storage.setItem("flowra.draft.u.c", stored);
    const tab = browser.open();
    assert.deepEqual(tab.box, { body: stored, reply: null });
    tab.type("changed");
    assert.equal(browser.open().box.body, "changed");
    tab.send();
    assert.equal(browser.storage.length, 0);
  }
  const browser = new Browser();
  browser.storage.setItem("flowra.draft.u.c", JSON.stringify({ body: "b", reply: { id: 7 }, at: browser.time }));
  assert.deepEqual(browser.open().box, { body: "b", reply: null });
});

test("there is room for so many and so much, the oldest go first, and those of other people stay", () => {
  const browser = new Browser();
  browser.open("theirs", "v").type("theirs");
  for (let chat = 0; chat <= MOST; chat += 1) browser.open(`chat ${chat}`).type(`draft ${chat}`);
  assert.equal(browser.open("chat 0").box.body, "");
  assert.equal(browser.open("chat 1").box.body, "draft 1");
  browser.open("large").type("x".repeat(MOST_CHARACTERS - 1000));
  assert.equal(browser.open("chat 1").box.body, "");
  assert.equal(browser.open("large").box.body.length, MOST_CHARACTERS - 1000);
  assert.equal(browser.open("theirs", "v").box.body, "theirs");
});

test("after sixty days a draft is forgotten", () => {
  const browser = new Browser();
  browser.open().type("old");
  browser.time += 59 * DAY;
  assert.equal(browser.open().box.body, "old");
  browser.time += 2 * DAY;
  assert.equal(browser.open().box.body, "");
});

test("where nothing can be kept, or too much is to be kept, leaving is unsafe until the box is empty", () => {
  const browser = new Browser();
  const tab = browser.open();
  tab.type("x".repeat(MOST_CHARACTERS));
  assert.equal(tab.drafts.isSafe, false);
  tab.type("less");
  assert.equal(tab.drafts.isSafe, true);
  browser.storage.isBlocked = true;
  tab.type("blocked");
  assert.equal(tab.drafts.isSafe, false);
  tab.send();
  assert.equal(tab.drafts.isSafe, true);
});
