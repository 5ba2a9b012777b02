// Presence: a snapshot plus changes in any order.
import assert from "node:assert/strict";
import test from "node:test";
import { compareMembers, Presence } from "../../../static/js/presence/presence.js";
import { randomly } from "../support/chance.mjs";

const SEEN = "2026-03-01T12:00:00.000Z";
const on = (user_id, version) => ({ user_id, is_online: true, last_seen: null, version });
const off = (user_id, version) => ({ user_id, is_online: false, last_seen: SEEN, version });

function seeded(...entries) {
  const presence = new Presence();
  presence.seed(entries);
  return presence;
}

const isOnline = (presence, id) => presence.stateOf(id)?.is_online ?? null;

test("the list the server wrote is where it starts", () => {
  const presence = seeded(on("a", 5), off("b", 3));
  assert.deepEqual(presence.stateOf("b"), off("b", 3));
  assert.equal(presence.stateOf("c"), undefined);
});

test("of two changes the higher version counts, in any order, and each once", () => {
  const changes = [on("b", 4), off("b", 6), on("b", 7), off("a", 8), on("a", 9), off("b", 10)];
  const mixed = changes.toSorted((x, y) => (x.version * 7) % 5 - (y.version * 7) % 5);
  const orders = [changes, [...changes].reverse(), [...changes, ...changes], mixed];
  for (const order of orders) {
    const presence = seeded(on("a", 1), off("b", 2));
    for (const entry of order) presence.apply([entry]);
    assert.deepEqual([isOnline(presence, "a"), isOnline(presence, "b")], [true, false]);
  }
});

test("an equal or older change changes nothing", () => {
  const presence = seeded(on("a", 5));
  assert.deepEqual(presence.apply([off("a", 5), off("a", 4)]), []);
  assert.equal(isOnline(presence, "a"), true);
  assert.deepEqual(presence.apply([off("a", 6)]), ["a"]);
  assert.deepEqual(presence.apply([off("a", 6)]), []);
});

test("a change that comes before the snapshot waits for it", () => {
  const presence = new Presence();
  presence.apply([on("a", 9), on("b", 2)]);
  presence.apply([off("a", 8)]); // overtaken
  assert.equal(presence.stateOf("a"), null);
  presence.snapshot([off("a", 7), off("b", 3)]);
  assert.deepEqual([isOnline(presence, "a"), isOnline(presence, "b")], [true, false]);
});

test("a snapshot replaces what is as old or older, and is passed over where a change was faster", () => {
  const presence = seeded(off("a", 5), on("b", 5), on("c", 5));
  presence.apply([on("c", 9)]);
  presence.snapshot([on("a", 5), off("b", 6), off("c", 8)]);
  assert.deepEqual(["a", "b", "c"].map((id) => isOnline(presence, id)), [true, false, true]);
});

test("who is listed later brings no older state", () => {
  const presence = seeded(on("a", 5));
  presence.apply([on("new", 7)]);
  presence.seed([on("a", 5), off("new", 6)]);
  assert.equal(isOnline(presence, "new"), true);
  presence.seed([off("new", 7)]);
  assert.equal(isOnline(presence, "new"), false);
});

test("of whom the server says nothing nothing is known, until it does", () => {
  const presence = seeded(on("a", 5), on("b", 5));
  presence.snapshot([on("a", 5)], ["a", "b", "c"]);
  assert.deepEqual(["a", "b", "c", "d"].map((id) => presence.stateOf(id)), [on("a", 5), null, null, undefined]);
  assert.deepEqual(presence.apply([on("b", 1)]), ["b"]);
  presence.keep(new Set(["b"]));
  assert.deepEqual(["a", "b"].map((id) => presence.stateOf(id)), [undefined, on("b", 1)]);
});

test("what was lost is known again from the next snapshot, whatever its versions", () => {
  const presence = seeded(on("a", 50), on("b", 50));
  presence.lose();
  presence.apply([on("b", 8)]);
  assert.equal(isOnline(presence, "b"), null);
  presence.snapshot([off("a", 6), off("b", 7)]);
  assert.deepEqual([isOnline(presence, "a"), isOnline(presence, "b")], [false, true]);
});

test("online first, then by name", () => {
  const people = [
    { id: "1", isOnline: false, name: "anna" }, { id: "3", isOnline: true, name: "zoe" },
    { id: "2", isOnline: true, name: "zoe" }, { id: "4", isOnline: true, name: "bob" },
  ];
  assert.deepEqual(people.sort(compareMembers).map(({ id }) => id), ["4", "2", "3", "1"]);
});

// --- The connection broke ---

test("while the connection is away everybody stays as they were, and changes wait for the fresh snapshot", () => {
  const presence = seeded(on("a", 5), off("b", 5), on("c", 5));
  presence.hold();
  assert.deepEqual(presence.apply([off("a", 9), on("b", 8)]), []); // of the new connection, before its snapshot
  assert.deepEqual([isOnline(presence, "a"), isOnline(presence, "b")], [true, false]);
  presence.snapshot([on("a", 7), off("b", 7), off("c", 7)]);
  assert.deepEqual(["a", "b", "c"].map((id) => isOnline(presence, id)), [false, true, false]);
  assert.deepEqual(presence.apply([off("b", 10)]), ["b"]);
});

test("what waited and is older than the fresh snapshot changes nothing", () => {
  const presence = seeded(on("a", 5));
  presence.hold();
  presence.apply([off("a", 6)]);
  presence.snapshot([on("a", 7)]);
  assert.equal(isOnline(presence, "a"), true);
});

test("a fresh snapshot counts as it stands: a registry that began anew has lower versions", () => {
  const presence = seeded(on("a", 500), on("b", 500));
  presence.hold();
  presence.snapshot([off("a", 2)]);
  assert.deepEqual([isOnline(presence, "a"), isOnline(presence, "b")], [false, null]);
  assert.deepEqual(presence.apply([on("a", 3)]), ["a"]);
});

test("what waited of a connection that broke too is not told after the next", () => {
  const presence = seeded(on("a", 5));
  presence.hold();
  presence.apply([off("a", 9)]);
  presence.hold();
  presence.snapshot([on("a", 7)]);
  assert.equal(isOnline(presence, "a"), true);
});

test("a list that is written meanwhile is seen, and is not the snapshot that is waited for", () => {
  const presence = seeded(on("a", 5));
  presence.hold();
  presence.apply([off("a", 8)]);
  presence.seed([on("a", 6), on("b", 6)]);
  assert.deepEqual([isOnline(presence, "a"), isOnline(presence, "b")], [true, true]);
  assert.deepEqual(presence.apply([off("b", 9)]), []);
  presence.snapshot([on("a", 7), on("b", 7)]);
  assert.deepEqual([isOnline(presence, "a"), isOnline(presence, "b")], [false, false]);
});

test("held and then lost, the next snapshot counts and what comes after it is applied at once", () => {
  const presence = seeded(on("a", 50));
  presence.hold();
  presence.apply([on("a", 60)]);
  presence.lose();
  presence.snapshot([off("a", 3)]);
  assert.equal(isOnline(presence, "a"), false);
  assert.deepEqual(presence.apply([on("a", 4)]), ["a"]);
  presence.hold();
  presence.lose();
  presence.seed([off("a", 5)]); // may have been written before the loss
  assert.equal(presence.stateOf("a"), null);
  assert.deepEqual(presence.apply([on("a", 6)]), []);
});

test("whatever order changes, losses and snapshots come in, in the end it shows the registry's last word", async () => {
  const people = ["a", "b", "c"];
  await randomly(2000, (chance, log) => {
    let version = 1;
    let truth = new Map(people.map((id) => [id, off(id, version)]));
    const presence = seeded(...truth.values());
    let late = []; // changes on their way, on a line that loses none of them while it stands
    const steps = {
      changes: () => {
        const id = chance.of(people);
        version += 1;
        truth.set(id, truth.get(id).is_online ? off(id, version) : on(id, version));
        late.push(truth.get(id));
      },
      arrives: () => late.length > 0 && presence.apply(late.splice(chance.below(late.length), 1)),
      breaks: () => {
        late = [];
        presence.hold();
      },
      fetched: () => presence.snapshot([...truth.values()]),
      beginsAnew: () => { // the registry lost its data, and every client its connection
        version = 1;
        truth = new Map(people.map((id) => [id, off(id, chance.below(2))]));
        steps.breaks();
      },
    };
    for (let step = 0; step < 40; step += 1) {
      const name = chance.by({ changes: 6, arrives: 6, breaks: 1, fetched: 1, beginsAnew: 0.2 });
      log.push(name);
      steps[name]();
    }
    if (presence.isHeld) steps.fetched();
    while (late.length > 0) steps.arrives();
    for (const id of people) assert.deepEqual(presence.stateOf(id), truth.get(id));
  });
});
