import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BusyTime, marksOf, positionOf, roundLength, timeMap } from "../src/gantt";

const MIN = 60e3;
const texts = (start: number, end: number, busy: [number, number][]): string[] =>
  marksOf(timeMap(start, end, busy)).map((mark) => mark.text);

describe("the length of the lanes", () => {
  it("holds five to seven round marks and some room, whatever the time", () => {
    for (let ms = 0; ms < 1e12; ms = ms * 1.07 + 1) {
      const { lengthMs, stepMs } = roundLength(ms);
      const marks = lengthMs / stepMs;
      assert.ok(marks >= 5 && marks <= 7, `${marks} marks at ${ms}`);
      assert.ok(lengthMs >= ms * 1.05, `${lengthMs} at ${ms}`);
      if (ms > 10) assert.ok(lengthMs <= ms * 2.6, `${lengthMs} is too long at ${ms}`);
    }
  });

  it("stays the same while time goes on a little", () => {
    assert.deepEqual(roundLength(42_000), { lengthMs: 50_000, stepMs: 10_000 });
    assert.deepEqual(roundLength(44_000), roundLength(42_000));
  });
});

describe("a time map", () => {
  it("runs evenly from the beginning", () => {
    const map = timeMap(1000, 43_000, [[1000, 43_000]]);
    assert.equal(positionOf(1000, map), 0);
    assert.ok(Math.abs(positionOf(26_000, map) - 0.5) < 1e-9);
    assert.equal(positionOf(0, map), 0);
    assert.equal(positionOf(99_000, map), 1);
  });

  it("folds a wait that would squeeze the rest", () => {
    const map = timeMap(0, 2 * 86_400e3 + 20_000, [
      [0, 10_000],
      [2 * 86_400e3, 2 * 86_400e3 + 20_000],
    ]);
    assert.deepEqual(
      map.segments.map((segment) => segment.isFolded),
      [false, true, false],
    );
    const [before, , after] = map.segments;
    assert.ok(before && after);
    assert.ok(Math.abs((after.right - after.left) / (before.right - before.left) - 2.5) < 1.1);
    assert.ok(positionOf(10_000, map) > 0.2);
  });

  it("folds a wait that lasts until now", () => {
    const map = timeMap(0, 60 * MIN, [[0, 4000]]);
    assert.ok(map.segments.some((segment) => segment.isFolded));
    assert.ok(positionOf(60 * MIN, map) > positionOf(4000, map));
  });

  it("leaves short waits as they are", () => {
    assert.equal(timeMap(0, 12_000, [[0, 4000]]).segments.length, 1);
    assert.equal(timeMap(0, 40_000, [[0, 20_000]]).segments.length, 1);
  });

  it("goes from 0 to 1 without gaps, and never back", () => {
    const busy: [number, number][] = [];
    for (let i = 0; i < 9; i += 1) busy.push([i * 1e6, i * 1e6 + 700]);
    const map = timeMap(0, 9e6, busy);
    let right = 0;
    for (const segment of map.segments) {
      assert.ok(Math.abs(segment.left - right) < 1e-9);
      assert.ok(segment.right >= segment.left && segment.to >= segment.from);
      right = segment.right;
    }
    assert.equal(right, 1);
    let last = -1;
    for (let ms = -1e5; ms < 9.1e6; ms += 1e4) {
      const at = positionOf(ms, map);
      assert.ok(at >= last && at <= 1);
      last = at;
    }
  });

  it("is whole when nothing has happened yet", () => {
    const map = timeMap(5, 5, []);
    assert.equal(positionOf(5, map), 0);
    assert.ok(marksOf(map).length >= 5);
  });
});

describe("the marks", () => {
  it("are round, in one unit", () => {
    assert.deepEqual(texts(0, 42_000, [[0, 42_000]]), ["0s", "10s", "20s", "30s", "40s"]);
    assert.deepEqual(texts(0, 420, [[0, 420]]).slice(0, 3), ["0ms", "100ms", "200ms"]);
    assert.deepEqual(texts(0, 80_000, [[0, 80_000]]).slice(-2), ["1m", "1m15s"]);
    assert.deepEqual(texts(0, 25 * MIN, [[0, 25 * MIN]]).slice(0, 2), ["0m", "5m"]);
  });

  it("name what is folded, and count anew after it", () => {
    const found = texts(0, 7200e3 + 20_000, [
      [0, 20_000],
      [7200e3, 7220e3],
    ]);
    assert.deepEqual(found, ["0s", "10s", "2 h", "+10s", "+20s"]);
  });

  it("stand in order and within the lane", () => {
    for (const total of [10, 999, 61_000, 5e6, 4e9]) {
      const marks = marksOf(timeMap(0, total, [[0, total]]));
      marks.forEach((mark, i) => {
        assert.ok(mark.at >= 0 && mark.at <= 1);
        if (i > 0) assert.ok(mark.at > (marks[i - 1]?.at ?? 0));
      });
    }
  });
});

describe("busy time", () => {
  it("is the union of what was added, in any order", () => {
    const busy = new BusyTime(0);
    for (const [from, to] of [[50, 60], [0, 10], [20, 30], [9, 21], [70, 80], [55, 75]] as const) {
      busy.add(from, to);
    }
    assert.deepEqual(busy.stretches, [[0, 30], [50, 80]]);
  });

  it("grows over small gaps, so that many short steps are one stretch", () => {
    const busy = new BusyTime(1000);
    for (let i = 0; i < 10_000; i += 1) busy.add(i * 500, i * 500 + 10);
    assert.equal(busy.stretches.length, 1);
  });
});
