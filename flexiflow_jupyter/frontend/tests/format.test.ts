import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { countOf, cut, formatCount, formatDuration, formatTime, nextTick } from "../src/format";

describe("format", () => {
  it("groups thousands", () => {
    assert.equal(formatCount(1204), "1,204");
    assert.equal(countOf(1, "event"), "1 event");
    assert.equal(countOf(10_000, "event"), "10,000 events");
  });

  it("says a duration in its natural unit", () => {
    const cases: [number, string][] = [
      [-50, "0.0 s"],
      [840, "0.8 s"],
      [4200, "4 s"],
      [59_900, "59 s"],
      [60_000, "1 min"],
      [3_600_000, "1 h"],
      [3_900_000, "1 h 5 min"],
      [200_000_000, "2 d"],
    ];
    for (const [ms, text] of cases) assert.equal(formatDuration(ms), text);
  });

  it("writes the time of day with milliseconds", () => {
    const at = new Date(2026, 10, 20, 12, 4, 29, 8).getTime();

    assert.equal(formatTime(at), "12:04:29.008");
    assert.equal(formatTime(Number.NaN), "");
  });

  it("asks to be called again when the text changes", () => {
    assert.equal(nextTick(0, 1400), 620);
    assert.equal(nextTick(0, 61_000), 59_020);
  });

  it("cuts by characters, not by halves of them", () => {
    assert.equal(cut("short", 10), "short");
    assert.equal(cut("🦄🦄🦄", 2), "🦄…");
  });
});
