import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe as group, it } from "node:test";
import { Graphviz as Runtime } from "@hpcc-js/wasm-graphviz";
import { dividers } from "../src/graph/boxes";
import type { Box, Geometry, Point } from "../src/graph/geometry";
import { Layouter } from "../src/graph/layout";
import { tieToBorders } from "../src/graph/ties";
import { boxAround } from "../src/graph/viewport";
import { describe, isMessage } from "../src/graph/words";
import type { Graphviz } from "../src/graphviz";
import type { GraphEdge, Traits } from "../src/protocol";

const graphviz = (await Runtime.load()) as unknown as Graphviz;
const WIDTHS = [300, 448, 592, 1600];

group("boxes", () => {
  for (const name of ["player", "nested"]) {
    const traits = sample(name);
    it(`${name}: everything has a place at every width`, () => {
      for (const width of WIDTHS) {
        const geometry = new Layouter().layout(graphviz, traits.dot, traits.graph, width);
        for (const { id } of traits.graph.nodes) {
          assert.ok(geometry.nodes.has(id) || geometry.clusters.has(id), id);
        }
        for (const { id } of traits.graph.edges) {
          assert.ok((geometry.edges.get(id)?.points.length ?? 0) >= 4, id);
        }
      }
    });

    it(`${name}: edges of a box begin and end at its border`, () => {
      for (const width of WIDTHS) {
        const geometry = new Layouter().layout(graphviz, traits.dot, traits.graph, width);
        for (const edge of traits.graph.edges) {
          const [from, to] = [clusterOf(edge.source), clusterOf(edge.target ?? edge.source)];
          const shape = geometry.edges.get(edge.id);
          const [start, tip] = [shape?.points[0], shape?.tip];
          const label = `${edge.message} at ${width}`;
          if (from && start) assert.ok(toBorder(start, from(geometry)) < 1.5, `${label} begins`);
          if (to && tip) assert.ok(toBorder(tip, to(geometry)) < 1.5, `${label} ends`);
        }
      }

      function clusterOf(path: string): ((geometry: Geometry) => Box) | null {
        const node = traits.graph.nodes.find((each) => each.path === path);
        const hasStates = traits.graph.nodes.some(({ parent }) => parent === path);
        return node && hasStates ? (geometry) => geometry.clusters.get(node.id) as Box : null;
      }
    });
  }

  it("keep no label of a line that ends at their border", () => {
    const { graph } = into();
    const line = [0, 30, 60, 90].map((y) => ({ x: 50, y }));
    const shape = { points: line, tip: { x: 50, y: 100 }, label: { x: 50, y: 70 } };
    const inside = { ...shape, beside: { x: 70, y: 70 } };
    const beside = { ...shape, beside: { x: 70, y: 15 } };
    const geometry: Geometry = {
      width: 100,
      height: 140,
      nodes: new Map([["n0", { x: 20, y: -40, width: 60, height: 40 }]]),
      clusters: new Map([["n1", { x: 0, y: 40, width: 100, height: 100 }]]),
      dots: [],
      edges: new Map([["e0", inside], ["e1", beside]]),
      entries: [],
    };

    tieToBorders(geometry, graph);

    assert.equal(geometry.edges.get("e0")?.beside, null);
    assert.ok((geometry.edges.get("e0")?.label?.y ?? 99) <= 40);
    assert.deepEqual(geometry.edges.get("e1")?.beside, { x: 70, y: 15 });
  });

  it("stand around their states and in their parents", () => {
    const { dot, graph } = sample("player");
    const geometry = new Layouter().layout(graphviz, dot, graph, 592);
    const ids = new Map(graph.nodes.map(({ path, id }) => [path, id]));
    for (const { id, parent } of graph.nodes) {
      if (parent === null) continue;
      const inner = geometry.clusters.get(id) ?? (geometry.nodes.get(id) as Box);
      const outer = geometry.clusters.get(ids.get(parent) ?? "") as Box;

      const both = boxAround([inner, outer]) as Box;
      assert.ok(both.width - outer.width < 0.01 && both.height - outer.height < 0.01, id);
    }
  });

  it("show regions in document order, below or beside each other", () => {
    const { dot, graph } = sample("player");
    const [first, second] = ["transport", "sound"].map(
      (label) => graph.nodes.find((node) => node.label === label)?.id ?? "",
    ) as [string, string];
    const wide = new Layouter().layout(graphviz, dot, graph, 592).clusters;
    const narrow = new Layouter().layout(graphviz, dot, graph, 300).clusters;

    assert.ok((wide.get(first)?.y ?? 0) + (wide.get(first)?.height ?? 0) <= (wide.get(second)?.y ?? 0));
    assert.ok((narrow.get(first)?.x ?? 0) < (narrow.get(second)?.x ?? 0));
    assert.equal(narrow.get(first)?.y, narrow.get(second)?.y);
  });

  it("keep each initial dot with its own state", () => {
    const { dot, graph } = sample("player");
    const geometry = new Layouter().layout(graphviz, dot, graph, 592);

    assert.equal(geometry.dots.length, 3);
    for (const each of geometry.dots) {
      const state = geometry.nodes.get(`n${each.id.slice(1)}`) as Box;
      assert.ok(toBorder(each.at, state) < 40, each.id);
    }
  });

  it("are parted by straight lines where that can be", () => {
    const box = { x: 0, y: 0, width: 100, height: 100 };
    const [top, low] = [at(10, 10, 80, 30), at(10, 60, 80, 30)];
    const [left, right] = [at(10, 30, 30, 60), at(60, 30, 30, 60)];

    assert.deepEqual(dividers(box, [low, top]), [
      [
        { x: 0, y: 50 },
        { x: 100, y: 50 },
      ],
    ]);
    assert.deepEqual(
      dividers(box, [left, right])?.map(([from]) => from.x),
      [50],
    );
    assert.equal(dividers(box, [at(0, 0, 60, 60), at(50, 50, 40, 40)]), null);
  });

  it("that are initial are pointed at from without", () => {
    const { graph } = sample("player");
    const dot =
      "digraph { subgraph cluster_n0 { i1 [shape=point] n1 i1 -> n1 [id=i1e] }" +
      " i0 [shape=point] i0 -> i1 [id=i0e] }";
    const nodes = ["n0", "n1"].map((id, n) => ({
      ...(graph.nodes[0] as (typeof graph.nodes)[number]),
      id,
      path: id,
      parent: n ? "n0" : null,
    }));
    const geometry = new Layouter().layout(graphviz, dot, { nodes, edges: [] }, 592);
    const box = geometry.clusters.get("n0") as Box;
    const [entry, start] = [
      geometry.entries.find(({ id }) => id === "i0e"),
      geometry.dots.find(({ id }) => id === "i0"),
    ];

    assert.ok(start && start.at.x < box.x);
    assert.ok(entry?.tip && Math.abs(entry.tip.x - box.x) < 8);
  });

  it("and states have their edges, even those that Graphviz has lost", () => {
    const { dot, graph } = sample("player");
    const without = dot.replace(/.* -> .*id=e2\]\n/, "");
    const shape = new Layouter().layout(graphviz, without, graph, 592).edges.get("e2");

    assert.ok(without !== dot);
    assert.equal(shape?.points.length, 4);
  });

  it("give way when Graphviz fails at one spacing", () => {
    const { dot, graph } = sample("player");
    let calls = 0;
    const shaky: Graphviz = {
      layout(...args) {
        calls += 1;
        if (calls === 1) throw new Error("table index is out of bounds");
        return graphviz.layout(...args);
      },
    };

    assert.ok(new Layouter().layout(shaky, dot, graph, 592).nodes.size > 0);
    assert.ok(calls > 1);
  });
});

group("words", () => {
  const edge = (more: Partial<GraphEdge>): GraphEdge => ({
    id: "e0",
    source: "a",
    target: "b",
    message: "go",
    guard: null,
    description: null,
    internal: false,
    trigger: "message",
    ...more,
  });

  it("name what takes an edge", () => {
    assert.equal(describe(edge({ guard: "n at least 1" })), "go: a to b, if n at least 1");
    assert.equal(
      describe(edge({ trigger: "after", message: "after 3m" })),
      "Taken by itself after 3m in a: leads to b",
    );
    assert.ok(/without a message/.test(describe(edge({ trigger: "always", message: "always" }))));
    assert.ok(/when a is done/.test(describe(edge({ trigger: "done", message: "done" }))));
    assert.ok(/in a fails: stays in a/.test(describe(edge({ trigger: "error", target: null }))));
    assert.ok(/begins with door\.:/.test(describe(edge({ message: "door.*" }))));
    assert.ok(/nothing else takes/.test(describe(edge({ message: "*" }))));
  });

  it("know which edges a message takes", () => {
    assert.ok(isMessage(edge({})));
    assert.ok(isMessage(edge({ message: "done" })));
    assert.ok(!isMessage(edge({ trigger: "done", message: "done" })));
    assert.ok(!isMessage(edge({ message: "*" })));
  });
});

function sample(name: string): Traits {
  const file = new URL(`../dev/${name}_traits.json`, import.meta.url);
  return JSON.parse(readFileSync(file, "utf8")) as Traits;
}

function at(x: number, y: number, width: number, height: number): Box {
  return { x, y, width, height };
}

/** The distance of a point to the border of a box. */
function toBorder({ x, y }: Point, box: Box): number {
  const [right, bottom] = [box.x + box.width, box.y + box.height];
  const [dx, dy] = [Math.max(box.x - x, x - right, 0), Math.max(box.y - y, y - bottom, 0)];
  if (dx > 0 || dy > 0) return Math.hypot(dx, dy);
  return Math.min(x - box.x, right - x, y - box.y, bottom - y);
}

/** A state beside a box, and two ways into it. */
function into(): { graph: Traits["graph"] } {
  const state = { kind: "atomic", description: null, deep: false };
  const nodes = [
    { ...state, id: "n0", path: "out", label: "out", parent: null },
    { ...state, id: "n1", path: "a", label: "a", parent: null, kind: "compound" },
    { ...state, id: "n2", path: "a.b", label: "b", parent: "a" },
  ];
  const way = { guard: null, description: null, internal: false, trigger: "message" };
  const edges = ["e0", "e1"].map((id) => ({
    ...way,
    id,
    source: "out",
    target: "a",
    message: id,
  }));
  return { graph: { nodes, edges } };
}
