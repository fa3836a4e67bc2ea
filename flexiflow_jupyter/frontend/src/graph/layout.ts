/**
 * From DOT to a geometry that suits its place. The declared picture goes sideways;
 * where that does not fit, closer spacing and then the way down are tried. Geometries
 * are kept, so that another size of the page costs no layout.
 */
import type { Graphviz } from "../graphviz";
import type { Graph, GraphEdge } from "../protocol";
import { shortenEntries, trim } from "./bounds";
import { alignRegions, mirrorRegions } from "./boxes";
import type { Box, Geometry } from "./geometry";
import { readGeometry } from "./geometry";
import { drawLoops } from "./loops";
import { bendPairs } from "./pairs";
import { drawLost, seedLoops, tieToBorders } from "./ties";
import { CROWD, wishedScale } from "./viewport";

const KEPT = 16;
/** Boxes cost Graphviz time: with more states than this only close spacings are tried. */
const LARGE = 20;
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
/**
 * With boxes, names and labels need more room between ranks than around them. The page
 * ends edges at borders itself: Graphviz misses some (`compound`).
 */
const NESTED_SETTINGS: readonly Setting[] = [
  {
    graph: "compound=false rankdir=LR nodesep=0.5 ranksep=1",
    node: "height=0.55 width=1.2",
    bonus: 1.22,
  },
  {
    graph: "compound=false rankdir=LR nodesep=0.45 ranksep=0.8",
    node: 'height=0.5 width=0.9 margin="0.2,0.08"',
    bonus: 1.21,
  },
  {
    graph: "compound=false rankdir=LR nodesep=0.4 ranksep=0.6",
    node: 'height=0.46 width=0.8 margin="0.18,0.06"',
    bonus: 1.2,
  },
  {
    graph: "compound=false rankdir=LR nodesep=0.35 ranksep=0.4",
    node: 'height=0.44 width=0.7 margin="0.15,0.05"',
    bonus: 1.07,
  },
  {
    graph: "compound=false rankdir=TB nodesep=0.45 ranksep=0.45",
    node: "height=0.5 width=1.1",
    bonus: 1.02,
  },
  {
    graph: "compound=false rankdir=TB nodesep=0.35 ranksep=0.25",
    node: 'height=0.42 width=0.7 margin="0.15,0.05"',
    bonus: 1,
  },
];
/** A crowd is laid out once. */
const CROWD_SETTINGS: readonly Setting[] = [
  { graph: "compound=false nodesep=0.25 ranksep=0.6", node: "height=0.5", bonus: 1 },
];

export class Layouter {
  readonly #kept = new Map<string, Geometry>();

  /** The best layout for a width in pixels. Throws what Graphviz says. */
  layout(graphviz: Graphviz, dot: string, graph: Graph, widthPx: number): Geometry {
    const states = graph.nodes.length;
    let best: Geometry | null = null;
    let most = -1;
    let problem: unknown = null;
    for (const setting of settingsFor(graph)) {
      const { bonus } = setting;
      let geometry: Geometry;
      try {
        geometry = this.#geometry(graphviz, withSetting(dot, graph, setting), graph);
      } catch (error) {
        // Graphviz fails on some pictures at one spacing and not at another.
        problem = error;
        continue;
      }
      const scale = wishedScale(geometry, widthPx, states);
      if (scale * bonus > most) {
        most = scale * bonus;
        best = geometry;
      }
      if (scale >= GOOD) break;
    }
    if (!best) throw problem;
    return best;
  }

  #geometry(graphviz: Graphviz, dot: string, graph: Graph): Geometry {
    const key = `${dot}\0${JSON.stringify(graph)}`;
    const kept = this.#kept.get(key);
    if (kept) return kept;
    const ids = new Set(graph.edges.map((edge) => edge.id));
    const geometry = readGeometry(graphviz.layout(dot, "json0", "dot"), ids);
    if (/rankdir=TB[^\n]*\]\n/.test(dot)) mirrorRegions(geometry, graph);
    refine(geometry, graph);
    if (this.#kept.size >= KEPT) this.#kept.clear();
    this.#kept.set(key, geometry);
    return geometry;
  }
}

function settingsFor(graph: Graph): readonly Setting[] {
  if (graph.nodes.length > CROWD) return CROWD_SETTINGS;
  const isNested = graph.nodes.some(({ parent }) => parent !== null);
  if (!isNested) return SETTINGS;
  return graph.nodes.length > LARGE ? NESTED_SETTINGS.slice(3) : NESTED_SETTINGS;
}

/** What Graphviz leaves to be done: bends, short entries, no empty border. */
function refine(geometry: Geometry, graph: Graph): void {
  alignRegions(geometry, graph);
  tieToBorders(geometry, graph);
  seedLoops(geometry, graph);
  if (geometry.clusters.size > 0) drawLost(geometry, graph);
  const isCrowd = graph.nodes.length > CROWD;
  const leaves = new Map<string, Box>();
  const boxes = new Map<string, Box>();
  for (const { id, path } of graph.nodes) {
    const [leaf, box] = [geometry.nodes.get(id), geometry.clusters.get(id)];
    if (leaf) leaves.set(path, leaf);
    if (box ?? leaf) boxes.set(path, (box ?? leaf) as Box);
  }
  const width = (message: string): number => Math.min(message.length, 28) * 7 + 16;
  const widths = new Map(graph.edges.map((edge) => [edge.id, width(edge.message)]));
  if (!isCrowd) bendPairs(geometry, graph.edges, leaves);
  const isNew = ({ id }: GraphEdge): boolean => geometry.edges.get(id)?.points.length === 0;
  const loops = isCrowd ? graph.edges.filter(isNew) : graph.edges;
  drawLoops(geometry, loops, boxes, widths);
  shortenEntries(geometry);
  trim(geometry, isCrowd ? new Map() : widths);
}

/**
 * Put statements before the brace that ends the DOT: the last value of an attribute
 * counts. Compound states are no nodes there and are left alone; histories have a size.
 */
function withSetting(dot: string, graph: Graph, setting: Setting): string {
  const end = dot.lastIndexOf("}");
  if (end < 0) return dot;
  const compound = new Set(graph.nodes.map((node) => node.parent));
  const nodes = graph.nodes
    .filter(({ kind }) => kind !== "history")
    .filter(({ id, path }) => !compound.has(path) && /^[A-Za-z_]\w*$/.test(id))
    .map(({ id }) => `${id} [${setting.node}]`);
  return `${dot.slice(0, end)}\ngraph [${setting.graph}]\n${nodes.join("\n")}\n}\n`;
}
