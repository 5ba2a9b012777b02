// The names of days where clocks are changed at midnight: Santiago has days that begin at 1:00, and some of 25 hours.
import assert from "node:assert/strict";
import test from "node:test";

process.env.TZ = "America/Santiago";
const { dayKey, dayLabel } = await import("../../../static/js/lib/times.js");
const words = { today: "Today", yesterday: "Yesterday" };

test("on every day of two years the day is today until midnight and yesterday after it", () => {
  for (let day = 0; day < 731; day += 1) {
    const noon = new Date(2025, 0, 1 + day, 12);
    const late = new Date(new Date(2025, 0, 2 + day, 0).getTime() - 1);
    const early = new Date(new Date(2025, 0, 2 + day, 0).getTime() + 1);
    assert.equal(dayLabel(noon, late, words), dayKey(noon) === dayKey(late) ? "Today" : "Yesterday", noon.toString());
    assert.equal(dayLabel(noon, early, words), "Yesterday", noon.toString());
    assert.equal(dayLabel(noon, new Date(2025, 0, 2 + day, 23, 59, 59), words), "Yesterday", noon.toString());
    assert.notEqual(dayLabel(noon, new Date(2025, 0, 3 + day, 12), words), "Yesterday", noon.toString());
  }
});
