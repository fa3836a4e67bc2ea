import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { Graphviz as Runtime } from "@hpcc-js/wasm-graphviz";
import { trim } from "../src/graph/bounds";
import { headPaths, linePath, nearestOn, readGeometry } from "../src/graph/geometry";
import { placeLabels } from "../src/graph/labels";
import { Layouter } from "../src/graph/layout";
import { namedStates, targetsOf } from "../src/graph/names";
import { border } from "../src/graph/pairs";
import type { Graphviz } from "../src/graphviz";
import type { Traits } from "../src/protocol";

const sample = JSON.parse(
  readFileSync(new URL("../dev/sample_traits.json", import.meta.url), "utf8"),
) as Traits;
const ids = new Set(sample.graph.edges.map(({ id }) => id));
// The format "json0" is missing in the declarations of the package.
const graphviz = (await Runtime.load()) as unknown as Graphviz;

describe("geometry", () => {
  const geometry = readGeometry(graphviz.layout(sample.dot, "json0", "dot"), ids);

  it("has every state, edge and initial dot of the sample", () => {
    assert.deepEqual([...geometry.nodes.keys()], ["n0", "n1"]);
    assert.deepEqual([...geometry.edges.keys()].sort(), ["e0", "e1", "e2"]);
    assert.equal(geometry.dots.length, 1);
    assert.equal(geometry.entries.length, 1);
  });

  it("counts downwards, as the page does", () => {
    const [loop, box] = [geometry.edges.get("e2"), geometry.nodes.get("n1")];

    assert.ok(loop?.label && box);
    assert.ok(loop.label.y < box.y);
  });

  it("puts labels on their lines", () => {
    const line = [
      { x: 0, y: 0 },
      { x: 10, y: 0 },
      { x: 20, y: 0 },
      { x: 30, y: 0 },
    ];

    assert.deepEqual(nearestOn(line, { x: 15, y: 9 }), { x: 15, y: 0 });
    assert.equal(linePath(line), "M0,0C10,0 20,0 30,0");
  });

  it("draws heads from the end of the line to its tip", () => {
    const { full } = headPaths({ x: 0, y: 0 }, { x: 10, y: 0 });

    assert.equal(full, "M0.5,4.2L10,0 0.5,-4.2Z");
  });

  it("reads boxes of compound states", () => {
    const dot = "digraph { compound=true subgraph cluster_n0 { n1 n2 } n1 -> n2 [id=e0] }";
    const nested = readGeometry(graphviz.layout(dot, "json0", "dot"), new Set(["e0"]));

    assert.deepEqual([...nested.clusters.keys()], ["n0"]);
    assert.equal(nested.nodes.size, 2);
  });

  it("refuses what is no picture", () => {
    assert.throws(() => readGeometry("{}", ids), /bounding box/);
  });

  it("starts at the corner once it is trimmed", () => {
    const own = readGeometry(graphviz.layout(sample.dot, "json0", "dot"), ids);
    trim(own, new Map());
    const lefts = [...own.nodes.values()].map(({ x }) => x);

    assert.ok(Math.min(...lefts, ...own.dots.map(({ at, radius }) => at.x - radius)) >= 0);
    assert.ok(Math.max(...[...own.nodes.values()].map((b) => b.x + b.width)) <= own.width);
  });
});

describe("layout", () => {
  it("goes sideways where there is room and downwards where there is none", () => {
    const chain = chainOf(6);
    const wide = new Layouter().layout(graphviz, chain.dot, chain.graph, 2000);
    const narrow = new Layouter().layout(graphviz, chain.dot, chain.graph, 300);

    assert.ok(wide.width > wide.height);
    assert.ok(narrow.height > narrow.width);
  });

  it("gives what Graphviz says about broken DOT", () => {
    const layouter = new Layouter();

    assert.throws(() => layouter.layout(graphviz, "digraph { a -> }", sample.graph, 600), /syntax/);
  });

  it("bends two transitions that go back and forth to different sides", () => {
    const geometry = new Layouter().layout(graphviz, sample.dot, sample.graph, 700);
    const [there, back] = [geometry.edges.get("e0")?.label, geometry.edges.get("e1")?.label];

    assert.ok(there && back);
    assert.ok(back.y - there.y > 30);
  });
});

describe("loops", () => {
  it("are arches over each other, each around the labels below", () => {
    const messages = ["a", "a longer message", "c"];
    const edges = messages.map((message, n) => ({
      ...sample.graph.edges[2],
      id: `e${n}`,
      source: "s",
      target: null,
      message,
    })) as Traits["graph"]["edges"];
    const graph = { nodes: [{ ...sample.graph.nodes[0], id: "n0", path: "s" }], edges } as Traits["graph"];
    const lines = messages.map((label, n) => `n0 -> n0 [id=e${n} label="${label}"]`);
    const dot = `digraph { node [shape=box] n0 ${lines.join(" ")} }`;
    const { edges: shapes } = new Layouter().layout(graphviz, dot, graph, 700);
    const ways = messages.map((_, n) => shapes.get(`e${n}`)?.points ?? []);
    const [tops, widths] = [
      ways.map((points) => Math.min(...points.map(({ y }) => y))),
      ways.map((points) => Math.max(...points.map(({ x }) => x)) - Math.min(...points.map(({ x }) => x))),
    ];

    assert.ok((tops[0] ?? 0) > (tops[1] ?? 0) && (tops[1] ?? 0) > (tops[2] ?? 0));
    assert.ok((widths[2] ?? 0) > "a longer message".length * 7);
  });
});

describe("labels", () => {
  it("keep off states and off each other", () => {
    const points = [
      { x: 0, y: 0 },
      { x: 100, y: 0 },
      { x: 200, y: 0 },
      { x: 300, y: 0 },
    ];
    const request = { points, wish: { x: 150, y: 0 }, beside: null, tip: null, width: 40, height: 20 };
    const state = { x: 130, y: -20, width: 40, height: 40 };
    const places = placeLabels([{ ...request, id: "a" }, { ...request, id: "b" }], [state]);
    const [a, b] = [places.get("a"), places.get("b")];

    assert.ok(a && b);
    assert.ok(Math.abs(a.x - 150) > 40 && Math.abs(b.x - 150) > 40);
    assert.ok(Math.abs(a.x - b.x) > 40);
  });

  it("keep off other lines", () => {
    const across = [0, 100, 200, 300].map((x) => ({ x, y: 0 }));
    const down = [-90, -30, 30, 90].map((y) => ({ x: 150, y }));
    const request = { beside: null, tip: null, width: 40, height: 20 };
    const places = placeLabels(
      [
        { ...request, id: "a", points: across, wish: { x: 150, y: 0 } },
        { ...request, id: "b", points: down, wish: { x: 150, y: 70 } },
      ],
      [],
    );
    const a = places.get("a");

    assert.ok(a && Math.abs(a.x - 150) > 20);
  });

  it("stand beside a short line between two states", () => {
    const points = [0, 10, 20, 30].map((y) => ({ x: 50, y }));
    const states = [
      { x: 0, y: -40, width: 100, height: 40 },
      { x: 0, y: 30, width: 100, height: 40 },
    ];
    const other = { points: points.map(({ y }) => ({ x: 70, y })), wish: { x: 70, y: 15 } };
    const common = { beside: null, tip: null, width: 30, height: 16 };
    const places = placeLabels(
      [
        { ...common, id: "a", points, wish: { x: 50, y: 15 } },
        { ...common, ...other, id: "b" },
      ],
      states,
    );
    const [a, b] = [places.get("a"), places.get("b")];

    assert.ok(a && b);
    assert.ok(a.x + 15 < 70 && b.x - 15 > 50);
    assert.ok(b.x - a.x >= 30 && Math.abs(a.y - 15) < 8);
  });

  it("make room for one that came later and has no other place", () => {
    const states = [
      { x: 60, y: 30, width: 180, height: 45 },
      { x: 60, y: 4, width: 60, height: 22 },
      { x: 180, y: 4, width: 60, height: 22 },
    ];
    const long = [0, 100, 200, 300].map((x) => ({ x, y: 0 }));
    const short = [148, 149, 151, 152].map((x) => ({ x, y: 15 }));
    const request = { beside: null, tip: null, width: 40, height: 20 };
    const places = placeLabels(
      [
        { ...request, id: "a", points: long, wish: { x: 150, y: 0 } },
        { ...request, id: "b", points: short, wish: { x: 150, y: 15 } },
      ],
      states,
    );
    const [a, b] = [places.get("a"), places.get("b")];

    assert.ok(a && b);
    assert.ok(Math.abs(a.x - b.x) >= 40 || Math.abs(a.y - b.y) >= 20);
  });

  it("stay where they wish when nothing is in the way", () => {
    const points = [0, 1, 2, 3].map((n) => ({ x: n * 50, y: n }));
    const wish = { x: 75, y: 1.5 };
    const places = placeLabels([{ id: "a", points, wish, beside: null, tip: null, width: 9, height: 9 }], []);

    assert.deepEqual(places.get("a"), wish);
  });
});

describe("borders and names", () => {
  it("leave a box on the side that looks at the point", () => {
    const box = { x: 0, y: 0, width: 100, height: 40 };

    assert.deepEqual(border(box, { x: 250, y: 20 }), { x: 100, y: 20 });
    assert.deepEqual(border(box, { x: 50, y: -80 }), { x: 50, y: 0 });
  });

  it("name active states and where they lead", () => {
    assert.deepEqual([...namedStates(sample.active, sample.parents, targetsOf(sample.graph))].sort(), ["locked", "unlocked"]);
  });
});

function chainOf(count: number): Pick<Traits, "dot" | "graph"> {
  const nodes = Array.from({ length: count }, (_, n) => ({
    id: `n${n}`,
    path: `state_${n}`,
    label: `state_${n}`,
    kind: "atomic",
    parent: null,
    description: null,
    deep: false,
  }));
  const edges = nodes.slice(1).map((node, n) => ({
    id: `e${n}`,
    source: `state_${n}`,
    target: node.path,
    message: "next",
    guard: null,
    description: null,
    internal: false,
    trigger: "message",
  }));
  const lines = edges.map((edge, n) => `n${n} -> n${n + 1} [id=${edge.id} label=next]`);
  const dot = `digraph { rankdir=LR node [shape=box fontsize=13] ${nodes
    .map(({ id, label }) => `${id} [label=${label}]`)
    .join(" ")} ${lines.join(" ")} }`;
  return { dot, graph: { nodes, edges } };
}
