// The dot: a blink shows nothing, a loss that stands is shown, and each change is told once.
import assert from "node:assert/strict";
import test from "node:test";
import { FakeClock } from "../support/fake-clock.mjs";

const TEXTS = {
  connected: "Active", connecting: "Attempt {attempt}/{most}", connecting_first: "Connecting", disconnected: "Offline",
  signed_out: "Signed out", reconnecting: "Reconnecting", next_try: "in {seconds} s",
};
globalThis.document = { getElementById: () => ({ textContent: JSON.stringify(TEXTS) }) };
const { describe, StatusDot } = await import("../../../static/js/shell/status-dot.js");

const ONLINE = { name: "connected", state: "online", attempt: 0, most: 10, retryAt: null };
const AWAY = { name: "connecting", state: "waiting", attempt: 1, most: 10, retryAt: null };
const LOST = { name: "disconnected", state: "exhausted", attempt: 10, most: 10, retryAt: null };

/** A button with just what the view touches. */
function begin() {
  const stage = { clock: new FakeClock(), told: [] };
  const tooltip = {
    classList: { remove: () => {}, toggle: () => {} }, firstElementChild: {}, lastElementChild: {},
  };
  const dot = {};
  stage.button = {
    dataset: {},
    querySelector: (selector) => (selector === ".tooltip" ? tooltip : dot),
    addEventListener: () => {},
    setAttribute: (name, value) => {
      stage[name] = value;
    },
  };
  const { button, clock } = stage;
  const onShown = (state) => stage.told.push(state.state);
  const view = new StatusDot({ button, clock, onClick: () => {}, onShown });
  return Object.assign(stage, { view, tooltip, dot });
}

test("a loss that is over within a second is not shown, one that stands is", () => {
  const { view, clock, button, told, dot } = begin();
  view.show(ONLINE);
  view.show(AWAY);
  clock.advance(999);
  view.show({ ...AWAY, state: "connecting" });
  view.show({ ...AWAY, state: "syncing" });
  view.show(ONLINE);
  clock.advance(5000);
  assert.deepEqual([button.dataset.state, told, clock.timers.size], ["connected", ["online"], 0]);
  view.show(AWAY);
  clock.advance(500);
  view.show({ ...AWAY, state: "connecting" }); // the second is that of the loss, not of its latest state
  clock.advance(500);
  assert.deepEqual([button.dataset.state, told], ["connecting", ["online", "connecting"]]);
  assert.equal(dot.className, "status-dot connecting");
});

test("an end is shown at once, and so are the first states of a page", () => {
  const { view, button, told } = begin();
  view.show(AWAY);
  assert.equal(button.dataset.state, "connecting");
  view.show(ONLINE);
  view.show(LOST);
  assert.deepEqual([button.dataset.state, told], ["disconnected", ["waiting", "online", "exhausted"]]);
});

test("it counts down to the next try, with one timer, and stops where there is none", () => {
  const { view, clock, tooltip } = begin();
  view.show({ ...AWAY, retryAt: 2500 });
  const seen = [tooltip.lastElementChild.textContent];
  for (let second = 0; second < 3; second += 1) {
    assert.equal(clock.timers.size, 1);
    clock.advance(1000);
    seen.push(tooltip.lastElementChild.textContent);
  }
  assert.deepEqual(seen, ["in 3 s", "in 2 s", "in 1 s", ""]);
  assert.equal(clock.timers.size, 0);
  view.show({ ...AWAY, retryAt: 9000 });
  view.show(ONLINE);
  assert.deepEqual([tooltip.lastElementChild.textContent, clock.timers.size], ["", 0]);
});

test("what the dot stands for, in words", () => {
  assert.equal(describe(ONLINE), "Active");
  assert.equal(describe(AWAY), "Attempt 1/10");
  assert.equal(describe({ ...AWAY, attempt: 0 }), "Connecting");
  assert.equal(describe(LOST), "Offline");
  assert.equal(describe({ ...LOST, state: "auth_lost" }), "Signed out");
});
