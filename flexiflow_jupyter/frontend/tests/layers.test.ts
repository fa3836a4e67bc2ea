import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { drawnMarks, summary } from "../src/graph/changes";
import { readColour } from "../src/graph/colour";
import { leftPart, leftText, nextChange } from "../src/graph/countdown";
import { countText, notYet, shareText } from "../src/graph/coverage";
import { statesAround } from "../src/graph/names";
import type { ChangesInfo, CoverageInfo, Graph, GraphEdge, GraphNode } from "../src/protocol";

function node(path: string): GraphNode {
  const label = path.split(".").at(-1) ?? path;
  return { id: path, path, label, kind: "atomic", parent: null, description: null, deep: false };
}

function edge(id: string, source: string, target: string | null, message = "go"): GraphEdge {
  const rest = { guard: null, description: null, internal: target === null, trigger: "message" };
  return { id, source, target, message, ...rest };
}

const CHAIN: Graph = {
  nodes: ["a", "b", "c", "d.c"].map(node),
  edges: [edge("e0", "a", "b"), edge("e1", "b", "c"), edge("e2", "c", "d.c"), edge("e3", "a", null)],
};

describe("layers", () => {
  it("what is left of a timer is told in the largest unit that fits", () => {
    const texts = [7_385_000, 108_000, 59_001, 12_000, 3001, 3000, 2401, 40, 0, -5];
    assert.deepEqual(
      texts.map((left) => leftText(left, false)),
      ["2:03:05", "1:48", "1:00", "12 s", "4 s", "3.0 s", "2.5 s", "0.1 s", "now", "now"],
    );
  });

  it("with reduced motion the text changes once a second, to the end", () => {
    assert.equal(leftText(2401, true), "3 s");
    assert.ok(Math.abs(nextChange(2401, true) - 402) < 1e-6);
  });

  it("a ring is drawn once a second, and ten times in the last three", () => {
    assert.equal(nextChange(12_300, false), 301);
    assert.equal(nextChange(3400, false), 401);
    assert.equal(nextChange(2450, false), 51);
    assert.equal(nextChange(0, false), Infinity);
  });

  it("each drawing shows what is left then", () => {
    for (let left = 5000; left > 0; ) {
      const wait = nextChange(left, false);
      assert.ok(leftText(left - wait, false) !== leftText(left, false));
      left -= wait;
    }
  });

  it("a ring drains from whole to nothing", () => {
    assert.equal(leftPart(10_000, 10_000, false), 1);
    assert.equal(leftPart(4100, 10_000, false), 0.5);
    assert.equal(leftPart(2410, 10_000, false), 0.25);
    assert.equal(leftPart(0, 10_000, false), 0);
    assert.equal(leftPart(400, 500, true), 0.8);
  });

  it("counts stay short", () => {
    assert.deepEqual(
      [0, 3, 999, 1000, 1240, 15_900, 2_000_000].map(countText),
      ["×0", "×3", "×999", "×1k", "×1.2k", "×15k", "×2M"],
    );
  });

  function coverage(edges: Record<string, number>, states: Record<string, number>): CoverageInfo {
    const seen = (counts: Record<string, number>): number =>
      Object.values(counts).filter((count) => count > 0).length;
    return {
      edges,
      states,
      total: { edges: Object.keys(edges).length, states: Object.keys(states).length },
      seen: { edges: seen(edges), states: seen(states) },
    };
  }

  it("only what is whole is called a hundred per cent", () => {
    const many = Object.fromEntries([...Array(999).keys()].map((n) => [`e${n}`, 1]));
    assert.equal(shareText(coverage(many, {})), "100 %");
    assert.equal(shareText(coverage({ ...many, e: 0 }, {})), "99 %");
    assert.equal(shareText(coverage({}, {})), "");
  });

  it("what was not visited is named, by its path where names are not unique", () => {
    const found = notYet(coverage({ e0: 2, e1: 0, e2: 1, e3: 0 }, { a: 1, b: 1, c: 0, "d.c": 0 }), CHAIN);
    assert.deepEqual(
      found.map(({ key, name }) => `${key}: ${name}`),
      ["c: c", "d.c: d.c", "e1: go from b", "e3: go in a"],
    );
  });

  it("near are the states two steps around, in either direction", () => {
    assert.deepEqual([...statesAround(CHAIN, ["c"], 1)].sort(), ["b", "c", "d.c"]);
    assert.deepEqual([...statesAround(CHAIN, ["c"], 2)].sort(), ["a", "b", "c", "d.c"]);
  });

  it("changes are counted in words, and the legend has what is drawn", () => {
    const changes: ChangesInfo = {
      number: 1,
      dot: "",
      graph: CHAIN,
      states: { a: "added", b: "removed", c: "added" },
      edges: { e0: "changed" },
      lines: [],
      text: "",
      kept: true,
    };
    assert.equal(summary(changes), "2 states added, 1 state removed, 1 transition changed");
    assert.deepEqual(drawnMarks(changes), ["added", "removed", "changed"]);
    assert.equal(summary({ ...changes, states: {}, edges: {}, lines: ["~ context n"] }), "~ context n");
  });

  it("computed colours are written as every program reads them", () => {
    assert.deepEqual(readColour("rgb(25, 118, 210)"), { colour: "#1976d2", opacity: 1 });
    assert.deepEqual(readColour("rgba(0, 0, 0, 0.5)"), { colour: "#000000", opacity: 0.5 });
    assert.deepEqual(readColour("color(srgb 1 0.5 0 / 0.25)"), { colour: "#ff8000", opacity: 0.25 });
    assert.deepEqual(readColour("none"), { colour: "none", opacity: 1 });
    assert.deepEqual(readColour("rgba(9, 9, 9, 0)"), { colour: "none", opacity: 1 });
    assert.equal(readColour("oklab(0.6 0 0)"), null);
  });
});
