import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { rowsUntil } from "../src/pastRows";
import type { ContextEntry, EventRow } from "../src/protocol";
import type { Steps } from "../src/timeline/track";
import { drawTrack, PAD, stepAt, xOf } from "../src/timeline/track";
import { causeOf, sinceThen } from "../src/timeline/words";

function steps(last: number, more: Partial<Steps> = {}): Steps {
  return { first: 0, last, failed: [], labels: [], ...more };
}

function count(path: string, letter: string): number {
  return path.split(letter).length - 1;
}

describe("track", () => {
  it("has a tick for each step and its handle at the last one", () => {
    const picture = drawTrack(180, steps(3), null);

    assert.equal(picture.ticks, "M8,14V22M62.7,14V22M117.3,14V22M172,14V22");
    assert.equal(picture.liveX, 172);
    assert.equal(picture.pastX, null);
    assert.equal(picture.future, "");
  });

  it("is dotted behind an earlier step", () => {
    const picture = drawTrack(576, steps(6), 3);

    assert.equal(picture.pastX, 288);
    assert.equal(picture.line, "M8,18H288");
    assert.equal(picture.future, "M288,18H568");
  });

  it("thins ticks out to round numbers, however many steps there are", () => {
    for (const last of [500, 9_999, 123_456]) {
      const { ticks } = drawTrack(600, steps(last), null);
      assert.ok(count(ticks, "V") <= 100, `${last}: ${count(ticks, "V")}`);
      assert.ok(count(ticks, "V") >= 20, `${last}: ${count(ticks, "V")}`);
    }
  });

  it("keeps the first tick when the beginning is gone", () => {
    const { ticks } = drawTrack(616, { first: 333, last: 933, failed: [], labels: [] }, null);

    assert.ok(ticks.startsWith("M8,14V22"));
    assert.ok(ticks.endsWith("M608,14V22"));
  });

  it("draws one step, and none, without a fault", () => {
    assert.equal(drawTrack(180, steps(0), null).ticks, "M8,14V22");
    assert.equal(drawTrack(180, steps(-1), null).ticks, "");
    assert.equal(drawTrack(0, steps(5), 2).pastX, PAD);
  });

  it("puts a cross between a step and the next, at the end behind it", () => {
    const { crosses } = drawTrack(116, steps(10, { failed: [4, 10] }), null);

    assert.equal(count(crosses, "l7,7"), 2);
    assert.ok(crosses.startsWith(`M${8 + 45 - 3.5},14.5`));
    assert.ok(crosses.includes(`M${108 + 11 - 3.5},14.5`));
  });

  it("draws no cross twice at one place, and none of steps that are gone", () => {
    const failed = Array.from({ length: 200 }, (_, n) => 5000 + n);
    const { crosses } = drawTrack(600, { first: 5100, last: 15_000, failed, labels: [] }, null);

    assert.ok(count(crosses, "l7,7") <= 3);
  });

  it("has labels while each has 40 px, cut to their room", () => {
    const labels = ["start", "a_very_long_message_name", "coin", "push"];
    const wide = drawTrack(180, steps(3, { labels }), null).labels;
    const narrow = drawTrack(120, steps(3, { labels }), null).labels;

    assert.deepEqual(wide.map((label) => label.anchor), ["start", "middle", "middle", "middle"]);
    assert.equal(wide[1]?.full, "a_very_long_message_name");
    assert.ok((wide[1]?.text.length ?? 99) <= 8);
    assert.deepEqual(narrow, []);
  });

  it("has no labels when the kernel told some of them only", () => {
    assert.deepEqual(drawTrack(900, steps(3, { labels: ["start"] }), null).labels, []);
  });

  it("finds the step under the pointer", () => {
    const many = steps(9_999);
    for (const step of [0, 1, 5000, 9_999]) {
      assert.equal(stepAt(760, many, xOf(760, many, step)), step);
    }
    assert.equal(stepAt(760, many, -50), 0);
    assert.equal(stepAt(760, many, 5000), 9_999);
    assert.equal(stepAt(760, steps(0), 300), 0);
  });
});

describe("words of a step", () => {
  const entry = (key: string, value: string): ContextEntry => ({ key, value, previous: null, changed: false });

  it("tell what has changed since then, what came and what went", () => {
    const then = [entry("a", "1"), entry("b", "2"), entry("gone", "3")];
    const now = [entry("a", "1"), entry("b", "5"), entry("new", "4")];

    assert.deepEqual(sinceThen(then, now), [
      { key: "b", from: "2", to: "5" },
      { key: "gone", from: "3", to: "\u2013" },
      { key: "new", from: "\u2013", to: "4" },
    ]);
  });

  it("leave out what the kernel does not know", () => {
    const answer = { time_ms: Number.NaN, cause: "", message: "" } as never;
    assert.equal(causeOf(answer), "");
  });
});

describe("rows until a step", () => {
  const rows = {
    first: 10,
    end: 15,
    at: (n: number): EventRow => [n * 2, 0, "x", "", "", "", "info"],
  };

  it("end with the last event of that time", () => {
    assert.equal(rowsUntil(rows, 24).end, 13);
    assert.equal(rowsUntil(rows, 25).end, 13);
    assert.equal(rowsUntil(rows, 5).end, 10);
    assert.equal(rowsUntil(rows, 1000).end, 15);
    assert.equal(rowsUntil(rows, 24).at(12)[0], 24);
  });
});
