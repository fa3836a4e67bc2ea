/**
 * From DOT to a geometry that suits its place. The declared picture goes sideways;
 * where that does not fit, closer spacing and then the way down are tried. Geometries
 * are kept, so that another size of the page costs no layout.
 */
import type { Graphviz } from "../graphviz";
import type { Graph } from "../protocol";
import { shortenEntries, trim } from "./bounds";
import type { Box, Geometry } from "./geometry";
import { readGeometry } from "./geometry";
import { drawLoops } from "./loops";
import { bendPairs } from "./pairs";
import { CROWD, wishedScale } from "./viewport";

const KEPT = 16;
/** At this scale a picture is as good as it gets. */
const GOOD = 0.97;

interface Setting {
  /** Graph attributes. */
  graph: string;
  /** Attributes of each state's node. */
  node: string;
  /** How much this picture is preferred to one of the same scale. */
  bonus: number;
}

const SETTINGS: readonly Setting[] = [
  { graph: "rankdir=LR nodesep=0.5 ranksep=1.6", node: "height=0.6 width=1.5", bonus: 1.16 },
  { graph: "rankdir=LR nodesep=0.5 ranksep=1", node: "height=0.6 width=1.5", bonus: 1.15 },
  { graph: "rankdir=LR nodesep=0.4 ranksep=0.5", node: "height=0.5 width=1.1", bonus: 1.1 },
  { graph: "rankdir=TB nodesep=0.4 ranksep=0.4", node: "height=0.5 width=1.1", bonus: 1.02 },
  {
    graph: "rankdir=LR nodesep=0.3 ranksep=0.3",
    node: 'height=0.44 width=0.7 margin="0.15,0.05"',
    bonus: 1.05,
  },
  {
    graph: "rankdir=TB nodesep=0.3 ranksep=0.2",
    node: 'height=0.4 width=0.7 margin="0.15,0.05"',
    bonus: 1,
  },
];
/** A crowd is laid out once. */
const CROWD_SETTINGS: readonly Setting[] = [
  { graph: "nodesep=0.25 ranksep=0.6", node: "height=0.5", bonus: 1 },
];

export class Layouter {
  readonly #kept = new Map<string, Geometry>();

  /** The best layout for a width in pixels. Throws what Graphviz says. */
  layout(graphviz: Graphviz, dot: string, graph: Graph, widthPx: number): Geometry {
    const states = graph.nodes.length;
    let best: Geometry | null = null;
    let most = -1;
    for (const setting of states > CROWD ? CROWD_SETTINGS : SETTINGS) {
      const { bonus } = setting;
      const geometry = this.#geometry(graphviz, withSetting(dot, graph, setting), graph);
      const scale = wishedScale(geometry, widthPx, states);
      if (scale * bonus > most) {
        most = scale * bonus;
        best = geometry;
      }
      if (scale >= GOOD) break;
    }
    return best as Geometry;
  }

  #geometry(graphviz: Graphviz, dot: string, graph: Graph): Geometry {
    const key = `${dot}\0${JSON.stringify(graph)}`;
    const kept = this.#kept.get(key);
    if (kept) return kept;
    const ids = new Set(graph.edges.map((edge) => edge.id));
    const geometry = readGeometry(graphviz.layout(dot, "json0", "dot"), ids);
    refine(geometry, graph);
    if (this.#kept.size >= KEPT) this.#kept.clear();
    this.#kept.set(key, geometry);
    return geometry;
  }
}

/** What Graphviz leaves to be done: bends, short entries, no empty border. */
function refine(geometry: Geometry, graph: Graph): void {
  const isCrowd = graph.nodes.length > CROWD;
  const boxes = new Map<string, Box>();
  for (const { id, path } of graph.nodes) {
    const box = geometry.nodes.get(id);
    if (box) boxes.set(path, box);
  }
  const width = (message: string): number => Math.min(message.length, 28) * 7 + 16;
  const widths = new Map(graph.edges.map((edge) => [edge.id, width(edge.message)]));
  if (!isCrowd) {
    bendPairs(geometry, graph.edges, boxes);
    drawLoops(geometry, graph.edges, boxes, widths);
  }
  shortenEntries(geometry);
  trim(geometry, isCrowd ? new Map() : widths);
}

/**
 * Put statements before the brace that ends the DOT: the last value of an attribute
 * counts. Compound states are no nodes there and are left alone.
 */
function withSetting(dot: string, graph: Graph, setting: Setting): string {
  const end = dot.lastIndexOf("}");
  if (end < 0) return dot;
  const compound = new Set(graph.nodes.map((node) => node.parent));
  const nodes = graph.nodes
    .filter(({ id, path }) => !compound.has(path) && /^[A-Za-z_]\w*$/.test(id))
    .map(({ id }) => `${id} [${setting.node}]`);
  return `${dot.slice(0, end)}\ngraph [${setting.graph}]\n${nodes.join("\n")}\n}\n`;
}
