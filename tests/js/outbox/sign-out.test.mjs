// After a sign-out nothing that was written stays, in whatever tab; after an expired session everything does.
import assert from "node:assert/strict";
import test from "node:test";
import { forgetWritten, MARK, SignOut } from "../../../static/js/outbox/sign-out.js";
import { FakeStorage, Stage } from "../support/outbox-stage.mjs";
import { settle } from "../support/settle.mjs";

const DRAFT = "flowra.draft.u.a";
const OUTBOX = "flowra.outbox.u";
const THEME = "flowra.theme";

/** A browser: tabs share localStorage and the cookie. */
class Browser {
  local = new FakeStorage();
  cookie = false;
  kept = new Set(); // users of whom the database keeps something

  wipe(but) {
    for (const userId of this.kept) if (userId !== but) this.kept.delete(userId);
  }

  tab() {
    const tab = { session: new FakeStorage(), forgot: 0 };
    tab.load = (userId = "u") => {
      tab.signOut = new SignOut({
        local: this.local,
        session: tab.session,
        takeCookie: () => {
          const was = this.cookie;
          this.cookie = false;
          return was;
        },
        wipe: (but) => this.wipe(but),
        onForget: () => { tab.forgot += 1; },
      });
      tab.signOut.start(userId);
    };
    tab.write = () => {
      this.local.setItem(DRAFT, "begun");
      tab.session.setItem(OUTBOX, "unsent");
      this.kept.add("u");
    };
    tab.load();
    return tab;
  }
}

test("the tab that signs out keeps neither drafts nor unsent messages, and its theme", () => {
  const browser = new Browser();
  const tab = browser.tab();
  tab.write();
  browser.local.setItem(THEME, "dark");
  browser.cookie = true;
  tab.load("");
  assert.deepEqual([...browser.local.items.keys()].sort(), [MARK, THEME].sort());
  assert.deepEqual([...tab.session.items.keys()], [MARK]);
  assert.equal(browser.kept.size, 0);
});

test("a tab that is open hears of it once; what is written there afterwards stays", () => {
  const browser = new Browser();
  const [here, there] = [browser.tab(), browser.tab()];
  there.write();
  browser.cookie = true;
  here.load("");
  there.signOut.check();
  there.signOut.check();
  assert.equal(there.forgot, 1);
  assert.equal(there.session.getItem(OUTBOX), null);
  there.write();
  there.load("");
  there.load("u");
  assert.equal(there.session.getItem(OUTBOX), "unsent");
  assert.equal(browser.local.getItem(DRAFT), "begun");
  assert.ok(browser.kept.has("u"));
});

test("a tab that was asleep or closed forgets when it comes back, and leaves newer drafts alone", () => {
  const browser = new Browser();
  const [here, there] = [browser.tab(), browser.tab()];
  there.write();
  browser.cookie = true;
  here.load("");
  here.load("u"); // signed in again
  browser.local.setItem(DRAFT, "newer");
  browser.kept.add("u");
  there.load("u");
  assert.ok(browser.kept.has("u"));
  assert.equal(there.session.getItem(OUTBOX), null);
  assert.equal(browser.local.getItem(DRAFT), "newer");
});

test("each sign-out counts anew", () => {
  const browser = new Browser();
  const [here, there] = [browser.tab(), browser.tab()];
  for (let round = 1; round <= 3; round += 1) {
    there.write();
    browser.cookie = true;
    here.load("");
    there.signOut.check();
    assert.equal(there.forgot, round);
    here.load("u");
  }
});

test("a session that expires loses nothing, unless somebody else signs in", () => {
  const browser = new Browser();
  const tab = browser.tab();
  tab.write();
  tab.load("");
  tab.load("u");
  assert.ok(browser.kept.has("u"));
  assert.equal(browser.local.getItem(DRAFT), "begun");
  assert.equal(tab.session.getItem(OUTBOX), "unsent");
  tab.load("v");
  assert.equal(browser.local.getItem(DRAFT), null);
  assert.equal(tab.session.getItem(OUTBOX), null);
  assert.equal(browser.kept.size, 0);
});

test("where storage is blocked nothing breaks", () => {
  const browser = new Browser();
  const tab = browser.tab();
  browser.local.isBlocked = true;
  tab.session.isBlocked = true;
  browser.cookie = true;
  tab.load("u");
  forgetWritten(browser.local);
});

test("an outbox whose author has signed out sends nothing more, and leaves alone what is kept", async () => {
  const stage = new Stage();
  await stage.add("1");
  await stage.add("2");
  await stage.add("3", "b");
  stage.store.records.clear(); // by the tab that saw the sign-out
  stage.store.records.set("new", { client_id: "new" });
  stage.outbox.forget();
  await stage.accept({ ack: {} }, stage.deliveries[0]);
  assert.deepEqual([stage.ids, [...stage.store.records.keys()]], [[], ["new"]]);
  assert.deepEqual(stage.tried, ["1", "3"], "those that were under way");
  assert.deepEqual(stage.changes.slice(3), ["1 gone", "2 gone", "3 gone"]);
});

test("a message that is being kept when its author signs out does not stay", async () => {
  const stage = new Stage();
  stage.outbox.add({ client_id: "1", chat_id: "a", body: "b" });
  stage.outbox.forget();
  await settle();
  assert.deepEqual([stage.store.records.size, stage.tried], [0, []]);
});
